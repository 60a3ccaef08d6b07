package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// A segment answers as a slice of its batches would: while it is appended to, sealed, unloaded, opened by another
// process, rebuilt without its indexes, and appended to again.
func TestSegmentAgainstItsTwin(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			fs := newFS(t)
			residents := NewResidents(1)
			cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: int32(r.IntN(3) * r.IntN(800))}
			w := &twin{base: base.Offset(r.Int64N(3) * (1<<40 + 5))}
			s := create(t, fs, w.base, cfg, residents)
			w.check(t, s, r)
			live(t, s, w, r)
			must(t, s.FlushIndexes())
			w.check(t, s, r)
			must(t, s.Seal())
			w.check(t, s, r)
			s.Unload()
			w.check(t, s, r)

			s = Open(fs, testDir, w.base, w.size, cfg, residents)
			w.check(t, s, r)
			if r.IntN(2) == 0 {
				must(t, fs.Remove(s.path([]string{IndexSuffix, TimeIndexSuffix}[r.IntN(2)])))
				s = Open(fs, testDir, w.base, w.size, cfg, residents)
			}
			w.check(t, s, r)
			must(t, s.Reopen())
			live(t, s, w, r)

			s = Open(fs, testDir, w.base, 0, cfg, residents)
			recovered := 0
			damage, err := s.Recover(func(b batch.Batch, pos int64) error {
				if want := w.entries[recovered]; pos != want.pos || string(b) != string(want.raw) {
					t.Fatalf("recovered batch %d at %d is not the one at %d", recovered, pos, want.pos)
				}
				recovered++
				return nil
			})
			if err != nil || damage != nil || recovered != len(w.entries) {
				t.Fatalf("recover: got %d batches, %v, %v, expected %d", recovered, damage, err, len(w.entries))
			}
			live(t, s, w, r)
			must(t, s.Seal())
			w.check(t, s, r)
			if _, problems := s.Audit(w.base, func(batch.Batch, int64) {}); len(problems) > 0 {
				t.Fatal(problems)
			}
		})
	}
}

// live appends to a segment and to its twin, and compares them now and then.
func live(t *testing.T, s *Segment, w *twin, r *rand.Rand) {
	t.Helper()
	for range r.IntN(250) {
		var p []byte
		for range 1 + r.IntN(3)*r.IntN(2) {
			p = append(p, w.grow(t, r)...)
		}
		must(t, s.Append(p))
		if r.IntN(40) == 0 {
			w.check(t, s, r)
		}
	}
	w.check(t, s, r)
}

// TruncateTo leaves a segment that answers as if what was cut off had never been appended.
func TestTruncateAgainstTwin(t *testing.T) {
	for seed := range uint64(80) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			fs := newFS(t)
			residents := NewResidents(1)
			cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: int32(r.IntN(600))}
			w := &twin{}
			s := create(t, fs, 0, cfg, residents)
			live(t, s, w, r)
			for range 3 {
				keep := 0
				if len(w.entries) > 0 {
					keep = r.IntN(len(w.entries) + 1)
				}
				if keep < len(w.entries) {
					w.size = w.entries[keep].pos
					w.entries = w.entries[:keep]
				}
				must(t, s.TruncateTo(w.size, w.next()))
				w.check(t, s, r)
				live(t, s, w, r)
			}
			must(t, s.Seal())
			s.Unload()
			w.check(t, s, r)
			if _, problems := s.Audit(0, func(batch.Batch, int64) {}); len(problems) > 0 {
				t.Fatal(problems)
			}
		})
	}
}
