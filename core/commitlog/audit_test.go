package commitlog

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// audited is a log of some segments and epochs with a producer, closed cleanly.
func audited(t *testing.T) *vfs.Mem {
	t.Helper()
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.SegmentBytes, o.Config.IndexIntervalBytes = 600, 100
	l := open(t, o)
	for i := range int32(20) {
		s := set{pid: 5, seq: i, size: 40, times: []int64{start + int64(i)}}
		_, err := l.Append(s.build(t), base.LeaderEpoch(i/6), start)
		must(t, err)
	}
	must(t, l.Close())
	return fs
}

// An audit counts what is there and finds each kind of damage, by the file's name.
func TestAuditFindsDamage(t *testing.T) {
	disk := audited(t)
	read0 := int64(0)
	a, err := AuditDir(disk, logDir, func(n int64) { read0 = n })
	if err != nil || len(a.Problems) > 0 || a.Records != 20 || a.Batches != 20 || a.Start != 0 || a.End != 20 ||
		a.Segments < 3 || a.Bytes != read0 {
		t.Fatalf("got %+v, %v after %d bytes", a, err, read0)
	}
	files, err := listLog(disk, logDir)
	must(t, err)
	second := files.bases[1]
	snapshot := file(files.snapshots[0], segment.SnapshotSuffix)
	epochs := path.Join(logDir, EpochsFile)
	flip := func(name string, at int64) func(*vfs.Mem) {
		return func(fs *vfs.Mem) { must(t, fs.Corrupt(name, at, []byte{1})) }
	}
	put := func(name, content string) func(*vfs.Mem) {
		return func(fs *vfs.Mem) { write(t, fs, name, []byte(content)) }
	}
	for _, c := range []struct {
		name   string
		damage func(fs *vfs.Mem)
		want   string
	}{
		{"a record", flip(file(0, segment.LogSuffix), 90), "00000000000000000000: batch at position 0"},
		{"a base offset", flip(file(second, segment.LogSuffix), 6), "batch at position 0"},
		{"a leader epoch", flip(file(0, segment.LogSuffix), 14), "got leader epoch"},
		{"an index entry's offset", flip(file(0, segment.IndexSuffix), 3), "offset index entry 0"},
		{"an index entry's position", flip(file(0, segment.IndexSuffix), 7), "offset index entry 0"},
		{"an index of a strange size", put(file(0, segment.IndexSuffix), "12345"), "offset index: "},
		{"a time entry's timestamp", flip(file(0, segment.TimeIndexSuffix), 7), "time index entry 0"},
		{"a time entry's offset", flip(file(0, segment.TimeIndexSuffix), 11), "time index entry 0"},
		{"a time index of a strange size", put(file(0, segment.TimeIndexSuffix), "12345"), "time index: "},
		{"a missing index", func(fs *vfs.Mem) { must(t, fs.Remove(file(0, segment.IndexSuffix))) }, "offset index: "},
		{"a snapshot", flip(snapshot, 20), "CRC"},
		{"a snapshot of the future", func(fs *vfs.Mem) {
			write(t, fs, file(99, segment.SnapshotSuffix), read(t, fs, file(20, segment.SnapshotSuffix)))
		}, "the log ends at 20"},
		{"a snapshot of what comes after it", func(fs *vfs.Mem) {
			write(t, fs, file(2, segment.SnapshotSuffix), read(t, fs, file(20, segment.SnapshotSuffix)))
		}, "producer 5: got last offset 19"},
		{"epochs that do not ascend", put(epochs, "0\n2\n1 0\n0 6\n"), EpochsFile},
		{"epochs that are not those of the batches", put(epochs, "0\n1\n7 0\n"), "the checkpoint says 7"},
		{"no partition.metadata", func(fs *vfs.Mem) {
			must(t, fs.Remove(path.Join(logDir, PartitionMetadataFile)))
		}, "no partition.metadata"},
		{"segments that overlap", func(fs *vfs.Mem) {
			name := segment.Name(second-1, segment.LogSuffix)
			write(t, fs, path.Join(logDir, name), read(t, fs, file(second, segment.LogSuffix)))
		}, "begins before the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := disk.Clone()
			c.damage(fs)
			before := tree(t, fs, "/")
			a, err := AuditDir(fs, logDir, nil)
			must(t, err)
			if !slices.ContainsFunc(a.Problems, func(e error) bool { return strings.Contains(e.Error(), c.want) }) {
				t.Errorf("got %v, expected %q among them", a.Problems, c.want)
			}
			same(t, before, tree(t, fs, "/"))
		})
	}
	if _, err := AuditDir(disk, "/d/none", nil); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("a missing directory: got %v", err)
	}
}

// A disk that fails under an audit is a problem that it reports, not one that it misses.
func TestAuditUnderErrors(t *testing.T) {
	disk := audited(t)
	for k := 1; ; k++ {
		kind := vfs.OpList
		fs := vfs.NewFaults(disk, func(op vfs.Op) vfs.Decision {
			if op.Seq != k {
				return vfs.Decision{}
			}
			kind = op.Kind
			return vfs.Decision{Err: vfs.ErrIO}
		})
		a, err := AuditDir(fs, logDir, nil)
		if fs.Calls() < k {
			if k < 20 {
				t.Errorf("got %d calls", k)
			}
			return
		}
		found := slices.ContainsFunc(a.Problems, func(e error) bool { return errors.Is(e, vfs.ErrIO) })
		if kind != vfs.OpClose && !found && !errors.Is(err, vfs.ErrIO) {
			t.Errorf("%v, call %d, failed: got %v and %v", kind, k, a.Problems, err)
		}
	}
}

// Tools see the epochs as recovery does.
func TestParseEpochsForTools(t *testing.T) {
	got, err := ParseEpochs([]byte("0\n2\n1 0\n4 17\n"))
	if want := []EpochEntry{{1, 0}, {4, 17}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, expected %v", got, err, want)
	}
	if _, err := ParseEpochs([]byte("0\n2\n1 0\n")); !errors.Is(err, ErrBadCheckpoint) {
		t.Errorf("got %v, expected %v", err, ErrBadCheckpoint)
	}
}
