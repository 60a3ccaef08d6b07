package link_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/link"
)

// drain receives everything that is due up to an instant.
func drain(s *link.Stream, until clock.Time) (got []byte, last link.Kind, pieces int) {
	for {
		at, ok := s.Due()
		if !ok || at > until {
			return got, last, pieces
		}
		p := s.Receive(at)
		if p.Kind == link.None {
			return got, last, pieces
		}
		last = p.Kind
		pieces++
		got = append(got, p.Bytes...)
	}
}

// Whatever a stream goes through, what arrives is a prefix of what was sent, never before its time, never more than the
// window allows; and if it was not reset, all of it. The twin is a plain buffer.
func TestStreamAgainstBuffer(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		path := &link.Path{
			Min: time.Duration(rng.Int64N(5e6)), Mean: time.Duration(rng.Int64N(1e8)), Split: rng.IntN(1001),
			Rate: []int64{0, 0, 1 << 20, 1000}[rng.IntN(4)],
		}
		s := link.NewStream(path, env.NewSeeded(seed, "stream"), 1<<uint(4+rng.IntN(12)))
		var sent, got []byte
		now, last, breaks := clock.Time(0), clock.Time(0), int64(-1)
		reset := false
		for range 300 {
			now = now.Add(time.Duration(rng.Int64N(2e7)))
			switch rng.IntN(12) {
			case 0:
				path.Hold()
			case 1, 2:
				path.Release()
				s.Resume(now)
			case 3:
				s.Delay(time.Duration(rng.Int64N(1e8)))
			case 4:
				if rng.IntN(20) == 0 && breaks < 0 {
					after := rng.Int64N(500)
					s.Break(after)
					breaks = int64(len(got)) + after
				}
			case 5, 6, 7, 8:
				p := make([]byte, min(rng.IntN(3000), s.Room()))
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
				s.Send(now, p)
				sent = append(sent, p...)
			default:
				for at, ok := s.Due(); ok && at <= now && !path.Held(); at, ok = s.Due() {
					if at < last {
						t.Fatalf("seed %d: a piece is due at %d, after one at %d", seed, at, last)
					}
					last = at
					p := s.Receive(now)
					reset = reset || p.Kind == link.Reset
					got = append(got, p.Bytes...)
				}
			}
			if !bytes.HasPrefix(sent, got) {
				t.Fatalf("seed %d: what arrived is no prefix of what was sent", seed)
			}
			if !reset && s.InFlight() != len(sent)-len(got) {
				t.Fatalf("seed %d: got %d bytes in flight, expected %d", seed, s.InFlight(), len(sent)-len(got))
			}
		}
		if reset {
			if int64(len(got)) != breaks {
				t.Fatalf("seed %d: broke after %d bytes, expected %d", seed, len(got), breaks)
			}
			continue
		}
		s.Finish(now)
		path.Release()
		s.Resume(now)
		rest, kind, _ := drain(s, clock.Never)
		got = append(got, rest...)
		whole := kind == link.End && bytes.Equal(got, sent)
		broken := kind == link.Reset && int64(len(got)) == breaks
		if !whole && !broken {
			t.Fatalf("seed %d: ended with %d after %d of %d bytes", seed, kind, len(got), len(sent))
		}
	}
}

func TestDelayAndRate(t *testing.T) {
	path := &link.Path{Min: time.Millisecond}
	s := link.NewStream(path, env.NewSeeded(1, "s"), 0)
	s.Send(0, []byte("abc"))
	if at, ok := s.Due(); !ok || at != clock.Time(time.Millisecond) {
		t.Errorf("due at %d, expected 1ms", at)
	}
	if p := s.Receive(clock.Time(time.Millisecond) - 1); p.Kind != link.None {
		t.Errorf("arrived too early: %v", p)
	}
	s.Delay(time.Second)
	if at, _ := s.Due(); at != clock.Time(1001*time.Millisecond) {
		t.Errorf("due at %d, expected 1.001s", at)
	}
	drain(s, clock.Never)
	path.Rate = 1000
	start := clock.Time(10 * time.Second)
	for range 10 {
		s.Send(start, make([]byte, 100))
	}
	_, _, _ = drain(s, start.Add(900*time.Millisecond))
	if n := s.InFlight(); n < 100 || n > 200 {
		t.Errorf("got %d bytes in flight after 0.9s at 1000 bytes a second, expected about 100", n)
	}
}

func TestHoldAndResume(t *testing.T) {
	path := &link.Path{Min: time.Millisecond}
	s := link.NewStream(path, env.NewSeeded(1, "s"), 0)
	s.Send(0, []byte("abc"))
	path.Hold()
	if p := s.Receive(clock.Time(time.Second)); p.Kind != link.None {
		t.Fatalf("something arrived over a path that is held: %v", p)
	}
	path.Release()
	now := clock.Time(2 * time.Second)
	s.Resume(now)
	if at, ok := s.Due(); !ok || at != now.Add(time.Millisecond) {
		t.Errorf("due at %d, expected 2.001s", at)
	}
}

// Splits cut anywhere, also amid the first four bytes.
func TestSplitsCutEverywhere(t *testing.T) {
	path := &link.Path{Split: 1000, Mean: time.Microsecond}
	cuts := map[int]bool{}
	for seed := range uint64(500) {
		s := link.NewStream(path, env.NewSeeded(seed, "s"), 0)
		s.Send(0, make([]byte, 40))
		at, _ := s.Due()
		cuts[len(s.Receive(at).Bytes)] = true
	}
	for n := 1; n <= 40; n++ {
		if !cuts[n] {
			t.Errorf("no first piece had %d bytes", n)
		}
	}
}

func TestNothingAfterTheEnd(t *testing.T) {
	s := link.NewStream(&link.Path{}, env.NewSeeded(1, "s"), 0)
	s.Send(0, []byte("ab"))
	s.Finish(0)
	s.Send(0, []byte("cd"))
	s.Finish(0)
	got, kind, pieces := drain(s, clock.Never)
	if string(got) != "ab" || kind != link.End || pieces != 2 {
		t.Errorf("got %q, kind %d, %d pieces", got, kind, pieces)
	}
	s = link.NewStream(&link.Path{}, env.NewSeeded(1, "s"), 0)
	s.Send(0, []byte("ab"))
	s.Drop()
	if _, ok := s.Due(); ok || s.InFlight() != 0 {
		t.Error("something is on its way in a stream that was dropped")
	}
}

func BenchmarkSendReceive(b *testing.B) {
	path := &link.Path{Min: time.Millisecond, Mean: time.Millisecond, Split: 100}
	s := link.NewStream(path, env.NewSeeded(1, "s"), 0)
	p := make([]byte, 500)
	now := clock.Time(0)
	for b.Loop() {
		s.Send(now, p)
		for at, ok := s.Due(); ok; at, ok = s.Due() {
			now = at
			s.Receive(at)
		}
	}
}
