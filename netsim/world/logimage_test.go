package world

import (
	"errors"
	"math"
	"path"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

const imageDir = "/d/t-0"

// closedLog writes a log of two idempotent producers and three leader epochs in small segments, and closes it.
func closedLog(t *testing.T) vfs.FS {
	t.Helper()
	fs := vfs.NewMem(vfs.MemOptions{})
	if err := vfs.MkdirSync(fs, path.Dir(imageDir)); err != nil {
		t.Fatal(err)
	}
	l, _, err := commitlog.Open(commitlog.Options{
		FS: fs, Dir: imageDir, TopicID: base.UUID{1}, Residents: segment.NewResidents(4), Wall: 1000,
		Config: commitlog.Config{
			SegmentBytes: 600, SegmentMs: math.MaxInt64, IndexBytes: 1 << 20, IndexIntervalBytes: 1, RetentionMs: -1,
			RetentionBytes: -1, FlushMessages: math.MaxInt64, FlushMs: math.MaxInt64, Delete: true,
			ProducerExpirationMs: math.MaxInt64,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var builder batch.Builder
	for i := range int32(20) {
		o := batch.NewOptions()
		o.ProducerID, o.ProducerEpoch, o.BaseSequence = base.ProducerID(i%2), 0, i/2*2
		builder.Reset(o)
		builder.Append(int64(1000+i), []byte("k"), []byte("value"))
		builder.Append(int64(1000+i), []byte("k"), []byte("value"))
		b, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(b, base.LeaderEpoch(i/8), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

// checkAll reads and checks a closed log.
func checkAll(fs vfs.FS) error {
	m, err := readLog(fs, imageDir)
	if err != nil {
		return err
	}
	return errors.Join(m.checkIndexes(true), m.checkProducers(false), m.checkEpochs())
}

// change has a function change the bytes of a file.
func change(t *testing.T, fs vfs.FS, name string, do func([]byte) []byte) {
	t.Helper()
	content, err := vfs.ReadFile(fs, path.Join(imageDir, name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := fs.Open(path.Join(imageDir, name), vfs.Truncate)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(do(content), 0)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestImageOfAWholeLog finds nothing wrong where nothing is.
func TestImageOfAWholeLog(t *testing.T) {
	fs := closedLog(t)
	m, err := readLog(fs, imageDir)
	if err != nil {
		t.Fatal(err)
	}
	if m.start != 0 || m.end != 40 || len(m.batches) != 20 || len(m.segments) < 3 || len(m.snapshots) < 3 {
		t.Errorf("got offsets %d to %d, %d batches, %d segments and snapshots %v", m.start, m.end, len(m.batches),
			len(m.segments), m.snapshots)
	}
	if err := checkAll(fs); err != nil {
		t.Error(err)
	}
	points := map[base.TopicPartition]base.Offset{{Topic: "t"}: 40}
	if err := m.checkPoint(points, base.TopicPartition{Topic: "t"}, true); err != nil {
		t.Error(err)
	}
	for at, whole := range map[base.Offset]bool{41: false, 39: true} {
		points[base.TopicPartition{Topic: "t"}] = at
		if err := m.checkPoint(points, base.TopicPartition{Topic: "t"}, whole); !errors.Is(err, errImage) {
			t.Errorf("recovery point %d of a log that ends at 40: got %v", at, err)
		}
	}
}

// TestImageFindsWhatIsWrong changes a file at a time, of the second segment where there are many.
func TestImageFindsWhatIsWrong(t *testing.T) {
	m, err := readLog(closedLog(t), imageDir)
	if err != nil {
		t.Fatal(err)
	}
	second, last := m.segments[1].base, m.segments[len(m.segments)-1].base
	flip := func(at int) func([]byte) []byte {
		return func(p []byte) []byte { p[at] ^= 1; return p }
	}
	cut := func(n int) func([]byte) []byte {
		return func(p []byte) []byte { return p[:len(p)-n] }
	}
	for _, row := range []struct {
		name, file, want string
		do               func([]byte) []byte
	}{
		{"log: value", segment.Name(second, segment.LogSuffix), "CRC", flip(70)},
		{"log: base offset", segment.Name(second, segment.LogSuffix), "base offset", flip(7)},
		{"log: torn", segment.Name(second, segment.LogSuffix), "cut short", cut(5)},
		{"log: emptied", segment.Name(second, segment.LogSuffix), "ends at", func([]byte) []byte { return nil }},
		{"log: leader epoch", segment.Name(second, segment.LogSuffix), "leader epoch", flip(15)},
		{"offset index: offset", segment.Name(second, segment.IndexSuffix), "and none does", flip(3)},
		{"offset index: position", segment.Name(second, segment.IndexSuffix), "and none does", flip(7)},
		{"offset index: torn", segment.Name(second, segment.IndexSuffix), "entries of 8", cut(1)},
		{"time index: timestamp", segment.Name(second, segment.TimeIndexSuffix), "timestamp", flip(7)},
		{"time index: offset", segment.Name(second, segment.TimeIndexSuffix), "timestamp", flip(11)},
		{"time index: torn", segment.Name(second, segment.TimeIndexSuffix), "entries of 12", cut(1)},
		{"time index: last entry lost", segment.Name(last, segment.TimeIndexSuffix), "the last entry", cut(12)},
		{"snapshot: CRC", segment.Name(last, segment.SnapshotSuffix), "snapshot", flip(3)},
		{"snapshot: emptied", segment.Name(last, segment.SnapshotSuffix), "snapshot",
			func([]byte) []byte { return nil }},
		{"epochs: an epoch's start", commitlog.EpochsFile, "leader epoch", func(p []byte) []byte {
			return []byte(strings.Replace(string(p), "\n1 16\n", "\n1 18\n", 1))
		}},
		{"epochs: a line gone", commitlog.EpochsFile, "lines", func(p []byte) []byte {
			return []byte(strings.Replace(string(p), "1 16\n", "", 1))
		}},
		{"epochs: backwards", commitlog.EpochsFile, "after epoch", func(p []byte) []byte {
			return []byte(strings.Replace(string(p), "\n2 32\n", "\n0 32\n", 1))
		}},
		{"epochs: words", commitlog.EpochsFile, "line", func(p []byte) []byte {
			return []byte(strings.Replace(string(p), "\n1 16\n", "\none\n", 1))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			fs := closedLog(t)
			change(t, fs, row.file, row.do)
			if err := checkAll(fs); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, expected an error with %q", err, row.want)
			}
		})
	}
}

// TestImageFindsWhatIsMissing removes a file at a time.
func TestImageFindsWhatIsMissing(t *testing.T) {
	m, err := readLog(closedLog(t), imageDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix} {
		fs := closedLog(t)
		if err := fs.Remove(path.Join(imageDir, segment.Name(m.segments[1].base, suffix))); err != nil {
			t.Fatal(err)
		}
		if err := checkAll(fs); err == nil {
			t.Errorf("without a %s: got no error", suffix)
		}
	}
}

// TestImageFindsProducersOutOfOrder has batches of an idempotent producer come twice, too early and too late.
func TestImageFindsProducersOutOfOrder(t *testing.T) {
	for _, row := range []struct {
		name         string
		sequences    []int32
		strict, lost bool
	}{
		{"in order", []int32{0, 2, 4}, true, true},
		{"one twice", []int32{0, 2, 2}, false, false},
		{"two exchanged", []int32{2, 0}, false, false},
		{"one missing", []int32{0, 4}, false, true},
		{"the first missing", []int32{2, 4}, false, true},
	} {
		m := image(0, 0)
		var builder batch.Builder
		for i, sequence := range row.sequences {
			o := batch.NewOptions()
			o.ProducerID, o.ProducerEpoch, o.BaseSequence = 7, 0, sequence
			builder.Reset(o)
			builder.Append(1, nil, nil)
			builder.Append(1, nil, nil)
			b, err := builder.Build()
			if err != nil {
				t.Fatal(err)
			}
			b = append(batch.Batch(nil), b...)
			b.SetBaseOffset(base.Offset(2 * i))
			m.batches, m.end = append(m.batches, imageBatch{bytes: b}), b.NextOffset()
		}
		if err := m.checkProducers(false); (err == nil) != row.strict {
			t.Errorf("%s: got %v", row.name, err)
		}
		if err := m.checkProducers(true); (err == nil) != row.lost {
			t.Errorf("%s, after a loss: got %v", row.name, err)
		}
	}
}

// TestImageFindsAnotherSnapshot has a whole snapshot stand under another's name.
func TestImageFindsAnotherSnapshot(t *testing.T) {
	fs := closedLog(t)
	m, err := readLog(fs, imageDir)
	if err != nil {
		t.Fatal(err)
	}
	early, late := m.snapshots[0], m.snapshots[len(m.snapshots)-1]
	content, err := vfs.ReadFile(fs, m.path(early, segment.SnapshotSuffix))
	if err != nil {
		t.Fatal(err)
	}
	change(t, fs, segment.Name(late, segment.SnapshotSuffix), func([]byte) []byte { return content })
	if err := checkAll(fs); err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Errorf("got %v, expected an error of the snapshot", err)
	}
}
