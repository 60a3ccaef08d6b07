package segment

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

func TestParseName(t *testing.T) {
	for _, row := range []struct {
		name   string
		base   base.Offset
		suffix string
		ok     bool
	}{
		{"00000000000000000000.log", 0, ".log", true},
		{"00000000000000368769.index", 368769, ".index", true},
		{"09223372036854775807.snapshot", 1<<63 - 1, ".snapshot", true},
		{"00000000000000000007.log.deleted", 7, ".log.deleted", true},
		{"00000000000000000007.", 7, ".", true},
		{"09223372036854775808.log", 0, "", false},
		{"18446744073709551616.log", 0, "", false},
		{"99999999999999999999.log", 0, "", false},
		{"0000000000000000007.log", 0, "", false},
		{"000000000000000000007.log", 0, "", false},
		{"00000000000000000007", 0, "", false},
		{"0000000000000000000x.log", 0, "", false},
		{"-0000000000000000007.log", 0, "", false},
		{"00000000000000000007-0000000001.checkpoint", 0, "", false},
		{"partition.metadata", 0, "", false},
		{"", 0, "", false},
	} {
		b, suffix, ok := ParseName(row.name)
		if b != row.base || suffix != row.suffix || ok != row.ok {
			t.Errorf("%q: got %d, %q, %v, expected %d, %q, %v", row.name, b, suffix, ok, row.base, row.suffix, row.ok)
		}
		if ok && Name(b, suffix) != row.name {
			t.Errorf("%q: written again as %q", row.name, Name(b, suffix))
		}
	}
}

func TestTemporaryNames(t *testing.T) {
	for suffix, want := range map[string]bool{
		".log": false, ".index": false, ".log.swap": false, ".log.deleted": true, ".index.cleaned": true,
		".snapshot.deleted": true, ".index.tmp": true, ".deleted": true,
	} {
		if got := IsTemporary(suffix); got != want {
			t.Errorf("%q: got %v, expected %v", suffix, got, want)
		}
	}
}

func offsets(entries ...offsetEntry) []byte {
	var p []byte
	for _, e := range entries {
		p = appendOffsetEntry(p, 1000, e)
	}
	return p
}

func times(entries ...timeEntry) []byte {
	var p []byte
	for _, e := range entries {
		p = appendTimeEntry(p, 1000, e)
	}
	return p
}

func TestCheckOffsetIndex(t *testing.T) {
	two := offsets(offsetEntry{1005, 100}, offsetEntry{1009, 200})
	for _, row := range []struct {
		name    string
		content []byte
		size    int // of the valid part; -1: not an index
	}{
		{"empty", nil, 0},
		{"two entries", two, 16},
		{"preallocated and never used", make([]byte, 80), 0},
		{"preallocated", append(two[:16:16], make([]byte, 80)...), 16},
		{"one zero entry", make([]byte, 8), 0},
		{"half an entry", two[:12], -1},
		{"offset twice", offsets(offsetEntry{1005, 100}, offsetEntry{1005, 200}), -1},
		{"offset goes back", offsets(offsetEntry{1009, 100}, offsetEntry{1005, 200}), -1},
		{"position twice", offsets(offsetEntry{1005, 100}, offsetEntry{1009, 100}), -1},
		{"position goes back", offsets(offsetEntry{1005, 200}, offsetEntry{1009, 100}), -1},
		{"position at the end of the log", offsets(offsetEntry{1005, 300}), -1},
		{"offset below the base", offsets(offsetEntry{999, 100}), -1},
		{"negative position", offsets(offsetEntry{1005, -100}), -1},
		{"zeros between", append(make([]byte, 8), two...), 24},
		{"zeros in the middle", append(append(two[:8:8], make([]byte, 8)...), two[8:]...), -1},
	} {
		got, err := CheckOffsetIndex(row.content, 1000, 300)
		if row.size < 0 {
			if !errors.Is(err, ErrBadIndex) {
				t.Errorf("%s: got %v, expected %v", row.name, err, ErrBadIndex)
			}
			continue
		}
		if err != nil || len(got) != row.size {
			t.Errorf("%s: got %d bytes, %v, expected %d", row.name, len(got), err, row.size)
		}
	}
}

func TestCheckTimeIndex(t *testing.T) {
	two := times(timeEntry{0, 1000}, timeEntry{50, 1000})
	for _, row := range []struct {
		name    string
		content []byte
		size    int
	}{
		{"empty", nil, 0},
		{"two entries, the first all zeros", two, 24},
		{"preallocated", append(two[:24:24], make([]byte, 120)...), 24},
		{"one entry of zeros", make([]byte, 12), 12},
		{"half an entry", two[:18], -1},
		{"timestamp twice", times(timeEntry{50, 1001}, timeEntry{50, 1002}), -1},
		{"timestamp goes back", times(timeEntry{50, 1001}, timeEntry{40, 1002}), -1},
		{"offset goes back", times(timeEntry{50, 1002}, timeEntry{60, 1001}), -1},
		{"offset below the base", times(timeEntry{50, 999}), -1},
		{"negative timestamp", times(timeEntry{-5, 1001}), -1},
	} {
		got, err := CheckTimeIndex(row.content, 1000)
		if row.size < 0 {
			if !errors.Is(err, ErrBadIndex) {
				t.Errorf("%s: got %v, expected %v", row.name, err, ErrBadIndex)
			}
			continue
		}
		if err != nil || len(got) != row.size {
			t.Errorf("%s: got %d bytes, %v, expected %d", row.name, len(got), err, row.size)
		}
	}
}

// What cannot be expressed by 31-bit relative offsets, or is no batch, is refused and changes nothing.
func TestAppendRefuses(t *testing.T) {
	good := build(t, []record{{1000, 1}}, 1000, nil)
	for _, row := range []struct {
		name string
		p    []byte
		err  error
	}{
		{"below the base", build(t, []record{{999, 1}}, 999, nil), ErrFull},
		{"the last that fits", build(t, []record{{1000 + 1<<31 - 1, 1}}, 1000+1<<31-1, nil), nil},
		{"the first that does not", build(t, []record{{1000 + 1<<31, 1}}, 1000+1<<31, nil), ErrFull},
		{"ends beyond", build(t, []record{{1000 + 1<<31 - 1, 1}}, 1000+1<<31, nil), ErrFull},
		{"half a batch", good[:70], batch.ErrShort},
		{"a batch and a half", append(append([]byte(nil), good...), good[:70]...), batch.ErrShort},
		{"old magic", flipped(good, 16), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.name == "old magic" {
				row.p[16], row.err = 1, batch.ErrOldMagic
			}
			s := create(t, newFS(t), 1000, Config{IndexBytes: 1000, IndexIntervalBytes: 1}, NewResidents(1))
			err := s.Append(row.p)
			if !errors.Is(err, row.err) || row.err == nil && err != nil {
				t.Fatalf("got %v, expected %v", err, row.err)
			}
			if want := int64(len(row.p)); s.Size() != want && err == nil || s.Size() != 0 && err != nil {
				t.Errorf("got size %d after %v", s.Size(), err)
			}
		})
	}
}

// An index that has no room for another entry is full; the time index keeps one in reserve for the end.
func TestIndexesFull(t *testing.T) {
	for _, row := range []struct {
		bytes   int32
		batches int // as many fit, the first of them without an entry
	}{
		{4, 0}, {8, 0}, {16, 0}, {24, 2}, {35, 2}, {36, 3}, {47, 3}, {48, 4}, {120, 10},
	} {
		t.Run(fmt.Sprint(row.bytes), func(t *testing.T) {
			s := create(t, newFS(t), 0, Config{IndexBytes: row.bytes}, NewResidents(1))
			n := 0
			for ; !s.IndexesFull() && n < 100; n++ {
				o := base.Offset(n)
				must(t, s.Append(build(t, []record{{o, int64(n)}}, o, nil)))
			}
			if n != row.batches {
				t.Errorf("got %d batches until the index is full, expected %d", n, row.batches)
			}
			must(t, s.Seal())
			if s.SetConfig(Config{IndexBytes: 4}); n > 0 && !s.IndexesFull() {
				t.Error("the index is not full after its limit was lowered")
			}
		})
	}
}
