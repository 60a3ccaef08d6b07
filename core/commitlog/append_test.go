package commitlog

import (
	"errors"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// sabotage is a way in which a call of the disk goes wrong.
var sabotage = []struct {
	name  string
	cause error
	how   vfs.Decision
}{
	{"EIO", vfs.ErrIO, vfs.Decision{}},
	{"ENOSPC", vfs.ErrNoSpace, vfs.Decision{}},
	{"ENOSPC in the middle of a write", vfs.ErrNoSpace, vfs.Decision{Partial: 70}},
	{"EIO, the answer lost", vfs.ErrIO, vfs.Decision{Apply: true}},
}

// An append that fails at any call of the disk, also in the middle of rolling, takes the log offline: its end, its size
// and what is read of it stay as they were before, nothing is appended or synced any more, and a restart finds all that
// was acknowledged.
func TestFailedAppends(t *testing.T) {
	for _, s := range sabotage {
		t.Run(s.name, func(t *testing.T) {
			for k := 1; ; k++ {
				disk := newFS(t)
				fs := vfs.NewFaults(disk, nil)
				o := testOptions(fs)
				o.Config.SegmentBytes, o.Config.IndexIntervalBytes = int32(3*len(numbered(t, 0, 1))), 1
				l := open(t, o)
				before := fs.Calls()
				fs.SetHook(func(op vfs.Op) vfs.Decision {
					if op.Seq != before+k {
						return vfs.Decision{}
					}
					d := s.how
					d.Err = s.cause
					return d
				})
				if appendUntilOffline(t, l, s.cause) {
					if k < 20 {
						t.Errorf("got %d calls", k)
					}
					return
				}
				acked := l.End()
				disk.Kill()
				o.FS = disk
				l = open(t, o)
				if l.End() < acked || l.End() > acked+1 {
					t.Fatalf("call %d failed: after a restart the log ends at %d, expected %d or one more", k,
						l.End(), acked)
				}
				dense(t, readFrom(t, l, 0), 0, l.End())
				add(t, l, 4)
				must(t, l.Close())
				audit(t, disk)
			}
		})
	}
}

// appendUntilOffline appends until the disk fails, and looks at the log then. It reports true if it never did.
func appendUntilOffline(t *testing.T, l *Log, cause error) bool {
	t.Helper()
	var end base.Offset
	var size int64
	var err error
	for range 10 {
		end, size = l.End(), l.Size()
		if err = addOne(t, l); err != nil {
			break
		}
	}
	if err == nil {
		return l.Failure() == nil // else the closing of a file went wrong, which nothing depends on
	}
	if !errors.Is(err, ErrOffline) || !errors.Is(err, cause) || !errors.Is(l.Failure(), cause) {
		t.Fatalf("got %v, expected %v because of %v", err, ErrOffline, cause)
	}
	if l.End() != end || l.Size() != size || l.Committable() != end {
		t.Errorf("got end %d and size %d, expected %d and %d as before", l.End(), l.Size(), end, size)
	}
	if _, ok := l.BeginSync(); ok {
		t.Error("a sync began")
	}
	_, read := l.Read(0, 1000, end, true)
	_, _, times := l.OffsetForTime(0, end)
	_, _, largest := l.LargestTimestamp()
	_, deleted := l.DeleteRecords(end, end)
	n, expired := l.Expire(end, never)
	if n != 0 || expired != nil {
		t.Errorf("retention: got %d, %v", n, expired)
	}
	for _, err := range []error{
		addOne(t, l), read, times, largest, deleted, l.Checkpoint(), l.Close(),
	} {
		if !errors.Is(err, ErrOffline) || !errors.Is(err, cause) {
			t.Errorf("got %v, expected %v because of %v", err, ErrOffline, cause)
		}
	}
	if l.End() != end || l.Failure() == nil {
		t.Errorf("got end %d, failure %v", l.End(), l.Failure())
	}
	return false
}

// A closed log serves nothing and says so.
func TestClosedLog(t *testing.T) {
	l := open(t, testOptions(newFS(t)))
	add(t, l, 2)
	must(t, l.Close())
	must(t, l.Close())
	if err := addOne(t, l); !errors.Is(err, ErrOffline) || !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
	if _, ok := l.BeginSync(); ok {
		t.Error("a sync began")
	}
	if l.Dir() != logDir || l.TopicID() != topicID || l.Failure() != nil {
		t.Errorf("got %s, %v, %v", l.Dir(), l.TopicID(), l.Failure())
	}
}

// rolling says what is appended, and at which offsets segments begin then.
type rolling struct {
	name   string
	change func(o *Options)
	sets   []set
	walls  []int64 // when, where it matters
	want   []base.Offset
}

// rollings are the ways in which a segment may have no room.
func rollings(t *testing.T) []rolling {
	at := func(ts ...int64) set { return set{times: ts} }
	one := int32(len(at(start).build(t)))
	return []rolling{
		{"room for two", func(o *Options) { o.Config.SegmentBytes = 2 * one }, make([]set, 5), nil,
			[]base.Offset{0, 2, 4}},
		{"a byte too few for two", func(o *Options) { o.Config.SegmentBytes = 2*one - 1 }, make([]set, 3), nil,
			[]base.Offset{0, 1, 2}},
		{"one of a segment's size", func(o *Options) { o.Config.SegmentBytes = one }, make([]set, 2), nil,
			[]base.Offset{0, 1}},
		{"exactly segment.ms old", func(o *Options) { o.Config.SegmentMs = 100 },
			[]set{at(start), at(start + 100)}, nil, []base.Offset{0}},
		{"older, by the records", func(o *Options) { o.Config.SegmentMs = 100 },
			[]set{at(start), at(start + 50), at(start + 101), at(start + 201)}, nil, []base.Offset{0, 2}},
		{"the first batch counts, by its largest timestamp", func(o *Options) { o.Config.SegmentMs = 100 },
			[]set{at(start, start+90), at(start + 190), at(start + 191)}, nil, []base.Offset{0, 3}},
		{"records from the past", func(o *Options) { o.Config.SegmentMs = 100 },
			[]set{at(start), at(start - 1_000_000), at(1)}, nil, []base.Offset{0}},
		{"without timestamps by the clock", func(o *Options) { o.Config.SegmentMs = 100 },
			[]set{at(-1), at(-1), at(-1), at(-1)}, []int64{start, start + 100, start + 101, start + 150},
			[]base.Offset{0, 2}},
		{"jitter", func(o *Options) { o.Config.SegmentMs, o.Config.SegmentJitterMs, o.Jitter = 100, 40, 30 },
			[]set{at(start), at(start + 70), at(start + 71)}, nil, []base.Offset{0, 2}},
		{"jitter beyond segment.ms", func(o *Options) {
			o.Config.SegmentMs, o.Config.SegmentJitterMs, o.Jitter = 10, 1000, 21
		},
			[]set{at(start), at(start), at(start + 1)}, nil, []base.Offset{0, 2}},
		{"offset index full", func(o *Options) { o.Config.IndexBytes, o.Config.IndexIntervalBytes = 24, 0 },
			[]set{at(-1), at(-1), at(-1), at(-1), at(-1)}, nil, []base.Offset{0, 4}},
		{"time index full", func(o *Options) { o.Config.IndexBytes, o.Config.IndexIntervalBytes = 36, 0 },
			[]set{at(1), at(2), at(3), at(4), at(5)}, nil, []base.Offset{0, 3}},
	}
}

// A batch begins a new segment when the one before has no room for its bytes, its index entry or its offsets, or is too
// old for it.
func TestRolls(t *testing.T) {
	for _, c := range rollings(t) {
		t.Run(c.name, func(t *testing.T) {
			fs := newFS(t)
			o := testOptions(fs)
			c.change(&o)
			l := open(t, o)
			for i, s := range c.sets {
				wall := start
				if c.walls != nil {
					wall = c.walls[i]
				}
				count := l.SegmentCount()
				got, err := l.Append(s.build(t), 0, wall)
				must(t, err)
				if got.Rolled != (l.SegmentCount() > count) {
					t.Errorf("batch %d: got rolled %t with %d segments", i, got.Rolled, l.SegmentCount())
				}
			}
			var bases []base.Offset
			for _, s := range l.segments() {
				bases = append(bases, s.BaseOffset())
			}
			if len(bases) != len(c.want) {
				t.Fatalf("got segments %v, expected %v", bases, c.want)
			}
			for i := range bases {
				if bases[i] != c.want[i] {
					t.Errorf("got segments %v, expected %v", bases, c.want)
				}
			}
			must(t, l.Close())
			audit(t, fs)
		})
	}
}

// Offsets that 32 bits cannot tell from the segment's first one begin a new segment, and are found again.
func TestOffsetsBeyond32Bits(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.IndexIntervalBytes, o.Config.Compact = 0, true
	l := open(t, o)
	wide := func(delta int32) batch.Batch {
		var b batch.Builder
		b.Reset(batch.NewOptions())
		b.Append(start, nil, []byte("x"))
		b.SetLastOffsetDelta(delta)
		built, err := b.Build()
		must(t, err)
		return built
	}
	var firsts []base.Offset
	for _, delta := range []int32{1<<31 - 2, 0, 0, 1<<31 - 1, 1<<31 - 1, 5} {
		got, err := l.Append(wide(delta), 0, start)
		must(t, err)
		firsts = append(firsts, got.Base)
	}
	if got, want := l.SegmentCount(), 5; got != want || l.End() != 3<<31+7 {
		t.Errorf("got %d segments and end %d, expected %d and %d", got, l.End(), want, int64(3<<31+7))
	}
	check := func(l *Log) {
		t.Helper()
		for _, first := range firsts {
			r, err := l.Read(first, 1, l.End(), true)
			must(t, err)
			if b := batch.Batch(spanBytes(t, &r)); b.BaseOffset() != first {
				t.Errorf("read at %d: got the batch of %d", first, b.BaseOffset())
			}
		}
	}
	check(l)
	l.Abandon()
	fs.Kill()
	l = open(t, o)
	check(l)
	must(t, l.Close())
	audit(t, fs)
	if _, err := l.segments()[0].ModTime(); err != nil {
		t.Error(err)
	}
}

// A batch beyond segment.bytes is refused, and the log goes on.
func TestTooLargeForASegment(t *testing.T) {
	o := testOptions(newFS(t))
	o.Config.SegmentBytes = 200
	l := open(t, o)
	if _, err := l.Append(set{size: 200}.build(t), 0, start); !errors.Is(err, ErrTooLargeForSegment) {
		t.Errorf("got %v, expected %v", err, ErrTooLargeForSegment)
	}
	add(t, l, 3)
	o.Config.SegmentBytes = 1000
	l.SetConfig(o.Config)
	if _, err := l.Append(set{size: 200}.build(t), 0, start); err != nil {
		t.Error(err)
	}
}
