package commitlog

import (
	"errors"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// damage is done to the last segment of a log of 20 records in two segments, after a clean stop.
type damage func(t *testing.T, fs vfs.FS)

const lastFiles = logDir + "/00000000000000000010"

func removed(suffixes ...string) damage {
	return func(t *testing.T, fs vfs.FS) {
		for _, suffix := range suffixes {
			must(t, fs.Remove(lastFiles+suffix))
		}
	}
}

func cutTo(batches int) damage {
	return func(t *testing.T, fs vfs.FS) {
		f, err := fs.Open(lastFiles+segment.LogSuffix, vfs.ReadWrite)
		must(t, err)
		must(t, f.Truncate(int64(batches*len(numbered(t, 0, 1)))))
		must(t, f.Close())
	}
}

// The end of a log that was stopped cleanly is held against what was synced: whatever its last segment lost since, no
// offset is given a second time and no record that is gone passes for one that is still to come. Where nothing is read
// at the opening, the first append and the first read that come upon the loss find it.
func TestCleanEndIsHeldAgainstRecoveryPoint(t *testing.T) {
	const log, index, times = segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix
	tests := map[string]struct {
		damage damage
		// trusted and foreign say whether Open finds the damage after gregor's own stop and after another broker's.
		trusted, foreign bool
	}{
		"none":                      {removed(), false, false},
		"log empty":                 {cutTo(0), true, true},
		"log short":                 {cutTo(4), false, true},
		"log gone":                  {removed(log), true, true},
		"log and index gone":        {removed(log, index), true, true},
		"log and time index gone":   {removed(log, times), true, true},
		"log and both indexes gone": {removed(log, index, times), false, true},
	}
	for name, test := range tests {
		for use, call := range map[string]func(*Log) error{
			"append": func(l *Log) error { return addOne(t, l) },
			"read":   func(l *Log) error { return readAt(t, l, 17) },
		} {
			t.Run(name+"/trusted/"+use, func(t *testing.T) {
				checkCleanEnd(t, test.damage, true, test.trusted, name == "none", call)
			})
			t.Run(name+"/foreign/"+use, func(t *testing.T) {
				checkCleanEnd(t, test.damage, false, test.foreign, name == "none", call)
			})
		}
	}
}

// checkCleanEnd expects damage to be found by Open, which leaves all as it is then, or else by call.
func checkCleanEnd(t *testing.T, damage damage, trusted, refused, whole bool, call func(*Log) error) {
	fs := newFS(t)
	o := testOptions(fs)
	l := open(t, o)
	add(t, l, 10)
	must(t, l.roll(10, o.Config, start))
	add(t, l, 10)
	must(t, l.Close())
	damage(t, fs)
	before := tree(t, fs, logDir)
	o.Clean, o.Trusted, o.RecoveryPoint = true, trusted, 20
	l, _, err := Open(o)
	if refused {
		if !errors.Is(err, ErrCorruptLog) {
			t.Errorf("open: got %v, expected ErrCorruptLog", err)
		}
		same(t, before, tree(t, fs, logDir))
		return
	}
	must(t, err)
	defer l.Abandon()
	err = call(l)
	if whole {
		must(t, err)
	} else if !errors.Is(err, ErrCorruptLog) || !errors.Is(l.Failure(), ErrCorruptLog) {
		t.Errorf("got %v and failure %v, expected ErrCorruptLog", err, l.Failure())
	}
}

func readAt(t *testing.T, l *Log, offset base.Offset) error {
	t.Helper()
	r, err := l.Read(offset, 1000, l.End(), true)
	if err == nil && len(spanBytes(t, &r)) == 0 {
		t.Errorf("nothing to read at %d of %d", offset, l.End())
	}
	return err
}

// Gaps that a compaction left are no loss, even where the log is no longer compacted: a read in one finds what comes
// after it, or nothing where that lies beyond what it may see.
func TestReadInGap(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Clean = true
	l := open(t, o)
	add(t, l, 4)
	must(t, l.roll(10, o.Config, start))
	must(t, l.Close())
	l = open(t, o)
	if r, err := l.Read(6, 1000, 10, true); err != nil || r.Span.Length != 0 {
		t.Errorf("got %d bytes, %v, expected none", r.Span.Length, err)
	}
	add(t, l, 3)
	if r, err := l.Read(6, 1000, 10, true); err != nil || r.Span.Length != 0 {
		t.Errorf("got %d bytes, %v, expected none", r.Span.Length, err)
	}
	dense(t, readFrom(t, l, 6), 10, 13)
	must(t, l.Close())
}
