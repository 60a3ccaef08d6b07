package commitlog

import (
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// Lookups by timestamp find what looking at every record finds, in logs whose timestamps go forward and back, are equal
// or missing, over segments, a moved start, a limit and a restart.
func TestTimesAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		fs := newFS(t)
		o := testOptions(fs)
		o.Config.SegmentBytes, o.Config.IndexIntervalBytes = int32(200+r.IntN(800)), int32(r.IntN(300))
		l := open(t, o)
		var all []int64
		for range 1 + r.IntN(60) {
			s := set{size: r.IntN(20)}
			for range 1 + r.IntN(4) {
				ts := start + int64(len(all)*3+r.IntN(60)-30)
				switch r.IntN(10) {
				case 0:
					ts = base.NoTimestamp
				case 1:
					ts = start
				}
				s.times = append(s.times, ts)
			}
			all = append(all, s.times...)
			_, err := l.Append(s.build(t), 2, start)
			must(t, err)
		}
		checkLookups(t, l, all, r)
		must(t, l.Close())
		o.Clean, o.Trusted, o.RecoveryPoint = true, true, base.Offset(len(all))
		l = open(t, o)
		_, err := l.DeleteRecords(base.Offset(r.IntN(len(all))), l.End())
		must(t, err)
		checkLookups(t, l, all, r)
		must(t, l.Close())
	}
}

func checkLookups(t *testing.T, l *Log, all []int64, r *rand.Rand) {
	t.Helper()
	largest := base.NoTimestamp
	for _, ts := range all {
		largest = max(largest, ts)
	}
	targets := []int64{-1, 0, start, largest, largest + 1, never}
	for range 30 {
		targets = append(targets, all[r.IntN(len(all))]+int64(r.IntN(3)-1))
	}
	for _, target := range targets {
		upTo := base.Offset(r.IntN(len(all) + 1))
		want := base.NoOffset
		for i, ts := range all {
			if o := base.Offset(i); ts >= target && o >= l.Start() {
				want = o
				break
			}
		}
		got, ok, err := l.OffsetForTime(target, upTo)
		must(t, err)
		wantOK := want >= 0 && want < upTo
		if ok != wantOK || ok && (got.Offset != want || got.Timestamp != all[want] || got.Epoch != 2) {
			t.Fatalf("at or after %d below %d: got %+v, %t, expected %d, %t", target, upTo, got, ok, want, wantOK)
		}
	}
	got, ok, err := l.LargestTimestamp()
	if err != nil || !ok || got.Timestamp != largest || all[got.Offset] != largest {
		t.Fatalf("largest timestamp: got %+v, %t, %v, expected %d", got, ok, err, largest)
	}
	for i, ts := range all[:got.Offset] {
		if ts == largest {
			t.Fatalf("largest timestamp: got offset %d, expected the first, %d", got.Offset, i)
		}
	}
}
