package segment

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// eight is a log of eight batches of two records each, from offset 100 on. Every batch is 160 bytes or so, the fifth
// spans three sectors. No byte of a value is zero.
func eight(t testing.TB) *twin {
	w := &twin{base: 100}
	for i := range base.Offset(8) {
		size := 40
		if i == 4 {
			size = 600
		}
		o := w.next()
		records := []record{{o, int64(1000 + i)}, {o + 1, int64(1000 + i)}}
		w.add(build(t, records, o+1, bytes.Repeat([]byte{'v'}, size)), records)
	}
	return w
}

// found is what Recover says of a damaged log.
type found struct {
	batches int // valid ones before the damage
	later   int // the first valid batch beyond it, -1 if there is none, 8 if it was none of the log
	hole    bool
	torn    bool // without a later segment
	tornMid bool // with a later segment
}

var whole8 = found{batches: 8, later: -1}

// damageRow says what becomes of the log of eight batches, and what Recover finds then.
type damageRow struct {
	name    string
	corrupt func([]byte) []byte
	want    found
}

// damageTable is the table of what a crash, a disk or somebody's hand does to a log.
func damageTable(w *twin) []damageRow {
	at := func(i int) int64 { return w.entries[i].pos }
	flip := func(pos int64, mask byte) func([]byte) []byte {
		return func(p []byte) []byte { p[pos] ^= mask; return p }
	}
	zero := func(from, to int64) func([]byte) []byte {
		return func(p []byte) []byte { clear(p[from:to]); return p }
	}
	sector := func(pos int64) int64 { return pos / vfs.SectorSize * vfs.SectorSize }
	return []damageRow{
		{"nothing", func(p []byte) []byte { return p }, whole8},
		{"emptied", func([]byte) []byte { return nil }, found{later: -1}},
		{"bit in the CRC of the first", flip(at(0)+17, 1), found{0, 1, false, false, false}},
		{"bit in a record of the middle", flip(at(3)+70, 8), found{3, 4, false, false, false}},
		{"bit in the attributes", flip(at(3)+22, 16), found{3, 4, false, false, false}},
		{"bit in the length, longer", flip(at(3)+11, 64), found{3, 4, false, false, false}},
		{"bit in the length, absurd", flip(at(3)+8, 0x40), found{3, 4, false, false, false}},
		{"bit in the length, negative", flip(at(3)+8, 0x80), found{3, 4, false, false, false}},
		{"bit in the magic", flip(at(3)+16, 4), found{3, 4, false, false, false}},
		{"magic of v1", flip(at(3)+16, 3), found{3, 4, false, false, false}},
		{"bit in the base offset, lower", flip(at(3)+7, 64), found{3, 3, false, false, false}},
		{"bit in the base offset, beyond 2^31", flip(at(3)+3, 1), found{3, 3, false, false, false}},
		{"base offset, a bit above", flip(at(3)+7, 1), found{4, 4, false, false, false}},
		{"bit in the last batch", flip(at(7)+70, 1), found{7, -1, false, true, false}},
		{"bit in the last batch's length", flip(at(7)+11, 64), found{7, -1, false, true, true}},
		{"two batches damaged", func(p []byte) []byte { return flip(at(5)+70, 1)(flip(at(2)+70, 1)(p)) },
			found{2, 3, false, false, false}},
		{"all from the middle on damaged", func(p []byte) []byte {
			for i := 4; i < 8; i++ {
				p[at(i)+70] ^= 1
			}
			return p
		}, found{4, -1, false, true, false}},
		{"cut inside the last header", func(p []byte) []byte { return p[:at(7)+30] }, found{7, -1, false, true, true}},
		{"cut in the middle", func(p []byte) []byte { return p[:at(4)+300] }, found{4, -1, false, true, true}},
		{"zeros appended", func(p []byte) []byte { return append(p, make([]byte, 3000)...) },
			found{8, -1, true, true, true}},
		{"garbage appended", func(p []byte) []byte { return append(p, bytes.Repeat([]byte("garbage!"), 100)...) },
			found{8, -1, false, true, false}},
		{"the last batch's base offset, lower", flip(at(7)+7, 64), found{7, 7, false, false, false}},
		{"base offset too high, and the next batch damaged", func(p []byte) []byte {
			return flip(at(3)+6, 1)(flip(at(4)+70, 1)(p))
		}, found{4, 5, false, false, false}},
		{"first bytes of another batch appended", func(p []byte) []byte { return append(p, p[at(7):at(7)+100]...) },
			found{8, -1, false, true, false}},
		{"the last batch once more", func(p []byte) []byte { return append(p, p[at(7):]...) },
			found{8, 8, false, false, false}},
		{"a sector of zeros in the middle", func(p []byte) []byte {
			from := sector(at(4)+61) + vfs.SectorSize
			return zero(from, from+vfs.SectorSize)(p)
		}, found{4, 5, true, true, true}},
		{"a whole write missing in the middle", zero(at(2), at(3)), found{2, 3, true, true, true}},
		{"the first write missing", zero(0, at(1)), found{0, 1, true, true, true}},
		{"everything zero", zero(0, w.size), found{0, -1, true, true, true}},
		{"a few zero bytes are no hole", zero(at(3)+70, at(3)+90), found{3, 4, false, false, false}},
		{"zeros from the middle to the end", func(p []byte) []byte { return zero(at(3)+61, int64(len(p)))(p) },
			found{3, -1, true, true, true}},
		{"a batch gone, its successors moved up", func(p []byte) []byte {
			return append(p[:at(2):at(2)], p[at(3):]...)
		}, found{batches: 7, later: -1}},
	}
}

func TestRecoverTellsDamageApart(t *testing.T) {
	w := eight(t)
	for _, row := range damageTable(w) {
		t.Run(row.name, func(t *testing.T) {
			content := row.corrupt(bytes.Clone(w.bytes()))
			got, damage := w.recover(t, content)
			if got != row.want {
				t.Errorf("got %+v, expected %+v: %v", got, row.want, damage)
			}
		})
	}
}

// recover runs Recover on a file and tells what it found.
func (w *twin) recover(t *testing.T, content []byte) (found, *Damage) {
	t.Helper()
	fs := newFS(t)
	writeLog(t, fs, Name(w.base, LogSuffix), content)
	s := Open(fs, testDir, w.base, int64(len(content)), Config{IndexBytes: 1 << 20, IndexIntervalBytes: 200},
		NewResidents(1))
	got := found{later: -1}
	end := w.base
	damage, err := s.Recover(func(b batch.Batch, _ int64) error {
		got.batches++
		end = b.NextOffset()
		return nil
	})
	must(t, err)
	if after, err := vfs.ReadFile(fs, testDir+"/"+Name(w.base, LogSuffix)); err != nil || !bytes.Equal(after, content) {
		t.Fatalf("Recover changed the file: %v", err)
	}
	if damage == nil {
		if s.Size() != int64(len(content)) {
			t.Fatalf("got size %d of a whole file, expected %d", s.Size(), len(content))
		}
		return got, nil
	}
	if damage.Position != s.Size() || damage.Position+damage.Lost != int64(len(content)) || damage.Next != end ||
		damage.Cause == nil || damage.String() == "" {
		t.Fatalf("got %+v for a valid part of %d of %d bytes that ends before offset %d", damage, s.Size(),
			len(content), end)
	}
	if damage.LaterAt >= 0 {
		got.later = len(w.entries)
		for i, e := range w.entries {
			if e.pos == damage.LaterAt {
				got.later = i
			}
		}
	}
	got.hole, got.torn, got.tornMid = damage.Hole, damage.Torn(false), damage.Torn(true)
	// What is kept is a log that can be appended to.
	must(t, s.TruncateTo(damage.Position, damage.Next))
	o := damage.Next
	must(t, s.Append(build(t, []record{{o, 5000}}, o, nil)))
	if p, ok, err := s.Locate(o); err != nil || !ok || p.First != o || p.Position != damage.Position {
		t.Fatalf("after the cut: got %+v, %v, %v", p, ok, err)
	}
	return got, damage
}

// A log cut at any byte is the batches before the cut and a torn tail.
func TestRecoverCutAtEveryByte(t *testing.T) {
	w := eight(t)
	all := w.bytes()
	for n := range len(all) {
		want := found{later: -1}
		for want.batches < 8 && w.entries[want.batches].pos+int64(len(w.entries[want.batches].raw)) <= int64(n) {
			want.batches++
		}
		got, damage := w.recover(t, all[:n])
		if damage != nil {
			want.torn, want.tornMid = true, true
		} else if w.entries[want.batches].pos != int64(n) {
			t.Fatalf("cut at %d: no damage", n)
		}
		// The first bytes of a base offset are zeros, which looks like the beginning of a hole; both are torn.
		got.hole = false
		if got != want {
			t.Fatalf("cut at %d: got %+v, expected %+v: %v", n, got, want, damage)
		}
	}
}

// Every single bit of a log in the middle is covered by a check; only the leader epoch, which lies outside of the CRC,
// may be anything, and a base offset that is higher than it was.
func TestRecoverSeesEveryBit(t *testing.T) {
	w := eight(t)
	all := w.bytes()
	e := w.entries[3]
	for i := range len(e.raw) {
		for bit := range 8 {
			flipped := bytes.Clone(all)
			flipped[e.pos+int64(i)] ^= 1 << bit
			got, damage := w.recover(t, flipped)
			raised := i < 8 && e.raw[i]&(1<<bit) == 0
			switch {
			case i >= 12 && i < 16:
				if damage != nil {
					t.Errorf("bit %d of byte %d, the leader epoch: %v", bit, i, damage)
				}
			case damage == nil || damage.Torn(false) || got.later < 0 || got.batches > 4 || got.batches == 4 && !raised:
				t.Fatalf("bit %d of byte %d: got %+v, %v", bit, i, got, damage)
			}
		}
	}
}

// Damage after which everything looks like a header costs time that is bounded, and is not called a torn tail.
func TestRecoverAmongFalseHeaders(t *testing.T) {
	w := eight(t)
	content := bytes.Clone(w.bytes()[:w.entries[2].pos])
	// A header that claims the rest of the file, again and again.
	for range 20000 {
		head := bytes.Clone(w.entries[2].raw[:batch.HeaderSize])
		head[8], head[9], head[10], head[11] = 0, 0, 0x40, 0
		content = append(content, head...)
	}
	got, _ := w.recover(t, content)
	if got.batches != 2 {
		t.Errorf("got %+v, expected two batches", got)
	}
}

// Segments of the formats before record batches are refused, wherever such a message stands in a log.
func TestOldFormatsAreRefused(t *testing.T) {
	w := eight(t)
	for _, name := range []string{"v0-none", "v0-gzip", "v1-none", "v1-gzip"} {
		t.Run(name, func(t *testing.T) {
			old, err := os.ReadFile("testdata/kafka/" + name + ".log")
			must(t, err)
			fs := newFS(t)
			writeLog(t, fs, Name(0, LogSuffix), old)
			s := Open(fs, testDir, 0, int64(len(old)), Config{}, NewResidents(1))
			if err := s.CheckFormat(); !errors.Is(err, batch.ErrOldMagic) {
				t.Errorf("got %v, expected %v", err, batch.ErrOldMagic)
			}
			_, err = s.Recover(func(batch.Batch, int64) error { return nil })
			if !errors.Is(err, batch.ErrOldMagic) {
				t.Errorf("recover: got %v, expected %v", err, batch.ErrOldMagic)
			}
			for i, damaged := range [][]byte{flipped(old, 30), flipped(old, 12), old[:20], old[:len(old)/4], nil} {
				writeLog(t, fs, Name(0, LogSuffix), damaged)
				s := Open(fs, testDir, 0, int64(len(damaged)), Config{}, NewResidents(1))
				if err := s.CheckFormat(); err != nil {
					t.Errorf("damage %d was taken for an old format: %v", i, err)
				}
			}

			mixed := append(bytes.Clone(w.bytes()), old...)
			writeLog(t, fs, Name(100, LogSuffix), mixed)
			s = Open(fs, testDir, 100, int64(len(mixed)), Config{}, NewResidents(1))
			must(t, s.CheckFormat())
			_, err = s.Recover(func(batch.Batch, int64) error { return nil })
			if !errors.Is(err, batch.ErrOldMagic) {
				t.Errorf("recover of v2 and then old: got %v, expected %v", err, batch.ErrOldMagic)
			}
		})
	}
}

func flipped(p []byte, at int) []byte {
	p = bytes.Clone(p)
	p[at] ^= 1
	return p
}

// A file beyond what positions of 31 bits can say was never a segment.
func TestRecoverRefusesTooLargeFile(t *testing.T) {
	w := eight(t)
	fs := newFS(t)
	writeLog(t, fs, Name(w.base, LogSuffix), w.bytes())
	f, err := fs.Open(testDir+"/"+Name(w.base, LogSuffix), vfs.ReadWrite)
	must(t, err)
	must(t, f.Truncate(1<<31))
	must(t, f.Close())
	s := Open(fs, testDir, w.base, 1<<31, Config{}, NewResidents(1))
	if _, err := s.Recover(func(batch.Batch, int64) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, expected %v", err, ErrCorrupt)
	}
}

// What the visitor refuses, Recover refuses; and an error of the disk is no damage.
func TestRecoverPassesErrorsOn(t *testing.T) {
	w := eight(t)
	mem := newFS(t)
	writeLog(t, mem, Name(w.base, LogSuffix), flipped(w.bytes(), int(w.entries[6].pos)+70))
	reason := errors.New("no more")
	s := Open(mem, testDir, w.base, w.size, Config{}, NewResidents(1))
	if _, err := s.Recover(func(batch.Batch, int64) error { return reason }); !errors.Is(err, reason) {
		t.Errorf("got %v, expected the visitor's error", err)
	}
	for k := 1; ; k++ {
		fs := vfs.NewFaults(mem, vfs.FailAt(k, vfs.ErrIO))
		s := Open(fs, testDir, w.base, w.size, Config{}, NewResidents(1))
		damage, err := s.Recover(func(batch.Batch, int64) error { return nil })
		s.Close()
		if fs.Calls() < k {
			break
		}
		if fmt.Sprint(err) == "<nil>" && damage == nil || err != nil && !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v, %v", k, damage, err)
		}
	}
}

// A large tail of zeros or garbage, as a file system may leave it, is looked through at the speed of memory: nothing is
// allocated for each byte.
func TestRecoverLooksThroughGarbageWithoutAllocations(t *testing.T) {
	const size = 1 << 20
	r := rand.New(rand.NewPCG(3, 3))
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = byte(r.Uint32())
	}
	for _, content := range [][]byte{make([]byte, size), garbage} {
		fs := newFS(t)
		writeLog(t, fs, Name(0, LogSuffix), content)
		allocs := testing.AllocsPerRun(1, func() {
			s := Open(fs, testDir, 0, size, Config{}, NewResidents(1))
			d, err := s.Recover(func(batch.Batch, int64) error { return nil })
			if err != nil || d == nil || d.LaterAt >= 0 {
				t.Errorf("got %v, %v", d, err)
			}
			s.Close()
		})
		if allocs > size/50 {
			t.Errorf("got %v allocations for %d bytes", allocs, size)
		}
	}
}
