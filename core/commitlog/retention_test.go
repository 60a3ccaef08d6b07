package commitlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Retention leaves of a log what Kafka's deleteOldSegments leaves of it.
func TestRetentionAsKafka(t *testing.T) {
	content, err := os.ReadFile(kafkaData + "retention.txt")
	must(t, err)
	cases := 0
	for i, line := range slices.Collect(strings.Lines(string(content))) {
		cases++
		asked, answer, _ := strings.Cut(strings.TrimSpace(line), " | ")
		f := strings.Fields(asked)
		n := numbers(t, slices.Concat(f[:2], f[3:6], strings.Fields(answer)))
		o := testOptions(vfs.NewMem(vfs.MemOptions{Now: func() int64 { return start + 300 }}))
		o.Config.SegmentBytes, o.Config.RetentionMs, o.Config.RetentionBytes = 200, n[0], n[1]
		o.Config.Delete, o.Config.Compact = strings.Contains(f[2], "delete"), strings.Contains(f[2], "compact")
		l := open(t, o)
		if f[6] != "-" {
			for _, b := range strings.Split(f[6], ",") {
				ts, size, _ := strings.Cut(b, ":")
				_, err := l.Append(keyed(t, numbers(t, []string{ts, size})), 0, start)
				must(t, err)
			}
		}
		high, low, wall := base.Offset(n[2]), base.Offset(n[3]), n[4]
		_, err := l.DeleteRecords(low, high)
		must(t, err)
		_, err = l.Expire(high, wall)
		must(t, err)
		l.StartCheckpoint()
		_, err = l.Trim(wall)
		must(t, err)
		got := []int64{int64(l.Start()), int64(l.SegmentCount()), int64(l.End()), int64(l.segments()[0].BaseOffset())}
		if !slices.Equal(got, n[5:]) {
			t.Errorf("line %d: %s: got %v", i+1, strings.TrimSpace(line), got)
		}
	}
	if cases < 200 {
		t.Errorf("got %d cases", cases)
	}
}

// keyed is a batch of two records with a key, of a timestamp and a size of the value.
func keyed(t *testing.T, n []int64) batch.Batch {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for range 2 {
		b.Append(n[0], []byte("k"), make([]byte, n[1]))
	}
	built, err := b.Build()
	must(t, err)
	return built
}

// The timestamp that a segment is deleted for is held against the log first: a time index that a flipped bit made look
// old costs nothing.
func TestRetentionDistrustsTheTimeIndex(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.SegmentBytes, o.Config.RetentionMs = 400, 1000
	l := open(t, o)
	add(t, l, 12)
	must(t, l.Close())
	name := file(0, segment.TimeIndexSuffix)
	index := read(t, fs, name)
	for _, lie := range []int{9, 10} { // 1970, and a thousand years to come
		fs := fs.Clone()
		must(t, fs.Corrupt(name, int64(len(index)-lie), []byte{1}))
		o.FS, o.Clean, o.Trusted, o.RecoveryPoint = fs, true, true, 12
		l = open(t, o)
		if n, err := l.Expire(12, start+500); err != nil || n != 0 || l.Start() != 0 {
			t.Errorf("got %d segments to delete, %v, start %d, expected none", n, err, l.Start())
		}
		if n, err := l.Expire(12, start+5000); err != nil || n == 0 {
			t.Errorf("got %d segments to delete, %v, expected them all", n, err)
		}
	}
}

// trimLog is a log of eight segments of four records.
func trimLog(t *testing.T, fs vfs.FS) (*Log, Options) {
	t.Helper()
	o := testOptions(fs)
	o.Config.SegmentBytes = int32(4 * len(numbered(t, 0, 1)))
	o.Config.FileDeleteDelayMs = 1000
	l := open(t, o)
	add(t, l, 32)
	return l, o
}

// Only what the checkpoint of log starts covers is taken out of a log: what DeleteRecords asks for after the checkpoint
// was written has to wait for the next one.
func TestTrimWaitsForTheCheckpoint(t *testing.T) {
	l, _ := trimLog(t, newFS(t))
	for _, step := range []struct {
		to       base.Offset
		note     bool
		segments int
	}{
		{9, false, 8}, {9, true, 6}, {18, false, 6}, {22, true, 3}, {32, false, 3}, {32, true, 1},
	} {
		_, err := l.DeleteRecords(step.to, 32)
		must(t, err)
		if step.note {
			if o, ok := l.StartCheckpoint(); o != step.to || !ok {
				t.Errorf("got checkpoint %d, %v, expected %d", o, ok, step.to)
			}
		}
		_, err = l.Trim(start)
		must(t, err)
		if got := l.SegmentCount(); got != step.segments || l.Start() != step.to {
			t.Errorf("start %d, noted %v: got %d segments from %d on, expected %d", step.to, step.note, got, l.Start(),
				step.segments)
		}
	}
}

// A log's start is in the checkpoint for as long as segments before it may come back: until their absence is durable.
func TestStartIsCheckpointedUntilTrimIsDurable(t *testing.T) {
	fs := newFS(t)
	var l *Log
	trimming := false
	faults := vfs.NewFaults(fs, func(op vfs.Op) vfs.Decision {
		if trimming && op.Kind.Changes() {
			if o, ok := l.StartCheckpoint(); o != 8 || !ok {
				t.Errorf("before %v %s: got checkpoint %d, %v, expected 8", op.Kind, op.Name, o, ok)
			}
		}
		return vfs.Decision{}
	})
	l, _ = trimLog(t, faults)
	_, err := l.DeleteRecords(8, 32)
	must(t, err)
	l.StartCheckpoint()
	trimming = true
	n, err := l.Trim(start)
	trimming = false
	if err != nil || n != 2 {
		t.Errorf("got %d segments, %v, expected 2", n, err)
	}
	if _, ok := l.StartCheckpoint(); ok {
		t.Error("the start is still to be checkpointed")
	}
}

// Loss of power at any call while records are deleted, whatever the disk kept, leaves a log without holes that begins
// where it may: not beyond what was asked, and not before what was checkpointed.
func TestDeletionInterrupted(t *testing.T) {
	for k := 1; ; k++ {
		disk := newFS(t)
		l, o := trimLog(t, disk)
		point := syncLog(t, l)
		must(t, l.Checkpoint())
		o.RecoveryPoint = point - 10 // the checkpoint is older than the last sync
		add(t, l, 3)
		disk.SyncAll()
		l.Abandon()
		faults := vfs.NewFaults(disk, vfs.CutAt(k, 0))
		faults.SetHook(nil)
		o.FS = faults
		l = open(t, o)
		disk.SyncAll()
		base0 := faults.Calls()
		faults.SetHook(vfs.CutAt(base0+k, 0))
		noted := deleteSome(t, l)
		l.Abandon()
		if faults.Calls() < base0+k {
			return
		}
		o.FS = disk
		for i, choice := range deletionChoices(k) {
			again := disk.CrashClone(choice)
			o.FS, o.LogStart = again, noted
			l, report, err := Open(o)
			if err != nil || l.End() != 35 || l.Start() < noted || l.Start() > 21 {
				t.Fatalf("cut at call %d, choice %d, start %d in the checkpoint: %v, %+v", k, i, noted, err, report)
			}
			dense(t, readFrom(t, l, l.Start()), l.Start(), 35)
			must(t, l.Close())
			audit(t, again)
		}
	}
}

// deleteSome deletes records twice, noting the start in between as the owner of the checkpoint does, and returns the
// last start that it noted.
func deleteSome(t *testing.T, l *Log) base.Offset {
	t.Helper()
	noted := base.Offset(0)
	for _, to := range []base.Offset{9, 21} {
		if _, err := l.DeleteRecords(to, 30); err != nil {
			return noted
		}
		noted, _ = l.StartCheckpoint()
		if to == 9 {
			// This one comes between the checkpoint and the deletion of files.
			_, _ = l.DeleteRecords(17, 30)
		}
		_, err := l.Trim(start)
		if err == nil {
			err = l.Purge(start + 5000)
		}
		if err != nil {
			return noted
		}
	}
	return noted
}

func deletionChoices(seed int) []vfs.Choice {
	choices := []vfs.Choice{vfs.LoseAll, vfs.KeepAll}
	for i := range 8 {
		choices = append(choices, vfs.LoseFirst(i+1), vfs.KeepFirst(i+1))
	}
	for i := range uint64(6) {
		choices = append(choices, vfs.Random(rand.New(rand.NewPCG(uint64(seed), i)).Uint64, 500))
	}
	return choices
}

// Deleted segments are read to the end by those who hold a span of them, and by those who found them before; when their
// files are gone the offset is out of range, and the log stays in service.
func TestReadersOfDeletedSegments(t *testing.T) {
	fs := newFS(t)
	l, _ := trimLog(t, fs)
	held, err := l.Read(1, 1000, 32, true)
	must(t, err)
	before := view{segments: l.segments(), start: 0, end: 32, endPosition: l.mu.endPosition}
	_, err = l.DeleteRecords(12, 32)
	must(t, err)
	l.StartCheckpoint()
	_, err = l.Trim(start)
	must(t, err)
	if _, err := l.Read(11, 1000, 32, true); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("got %v, expected %v", err, ErrOffsetOutOfRange)
	}
	late, ok, err := before.read(1, 5, 1000, 32, true)
	if err != nil || !ok || !strings.Contains(string(spanBytes(t, &late)), "5 ") {
		t.Errorf("a reader that found the segment before: %v, %v", ok, err)
	}
	if at, ok := l.PurgeDue(); !ok || at != start+1000 {
		t.Errorf("got purge at %d, %v, expected a second later", at, ok)
	}
	must(t, l.Purge(start+999))
	if n := deletedFiles(t, fs); n < 9 {
		t.Errorf("got %d deleted files before their time, expected 9 or more", n)
	}
	must(t, l.Purge(start+1000))
	if n := deletedFiles(t, fs); n != 0 {
		t.Errorf("got %d deleted files after their time, expected none", n)
	}
	if _, ok := l.PurgeDue(); ok {
		t.Error("there is still something to purge")
	}
	if _, _, err := before.read(2, 9, 1000, 32, true); !isNotExist(err) {
		t.Errorf("a reader that comes too late: %v", err)
	}
	if !strings.Contains(string(spanBytes(t, &held)), "1 ") {
		t.Error("the held span is not what was appended")
	}
	dense(t, readFrom(t, l, 12), 12, 32)
	must(t, l.Failure())
}

func deletedFiles(t *testing.T, fs vfs.FS) int {
	n := 0
	for name := range tree(t, fs, logDir) {
		if strings.HasSuffix(name, segment.DeletedSuffix) {
			n++
		}
	}
	return n
}

// A file of the log that disappears though nobody deleted its records is a failure of the disk, not the reader's fault.
func TestVanishedSegmentTakesTheLogOffline(t *testing.T) {
	fs := newFS(t)
	l, _ := trimLog(t, fs)
	for _, s := range l.segments()[:3] {
		s.Unload()
		must(t, fs.Remove(file(s.BaseOffset(), segment.LogSuffix)))
	}
	if _, err := l.Read(5, 1000, 32, true); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v, expected %v", err, ErrOffline)
	}
	if _, err := l.Read(30, 1000, 32, true); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v, expected %v", err, ErrOffline)
	}
}

// DeleteRecords moves the start, never back, within batches too, and never beyond what is committed.
func TestDeleteRecords(t *testing.T) {
	l, o := trimLog(t, newFS(t))
	for _, step := range []struct {
		offset, limit, want base.Offset
		err                 error
	}{
		{5, 20, 5, nil}, {3, 20, 5, nil}, {5, 20, 5, nil}, {20, 20, 20, nil}, {21, 20, 0, ErrOffsetOutOfRange},
		{-1, 20, 0, ErrOffsetOutOfRange}, {0, 20, 20, nil}, {32, 32, 32, nil},
	} {
		got, err := l.DeleteRecords(step.offset, step.limit)
		if !errors.Is(err, step.err) || step.err == nil && (err != nil || got != step.want || l.Start() != got) {
			t.Errorf("to %d: got %d, %v, start %d, expected %d, %v", step.offset, got, err, l.Start(),
				step.want, step.err)
		}
	}
	checkpoint, ok := l.StartCheckpoint()
	if !ok || checkpoint != 32 {
		t.Errorf("got checkpoint %d, %v", checkpoint, ok)
	}
	must(t, l.Close())
	o.Clean, o.Trusted, o.RecoveryPoint, o.LogStart = true, true, 32, checkpoint
	l = open(t, o)
	if l.Start() != 32 || l.End() != 32 {
		t.Errorf("opened again: got %d to %d", l.Start(), l.End())
	}
	if _, err := l.Read(31, 1, 32, true); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("got %v", err)
	}
	add(t, l, 1)
}

// Retention under a reader's eye: any number of random calls leave a log that reads densely.
func TestRetentionRandomly(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 6))
			fs := newFS(t)
			l, o := trimLog(t, fs)
			low, wall := base.Offset(0), start
			var held []Range
			for range 150 {
				switch r.IntN(8) {
				case 0:
					if to := l.Start() + base.Offset(r.IntN(9)); to <= l.End() {
						_, err := l.DeleteRecords(to, l.End())
						must(t, err)
					}
				case 1:
					o.Config.RetentionBytes = int64(r.IntN(3000))
					l.SetConfig(o.Config)
					_, err := l.Expire(l.End()-base.Offset(r.IntN(5)), wall)
					must(t, err)
				case 2:
					l.StartCheckpoint()
					_, err := l.Trim(wall)
					must(t, err)
				case 3:
					wall += int64(r.IntN(800))
					must(t, l.Purge(wall))
				case 4:
					if l.Start() < l.End() {
						got, err := l.Read(l.Start(), 500, l.End(), true)
						must(t, err)
						held = append(held, got)
					}
				default:
					add(t, l, r.IntN(4))
				}
				if l.Start() < low {
					t.Fatalf("the start went back from %d to %d", low, l.Start())
				}
				low = l.Start()
			}
			for i := range held {
				b, _, err := batch.Parse(spanBytes(t, &held[i]))
				if err != nil || b.CheckCRC() != nil {
					t.Fatalf("a held span: %v", err)
				}
			}
			dense(t, readFrom(t, l, low), low, l.End())
			must(t, l.Close())
			audit(t, fs)
		})
	}
}

// Once retention has deleted every batch of a producer, only the producer snapshot knows it. That is durable before the
// names of the segments change: what the producer sends again after a loss of power is still known for what it is.
func TestProducersSurviveTheirBatches(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.RetentionBytes = 0
	l := open(t, o)
	last := set{pid: 7, seq: 2, times: []int64{start, start + 1}}
	for _, s := range []set{{pid: 7, seq: 0, times: []int64{start, start + 1}}, last} {
		_, err := l.Append(s.build(t), 0, start)
		must(t, err)
	}
	j, _ := l.BeginSync()
	must(t, j.Run())
	_, err := l.EndSync(j)
	must(t, err)
	_, err = l.Expire(l.End(), start+10)
	must(t, err)
	o.LogStart, _ = l.StartCheckpoint()
	if n, err := l.Trim(start + 10); n != 1 || err != nil || o.LogStart != 4 {
		t.Fatalf("got %d segments deleted and log start %d, %v, expected 1 and 4", n, o.LogStart, err)
	}
	fs.PowerLoss(vfs.LoseAll)
	fs.Restart()
	o.RecoveryPoint = 4
	l = open(t, o)
	got, err := l.Append(last.build(t), 1, start)
	if err != nil || !got.Duplicate {
		t.Errorf("got %+v, %v, expected a batch that is known", got, err)
	}
	if _, err = l.Append(set{pid: 7, seq: 4}.build(t), 1, start); err != nil {
		t.Errorf("got %v, expected the next batch to be in order", err)
	}
}
