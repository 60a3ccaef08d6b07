package commitlog

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// The log of the recovery tables: 30 records in segments of four, at offsets 0, 4, 8 and so on; batches of batchSize
// bytes, one record each. All below offset 14 was synced and is named by the recovery point; then the process was
// killed.
const (
	tableEnd    = 30
	tablePoint  = 14
	perSegment  = 4
	lastSegment = 28
)

type tableLog struct {
	disk      *vfs.Mem
	batchSize int64
}

func recoveryConfig() Config {
	cfg := testConfig()
	cfg.IndexIntervalBytes = 100
	return cfg
}

func newTableLog(t testing.TB) *tableLog {
	t.Helper()
	w := &tableLog{disk: newFS(t), batchSize: int64(len(numbered(t, 0, 1)))}
	l := open(t, w.options(w.disk, 0))
	add(t, l, tablePoint)
	if got := syncLog(t, l); got != tablePoint {
		t.Fatalf("got recovery point %d, expected %d", got, tablePoint)
	}
	must(t, l.Checkpoint())
	add(t, l, tableEnd-tablePoint)
	l.Abandon()
	w.disk.SyncAll()
	return w
}

func (w *tableLog) options(fs vfs.FS, point base.Offset) Options {
	o := testOptions(fs)
	o.Config = recoveryConfig()
	o.Config.SegmentBytes = int32(perSegment * w.batchSize)
	o.RecoveryPoint = point
	return o
}

func file(at base.Offset, suffix string) string {
	return path.Join(logDir, segment.Name(at, suffix))
}

// logOf names the .log that holds an offset, and says where in it the offset's batch begins.
func (w *tableLog) logOf(o base.Offset) (string, int64) {
	return file(o/perSegment*perSegment, segment.LogSuffix), int64(o%perSegment) * w.batchSize
}

func (w *tableLog) flip(t testing.TB, fs *vfs.Mem, o base.Offset, at int64) {
	name, pos := w.logOf(o)
	must(t, fs.Corrupt(name, pos+at, []byte{0x10}))
}

func (w *tableLog) truncate(t testing.TB, fs *vfs.Mem, o base.Offset, at int64) {
	name, pos := w.logOf(o)
	content := read(t, fs, name)
	write(t, fs, name, content[:pos+at])
}

func (w *tableLog) zero(t testing.TB, fs *vfs.Mem, name string, from, to int64) {
	content := read(t, fs, name)
	clear(content[from:min(to, int64(len(content)))])
	write(t, fs, name, content)
}

func (w *tableLog) extend(t testing.TB, fs *vfs.Mem, o base.Offset, p []byte) {
	name, _ := w.logOf(o)
	write(t, fs, name, append(read(t, fs, name), p...))
}

// row is one kind of damage and what becomes of the log.
type row struct {
	name    string
	corrupt func(w *tableLog, t *testing.T, fs *vfs.Mem)
	// start and end are the offsets after a start that loses nothing that was promised. end is refused where it must
	// not start.
	start, end base.Offset
	// accepted is the end when the loss is accepted.
	accepted base.Offset
	// change changes the options.
	change func(o *Options)
}

const refused base.Offset = -1

func TestRecoveryTable(t *testing.T) {
	w := newTableLog(t)
	for _, table := range [][]row{damagedTails, damagedMiddles, damagedNames} {
		for _, r := range table {
			t.Run(r.name, func(t *testing.T) {
				fs := w.disk.Clone()
				r.corrupt(w, t, fs)
				o := w.options(fs, tablePoint)
				if r.change != nil {
					r.change(&o)
				}
				if r.end == refused {
					w.checkRefused(t, fs, o)
					o.AcceptLoss = true
					r.end = r.accepted
				}
				w.checkRecovered(t, fs, o, r)
			})
		}
	}
}

// checkRefused opens a damaged log, which must be refused, with nothing touched and nothing left open.
func (w *tableLog) checkRefused(t *testing.T, fs *vfs.Mem, o Options) {
	t.Helper()
	before := tree(t, fs, "/")
	opened := 0
	o.FS = vfs.NewFaults(fs, func(op vfs.Op) vfs.Decision {
		switch {
		case op.Kind == vfs.OpOpen && op.Mode <= vfs.ReadWrite:
			opened++
		case op.Kind == vfs.OpClose:
			opened--
		case op.Kind.Changes():
			t.Errorf("%v %s", op.Kind, op.Name)
		}
		return vfs.Decision{}
	})
	l, _, err := Open(o)
	if l != nil || !errors.Is(err, ErrCorruptLog) {
		t.Fatalf("got %v, expected %v", err, ErrCorruptLog)
	}
	same(t, before, tree(t, fs, "/"))
	if opened != 0 {
		t.Errorf("got %d files left open", opened)
	}
}

// checkRecovered opens a log, reads all of it, appends to it, checks what was synced, closes it, audits its files and
// opens it again.
func (w *tableLog) checkRecovered(t *testing.T, fs *vfs.Mem, o Options, r row) {
	t.Helper()
	synced := make(map[string]bool)
	o.FS = vfs.NewFaults(fs, func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncDir {
			synced[op.Name] = true
		}
		return vfs.Decision{}
	})
	l, report, err := Open(o)
	must(t, err)
	if report.Start != r.start || report.End != r.end ||
		l.Start() != r.start || l.End() != r.end || l.Synced() != r.end {
		t.Fatalf("got %d to %d, synced to %d, expected %d to %d", l.Start(), l.End(), l.Synced(), r.start, r.end)
	}
	last := l.segments()[l.SegmentCount()-1].BaseOffset()
	for _, name := range []string{
		file(last, segment.LogSuffix), logDir, path.Dir(logDir), path.Join(logDir, PartitionMetadataFile),
	} {
		if !synced[name] && !o.Clean {
			t.Errorf("%s was not synced", name)
		}
	}
	if r.end > tableEnd {
		return
	}
	dense(t, readFrom(t, l, l.Start()), r.start, r.end)
	// What recovery made is durable: the power may go now.
	after := fs.CrashClone(vfs.LoseAll)
	w.checkAgain(t, after, o, l)
	add(t, l, 2)
	must(t, l.Close())
	audit(t, fs)
	o.Clean, o.Trusted, o.RecoveryPoint, o.AcceptLoss = true, true, l.End(), false
	l = open(t, o)
	dense(t, readFrom(t, l, l.Start()), r.start, r.end+2)
	must(t, l.Close())
}

// checkAgain opens what a loss of power leaves of a recovered log.
func (w *tableLog) checkAgain(t *testing.T, fs *vfs.Mem, o Options, want *Log) {
	t.Helper()
	o.FS, o.RecoveryPoint, o.Clean, o.AcceptLoss, o.LogStart = fs, want.Synced(), false, false, want.Start()
	l := open(t, o)
	if l.Start() != want.Start() || l.End() != want.End() {
		t.Fatalf("after loss of power: got %d to %d, expected %d to %d", l.Start(), l.End(), want.Start(), want.End())
	}
	dense(t, readFrom(t, l, l.Start()), want.Start(), want.End())
	l.Abandon()
}

// damagedTails is what the end of a log may look like.
var damagedTails = []row{
	{"nothing", func(*tableLog, *testing.T, *vfs.Mem) {}, 0, 30, 0, nil},
	{"last batch: bit in its CRC",
		func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 29, 18) }, 0, 29, 0, nil},
	{"last batch: bit in a record",
		func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 29, 90) }, 0, 29, 0, nil},
	{"last batch: bit in its length",
		func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 29, 10) }, 0, 29, 0, nil},
	{"last batch: wrong magic", func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 29, 16) }, 0, 29, 0, nil},
	{"last batch: zeros", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		name, pos := w.logOf(29)
		w.zero(t, fs, name, pos, pos+w.batchSize)
	}, 0, 29, 0, nil},
	{"last segment: emptied", func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.truncate(t, fs, 28, 0) }, 0, 28, 0, nil},
	{"last segment: gone", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(file(28, segment.LogSuffix)))
	}, 0, 28, 0, nil},
	{"garbage behind the last batch", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.extend(t, fs, 29, []byte(strings.Repeat("garbage", 99)))
	}, 0, 30, 0, nil},
	{"zeros behind the last batch", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.extend(t, fs, 29, make([]byte, 5000))
	}, 0, 30, 0, nil},
	{"a batch of the past behind the last one", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.extend(t, fs, 29, read(t, fs, file(20, segment.LogSuffix)))
	}, 0, refused, 30, nil},
	{"segment before the last: its end gone", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 26, 40)
	}, 0, 26, 0, nil},
	{"segment before the last: its end gone at a batch", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 26, 0)
	}, 0, 26, 0, nil},
	{"segment before the last: emptied", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 24, 0)
	}, 0, 24, 0, nil},
	{"segment before the last: gone", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(file(24, segment.LogSuffix)))
	}, 0, 24, 0, nil},
	{"a hole before the last segment", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		name, pos := w.logOf(21)
		w.zero(t, fs, name, pos, pos+w.batchSize)
	}, 0, 21, 0, nil},
	{"nothing but the synced part", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(16); at <= lastSegment; at += perSegment {
			must(t, fs.Remove(file(at, segment.LogSuffix)))
		}
		w.truncate(t, fs, tablePoint, 0)
	}, 0, tablePoint, 0, nil},
}

// damagedMiddles is damage that no loss of power explains, or that reaches below the recovery point.
var damagedMiddles = []row{
	{"bit in a record, valid batches after it", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.flip(t, fs, 28, 90)
	}, 0, refused, 28, nil},
	{"bit in a record at the end of a sealed segment", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.flip(t, fs, 19, 90)
	}, 0, refused, 19, nil},
	{"bit in a record in a sealed segment", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.flip(t, fs, 17, 90)
	}, 0, refused, 17, nil},
	// A batch that claims an offset too high is whole; what is lost are those after it, that seem to go back.
	{"base offset raised",
		func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 25, 6) }, 0, refused, 4122, nil},
	{"base offset of a segment's last batch raised", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.flip(t, fs, 27, 6)
	}, 0, refused, 4124, nil},
	{"garbage behind a sealed segment", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.extend(t, fs, 23, []byte("garbage that is longer than the header of a batch, to be sure of it"))
	}, 0, refused, 24, nil},
	{"bit below the recovery point, in the segment of it", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.flip(t, fs, 13, 90)
	}, 0, refused, 13, nil},
	{"zeros below the recovery point", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		name, pos := w.logOf(13)
		w.zero(t, fs, name, pos, pos+w.batchSize)
	}, 0, refused, 13, nil},
	{"file cut below the recovery point", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 13, 20)
	}, 0, refused, 13, nil},
	{"file cut at a batch below the recovery point", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 13, 0)
	}, 0, refused, 13, nil},
	{"log ends at a batch below the recovery point", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(16); at <= lastSegment; at += perSegment {
			must(t, fs.Remove(file(at, segment.LogSuffix)))
		}
		w.truncate(t, fs, 13, 0)
	}, 0, refused, 13, nil},
	{"all segments gone", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(0); at <= lastSegment; at += perSegment {
			must(t, fs.Remove(file(at, segment.LogSuffix)))
		}
	}, tablePoint, refused, tablePoint, nil},
	{"everything beyond the recovery point gone, and its segment", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(12); at <= lastSegment; at += perSegment {
			must(t, fs.Remove(file(at, segment.LogSuffix)))
		}
	}, 0, refused, 12, nil},
	{"the segment after the recovery point gone", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(file(16, segment.LogSuffix)))
	}, 0, 16, 0, nil},
	{"a segment that begins within another", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		content := read(t, fs, file(24, segment.LogSuffix))
		write(t, fs, file(26, segment.LogSuffix), content[2*w.batchSize:])
	}, 0, refused, 28, nil},
	{"an empty segment that begins within another", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(file(28, segment.LogSuffix)))
		write(t, fs, file(26, segment.LogSuffix), nil)
	}, 0, 28, 0, nil},
	{"a segment of the same batches under another name", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, file(40, segment.LogSuffix), read(t, fs, file(28, segment.LogSuffix)))
	}, 0, 30, 0, nil},
	{"gaps between segments of a compacted topic", func(w *tableLog, t *testing.T, fs *vfs.Mem) {
		w.truncate(t, fs, 29, 0)
	}, 0, 29, 0, func(o *Options) { o.Config.Compact = true }},
}

// damagedNames is everything beside the logs: indexes, snapshots, the epochs, leftovers and strangers.
var damagedNames = []row{
	{"no index files", func(_ *tableLog, t *testing.T, fs *vfs.Mem) { removeAll(t, fs, "index") }, 0, 30, 0, nil},
	{"no index of the first segment", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(file(0, segment.IndexSuffix)))
	}, 0, 30, 0, nil},
	{"empty index files", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(0); at < 12; at += perSegment {
			write(t, fs, file(at, segment.IndexSuffix), nil)
			write(t, fs, file(at, segment.TimeIndexSuffix), nil)
		}
	}, 0, 30, 0, nil},
	{"torn index files", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(0); at < 24; at += perSegment {
			write(t, fs, file(at, segment.IndexSuffix), make([]byte, 7))
			write(t, fs, file(at, segment.TimeIndexSuffix), make([]byte, 512))
		}
	}, 0, 30, 0, nil},
	{"index files of garbage", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(0); at < 24; at += perSegment {
			write(t, fs, file(at, segment.IndexSuffix), []byte(strings.Repeat("\xffindex..", 40)))
			write(t, fs, file(at, segment.TimeIndexSuffix), []byte(strings.Repeat("\x7ftimeindex..", 40)))
		}
	}, 0, 30, 0, nil},
	{"index files without a log", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, file(2, segment.IndexSuffix), make([]byte, 8))
		write(t, fs, file(2, segment.TimeIndexSuffix), make([]byte, 12))
		write(t, fs, file(99, segment.TxnIndexSuffix), make([]byte, 34))
	}, 0, 30, 0, nil},
	{"torn snapshots", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for at := base.Offset(4); at <= lastSegment; at += perSegment {
			write(t, fs, file(at, segment.SnapshotSuffix), make([]byte, 10))
		}
	}, 0, 30, 0, nil},
	{"no snapshots", func(_ *tableLog, t *testing.T, fs *vfs.Mem) { removeAll(t, fs, "snapshot") }, 0, 30, 0, nil},
	{"snapshot of the future", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, file(31, segment.SnapshotSuffix), newProducers().encode())
	}, 0, 30, 0, nil},
	{"no epochs", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		must(t, fs.Remove(path.Join(logDir, EpochsFile)))
	}, 0, 30, 0, nil},
	{"torn epochs", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, path.Join(logDir, EpochsFile), []byte("0\n3\n0"))
	}, 0, 30, 0, nil},
	{"epochs of garbage", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, path.Join(logDir, EpochsFile), make([]byte, 100))
	}, 0, 30, 0, nil},
	{"epochs of the future", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		write(t, fs, path.Join(logDir, EpochsFile), []byte("0\n2\n0 0\n9 31\n"))
	}, 0, 30, 0, nil},
	{"leftovers of deletion and compaction", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for _, name := range []string{
			"00000000000000000000.log.deleted", "00000000000000000000.index.deleted",
			"00000000000000000004.log.cleaned",
			"00000000000000000004.timeindex.cleaned", "00000000000000000004.snapshot.deleted",
			"00000000000000000004.index.swap", "00000000000000000008.index.tmp",
		} {
			write(t, fs, path.Join(logDir, name), []byte("of no use"))
		}
	}, 0, 30, 0, nil},
	{"log start beyond the first segments", func(*tableLog, *testing.T, *vfs.Mem) {}, 9, 30, 0,
		func(o *Options) { o.LogStart = 9 }},
	{"deletion interrupted, the later segment gone", func(_ *tableLog, t *testing.T, fs *vfs.Mem) {
		for _, suffix := range []string{segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix} {
			must(t, fs.Rename(file(4, suffix), file(4, suffix)+segment.DeletedSuffix))
		}
		must(t, fs.Remove(file(0, segment.IndexSuffix)))
	}, 9, 30, 0, func(o *Options) { o.LogStart = 9 }},
	{"log start beyond the end", func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.truncate(t, fs, 28, 0) }, 29, 29, 0,
		func(o *Options) { o.LogStart = 29 }},
	{"recovery point 0", func(*tableLog, *testing.T, *vfs.Mem) {}, 0, 30, 0, func(o *Options) { o.RecoveryPoint = 0 }},
	{"recovery point at the end", func(*tableLog, *testing.T, *vfs.Mem) {}, 0, 30, 0,
		func(o *Options) { o.RecoveryPoint = 30 }},
	{"recovery point beyond the end", func(*tableLog, *testing.T, *vfs.Mem) {}, 0, refused, 30,
		func(o *Options) { o.RecoveryPoint = 31 }},
}

func removeAll(t testing.TB, fs vfs.FS, suffix string) {
	for name := range tree(t, fs, logDir) {
		if strings.HasSuffix(name, suffix) {
			must(t, fs.Remove(name))
		}
	}
}

// What recovery has no use for is removed, and what is not ours is left alone.
func TestRecoveryCleansUp(t *testing.T) {
	w := newTableLog(t)
	fs := w.disk.Clone()
	strangers := []string{
		"README", "00000000000000000000.log.bak", "00000000000000000007-0000000001.checkpoint", "quorum-state",
		"0.log", "99999999999999999999.log",
	}
	for _, name := range strangers {
		write(t, fs, path.Join(logDir, name), []byte("not ours"))
	}
	must(t, fs.Mkdir(path.Join(logDir, "00000000000000000050.log")))
	for _, r := range damagedNames {
		if r.name == "leftovers of deletion and compaction" || r.name == "index files without a log" {
			r.corrupt(w, t, fs)
		}
	}
	l := open(t, w.options(fs, tablePoint))
	must(t, l.Close())
	left := tree(t, fs, logDir)
	for _, name := range append(strangers, "00000000000000000050.log") {
		if _, ok := left[path.Join(logDir, name)]; !ok {
			t.Errorf("%s is gone", name)
		}
		delete(left, path.Join(logDir, name))
	}
	for name := range left {
		base, suffix, ok := segment.ParseName(path.Base(name))
		known := []string{segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix, segment.SnapshotSuffix}
		if ok && (!slices.Contains(known, suffix) || base > tableEnd) {
			t.Errorf("%s was left", name)
		}
	}
}

// The synced part of a log cut at any byte of its end comes back whole, and what was not synced up to the cut.
func TestRecoveryCutAtEveryByte(t *testing.T) {
	w := newTableLog(t)
	name, _ := w.logOf(29)
	content := read(t, w.disk, name)
	for n := range len(content) {
		fs := w.disk.Clone()
		write(t, fs, name, content[:n])
		l := open(t, w.options(fs, tablePoint))
		if want := lastSegment + base.Offset(int64(n)/w.batchSize); l.End() != want {
			t.Fatalf("cut at %d: got end %d, expected %d", n, l.End(), want)
		}
		l.Abandon()
	}
}

// Message sets of old formats are refused with their name and untouched, whether they begin a log or come later in it.
func TestRecoveryRefusesOldFormats(t *testing.T) {
	w := newTableLog(t)
	for _, name := range []string{"v0-none", "v0-gzip", "v1-none", "v1-gzip"} {
		old, err := os.ReadFile(kafkaData + name + ".log")
		must(t, err)
		for _, where := range []string{"alone", "in the middle", "at the end"} {
			t.Run(name+" "+where, func(t *testing.T) {
				fs := w.disk.Clone()
				switch where {
				case "alone":
					removeAll(t, fs, "log")
					write(t, fs, file(0, segment.LogSuffix), old)
				case "in the middle":
					write(t, fs, file(8, segment.LogSuffix), old)
				case "at the end":
					w.extend(t, fs, 29, old)
				}
				before := tree(t, fs, "/")
				o := w.options(fs, 0)
				for _, o.AcceptLoss = range []bool{false, true} {
					if _, _, err := Open(o); !errors.Is(err, batch.ErrOldMagic) {
						t.Errorf("got %v, expected %v", err, batch.ErrOldMagic)
					}
				}
				same(t, before, tree(t, fs, "/"))
			})
		}
	}
}

// A failing disk is no damage: an error at any call of recovery fails it, and the next try without errors succeeds.
func TestRecoveryUnderErrors(t *testing.T) {
	w := newTableLog(t)
	w.flip(t, w.disk, 29, 90)
	for k := 1; ; k++ {
		disk := w.disk.Clone()
		fs := vfs.NewFaults(disk, vfs.FailAt(k, vfs.ErrIO))
		l, _, err := Open(w.options(fs, tablePoint))
		if fs.Calls() < k {
			if k < 50 {
				t.Errorf("got %d calls", k)
			}
			return
		}
		if err == nil {
			// The failed call was the closing of a file that had only been read.
			l.Abandon()
		} else if errors.Is(err, ErrCorruptLog) || !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v, expected %v", k, err, vfs.ErrIO)
		}
		l = open(t, w.options(disk, tablePoint))
		if l.End() != 29 {
			t.Errorf("after call %d had failed: got end %d, expected 29", k, l.End())
		}
		dense(t, readFrom(t, l, 0), 0, 29)
		l.Abandon()
	}
}

// Recovery cut short at any call by a kill or a loss of power comes to the same log the next time.
func TestRecoveryInterrupted(t *testing.T) {
	w := newTableLog(t)
	for _, r := range []row{
		{"torn tail", func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.truncate(t, fs, 22, 30) }, 0, 22, 0, nil},
		{"accepted loss", func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.flip(t, fs, 17, 90) }, 0, 17, 0,
			func(o *Options) { o.AcceptLoss = true }},
		{"log start", func(*tableLog, *testing.T, *vfs.Mem) {}, 10, 30, 0, func(o *Options) { o.LogStart = 10 }},
		{"log start beyond the end",
			func(w *tableLog, t *testing.T, fs *vfs.Mem) { w.truncate(t, fs, 28, 0) }, 29, 29, 0,
			func(o *Options) { o.LogStart = 29 }},
		{"no indexes", func(_ *tableLog, t *testing.T, fs *vfs.Mem) { removeAll(t, fs, "index") }, 0, 30, 0, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			disk := w.disk.Clone()
			r.corrupt(w, t, disk)
			disk.SyncAll()
			for k := 1; ; k++ {
				before := disk.Clone()
				var at vfs.Op
				fs := vfs.NewFaults(before, cutAt(k, &at))
				o := w.options(fs, tablePoint)
				if r.change != nil {
					r.change(&o)
				}
				l, _, err := Open(o)
				if err == nil {
					l.Abandon()
					if fs.Calls() < k {
						return
					}
				}
				if onlyLooks(at) {
					continue
				}
				for i, choice := range []vfs.Choice{
					vfs.KeepAll, vfs.LoseAll, vfs.KeepNames, vfs.KeepContent, vfs.LoseFirst(1), vfs.KeepFirst(1),
					vfs.LoseFirst(2),
				} {
					again := before.CrashClone(choice)
					o.FS = again
					l, report, err := Open(o)
					if err != nil || l.Start() != r.start || l.End() != r.end {
						t.Fatalf("cut at call %d, choice %d: %v, %+v", k, i, err, report)
					}
					dense(t, readFrom(t, l, l.Start()), r.start, r.end)
					must(t, l.Close())
					audit(t, again)
				}
			}
		})
	}
}
