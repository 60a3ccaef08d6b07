package fuzz

import (
	"encoding/binary"
	"errors"
	"path"
	"reflect"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// FuzzSnapshot takes any bytes for the newest producer snapshot of a good log, with bit 0 of bits under a right CRC, in
// a directory that was closed cleanly (bit 1) or not. What is no snapshot is made up for from the log, so that the last
// batch of the producer is known; the log's records are there whatever the snapshot says.
func FuzzSnapshot(f *testing.F) {
	g, err := madeLog()
	must(f, err)
	names := snapshots(f, g.closed)
	for _, name := range names {
		for bits := range uint8(4) {
			f.Add(get(f, g.closed, path.Join(logDir, name)), bits)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, bits uint8) {
		defer watch()()
		data = slices.Clone(data)
		if bits&1 != 0 && len(data) >= 10 {
			binary.BigEndian.PutUint16(data, 1)
			binary.BigEndian.PutUint32(data[6:], uint32((len(data)-10)/46))
			binary.BigEndian.PutUint32(data[2:], batch.Checksum(data[6:]))
		}
		entries, parseErr := commitlog.ParseSnapshot(data)
		if parseErr == nil && len(data) != 10+46*len(entries) ||
			parseErr != nil && !errors.Is(parseErr, commitlog.ErrBadSnapshot) {
			t.Fatalf("got %d entries of %d bytes, %v", len(entries), len(data), parseErr)
		}
		fs := g.killed.Clone()
		if bits&2 != 0 {
			fs = g.closed.Clone()
		}
		o := logOptions(fs)
		o.Clean = bits&2 != 0
		have := snapshots(t, fs)
		put(t, fs, path.Join(logDir, have[len(have)-1]), data)
		l, _, err := commitlog.Open(o)
		must(t, err)
		defer l.Abandon()
		found, err := readLog(t, l, 0)
		must(t, err)
		if len(found) != batches || l.End() != 2*batches {
			t.Fatalf("got %d batches up to %d", len(found), l.End())
		}
		if parseErr == nil {
			return // whatever it says of producers stands
		}
		last := sample(batch.None, batches-1, 2)
		if got, err := l.Append(last, batches/7, epoch); err != nil || !got.Duplicate {
			t.Fatalf("the last batch once more: got %+v, %v", got, err)
		}
	})
}

// snapshots lists the producer snapshots of a log, oldest first.
func snapshots(t testing.TB, fs vfs.FS) []string {
	t.Helper()
	entries, err := fs.List(logDir)
	must(t, err)
	var found []string
	for _, e := range entries {
		if _, suffix, ok := segment.ParseName(e.Name); ok && suffix == segment.SnapshotSuffix {
			found = append(found, e.Name)
		}
	}
	if len(found) == 0 {
		t.Fatal("the log has no snapshots")
	}
	return found
}

// small are the small files of a log directory and of a partition's, as brokers write them.
var small = []struct{ name, content string }{
	{commitlog.RecoveryPointFile, "0\n2\nt 0 14\nt 1 0\n"},
	{commitlog.LogStartFile, "0\n1\nt 0 3\n"},
	{commitlog.HighWatermarkFile, "0\n2\n__cluster_metadata 0 9\nt 0 48\n"},
	{commitlog.EpochsFile, "0\n2\n0 0\n3 42\n"},
	{commitlog.PartitionMetadataFile, "version: 0\ntopic_id: AAAAAAADAAAAAAAAAAAAAA"},
	{
		commitlog.MetaFile,
		"#\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id=AAAAAAADAAAAAAAAAAAAAA\nnode.id=1\nversion=1\n",
	},
	{commitlog.CleanShutdownFile, `{"version":0,"brokerEpoch":7}`},
}

// FuzzCheckpoint takes any text for one of the small files: what is read is written and read again the same. A log
// directory with it opens or says why not, and a partition's directory with it opens with all its records or says why
// not.
func FuzzCheckpoint(f *testing.F) {
	g, err := madeLog()
	must(f, err)
	for i, file := range small {
		f.Add(uint8(i), []byte(file.content))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		defer watch()()
		checkOffsets(t, data)
		checkSmall(t, data)
		name := small[int(which)%len(small)].name
		if name == commitlog.EpochsFile || name == commitlog.PartitionMetadataFile {
			fs := g.killed.Clone()
			put(t, fs, path.Join(logDir, name), data)
			openWith(t, fs)
			return
		}
		fs := vfs.NewMem(vfs.MemOptions{})
		for _, file := range small {
			put(t, fs, path.Join(rootDir, file.name), []byte(file.content))
		}
		put(t, fs, path.Join(rootDir, name), data)
		draw := uint64(0)
		d, err := commitlog.OpenDir(fs, rootDir, commitlog.MetaProperties{NodeID: 1}, func() uint64 {
			draw++
			return draw
		})
		if err != nil {
			if name != commitlog.MetaFile {
				t.Fatalf("%s: %v", name, err)
			}
			return
		}
		must(t, errors.Join(d.BeginUse(), d.MarkClean(7), d.Close()))
	})
}

// openWith opens a good log one of whose small files was replaced.
func openWith(t *testing.T, fs vfs.FS) {
	t.Helper()
	l, _, err := commitlog.Open(logOptions(fs))
	if errors.Is(err, commitlog.ErrNoMetadata) || errors.Is(err, commitlog.ErrOtherTopic) {
		return
	}
	must(t, err)
	defer l.Abandon()
	found, err := readLog(t, l, 0)
	if err != nil || len(found) != batches {
		t.Fatalf("got %d batches, %v", len(found), err)
	}
}

// checkOffsets reads an offset checkpoint, writes what it read and reads that again.
func checkOffsets(t *testing.T, data []byte) {
	t.Helper()
	entries, err := commitlog.ParseOffsets(data)
	if err != nil {
		if !errors.Is(err, commitlog.ErrBadCheckpoint) {
			t.Fatal(err)
		}
		return
	}
	again, err := commitlog.ParseOffsets(commitlog.FormatOffsets(entries))
	if err != nil || !reflect.DeepEqual(again, entries) {
		t.Fatalf("got %v, %v, expected %v", again, err, entries)
	}
	for _, e := range entries {
		if _, ok := commitlog.LookupOffset(entries, e.Partition); !ok || e.Offset < 0 {
			t.Fatalf("%v is not found in %v", e, entries)
		}
	}
}

// checkSmall reads the other small files and holds what they say against their rules.
func checkSmall(t *testing.T, data []byte) {
	t.Helper()
	if entries, err := commitlog.ParseEpochs(data); err == nil {
		for i, e := range entries {
			if i > 0 && (e.Epoch <= entries[i-1].Epoch || e.Start < entries[i-1].Start) {
				t.Fatalf("entry %d of epochs: %v", i, entries)
			}
		}
	} else if !errors.Is(err, commitlog.ErrBadCheckpoint) {
		t.Fatal(err)
	}
	if id, err := commitlog.ParseMetadata(data); (err == nil) == (id == base.UUID{}) {
		t.Fatalf("partition.metadata: got %v, %v", id, err)
	}
	m, err := commitlog.ParseMeta(data)
	if err != nil {
		if !errors.Is(err, commitlog.ErrBadMeta) {
			t.Fatal(err)
		}
		return
	}
	if again, err := commitlog.ParseMeta(m.Format()); err != nil || again != m {
		t.Fatalf("meta.properties: got %+v, %v, expected %+v", again, err, m)
	}
}
