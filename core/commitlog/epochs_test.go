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
)

// The cache answers as Kafka's LeaderEpochFileCache answered to the same calls.
func TestEpochsAsKafka(t *testing.T) {
	content, err := os.ReadFile(kafkaData + "epochs.txt")
	must(t, err)
	var c epochCache
	asked := 0
	for i, line := range slices.Collect(strings.Lines(string(content))) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var n []int64
		if what != "is" {
			n = numbers(t, strings.Fields(rest))
		}
		switch what {
		case "new":
			c = nil
		case "assign":
			c.assign(base.LeaderEpoch(n[0]), base.Offset(n[1]))
		case "end":
			c.cutEnd(base.Offset(n[0]))
		case "start":
			c.cutStart(base.Offset(n[0]))
		case "ask":
			asked++
			epoch, end := c.endOffset(base.LeaderEpoch(n[0]), base.Offset(n[1]))
			if int64(epoch) != n[2] || int64(end) != n[3] {
				t.Fatalf("line %d: %s: got epoch %d until %d of %v", i+1, line, epoch, end, c)
			}
		case "at":
			if got := c.at(base.Offset(n[0])); int64(got) != n[1] {
				t.Fatalf("line %d: %s: got epoch %d of %v", i+1, line, got, c)
			}
		case "is":
			var parts []string
			for _, e := range c {
				parts = append(parts, fmt.Sprintf("%d:%d", e.epoch, e.start))
			}
			if got := strings.Join(parts, ","); got != rest {
				t.Fatalf("line %d: got %s, Kafka has %s", i+1, got, rest)
			}
		}
	}
	if asked < 300 {
		t.Errorf("got %d questions, expected hundreds", asked)
	}
}

// epochTwin keeps the epoch of every offset.
type epochTwin struct {
	start, end base.Offset
	epochs     []base.LeaderEpoch // of offsets 0 to end
}

// endOffset walks over all offsets: the largest epoch at or below the asked one that is there, and where it ended.
func (w *epochTwin) endOffset(asked base.LeaderEpoch) (base.LeaderEpoch, base.Offset) {
	left := w.epochs[w.start:w.end]
	if asked < 0 || asked > left[len(left)-1] {
		return base.NoEpoch, base.NoOffset
	}
	found, end := base.NoEpoch, w.end
	for i, e := range left {
		if e <= asked {
			found = e
		} else {
			end = w.start + base.Offset(i)
			break
		}
	}
	if found == base.NoEpoch {
		found = asked
	}
	return found, end
}

// The log answers for its epochs as a walk over all records would, also after it was opened again.
func TestEpochsAgainstTwin(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			fs := newFS(t)
			o := testOptions(fs)
			o.Config.SegmentBytes = 400
			l := open(t, o)
			w := &epochTwin{}
			epoch := base.LeaderEpoch(0)
			for range 60 {
				switch r.IntN(12) {
				case 0, 1:
					epoch += base.LeaderEpoch(r.IntN(3))
				case 2:
					start, err := l.DeleteRecords(base.Offset(r.Int64N(int64(w.end)+1)), w.end)
					must(t, err)
					w.start = start
				case 3:
					l = reopen(t, l, &o, r.IntN(3))
					if w.end != l.End() || w.start != l.Start() {
						t.Fatalf("got %d to %d, expected %d to %d", l.Start(), l.End(), w.start, w.end)
					}
				default:
					n := 1 + r.IntN(3)
					_, err := l.Append(numbered(t, w.end, n), epoch, start)
					must(t, err)
					for range n {
						w.epochs = append(w.epochs, epoch)
					}
					w.end += base.Offset(n)
				}
				if w.start == w.end {
					continue // no record is left to walk over
				}
				for asked := base.LeaderEpoch(-1); asked < epoch+2; asked++ {
					gotEpoch, got := l.EndOffsetForEpoch(asked)
					wantEpoch, want := w.endOffset(asked)
					if gotEpoch != wantEpoch || got != want {
						t.Fatalf("end of epoch %d: got %d, %d, expected %d, %d; %v", asked, gotEpoch, got,
							wantEpoch, want, l.mu.epochs)
					}
				}
				for at := w.start; at < w.end; at++ {
					if got := l.EpochAt(at); got != w.epochs[at] {
						t.Fatalf("epoch at %d: got %d, expected %d", at, got, w.epochs[at])
					}
				}
			}
		})
	}
}

// reopen ends a log as a clean stop, a killed process after a checkpoint, or one without a checkpoint would, and opens
// it again.
func reopen(t *testing.T, l *Log, o *Options, how int) *Log {
	t.Helper()
	o.Clean, o.Trusted, o.LogStart = how == 0, how == 0, l.Start()
	switch how {
	case 0:
		must(t, l.Close())
		o.RecoveryPoint = l.Synced()
	case 1:
		o.RecoveryPoint = syncLog(t, l)
		must(t, l.Checkpoint())
		l.Abandon()
	case 2:
		o.RecoveryPoint = 0
		l.Abandon()
	}
	return open(t, *o)
}

// An epoch that begins before any record of it is forgotten with the records that never came.
func TestAssignEpochAtTheEnd(t *testing.T) {
	fs := newFS(t)
	l := open(t, testOptions(fs))
	add(t, l, 3)
	l.AssignEpoch(4)
	if epoch, end := l.EndOffsetForEpoch(4); epoch != 4 || end != 3 {
		t.Errorf("got %d, %d", epoch, end)
	}
	if epoch, end := l.EndOffsetForEpoch(2); epoch != 0 || end != 3 {
		t.Errorf("got %d, %d", epoch, end)
	}
	l.AssignEpoch(6) // nothing was written in epoch 4
	l.AssignEpoch(5) // too late
	if epoch, end := l.EndOffsetForEpoch(5); epoch != 0 || end != 3 {
		t.Errorf("got %d, %d", epoch, end)
	}
	must(t, l.Close())
	if got := string(read(t, fs, logDir+"/"+EpochsFile)); got != "0\n2\n0 0\n6 3\n" {
		t.Errorf("got %q", got)
	}
	o := testOptions(fs)
	o.Clean, o.RecoveryPoint = true, 3
	l = open(t, o)
	// As in Kafka: an epoch of no record is assigned again by whoever leads.
	if epoch, _ := l.EndOffsetForEpoch(6); epoch != base.NoEpoch {
		t.Errorf("got epoch %d, expected none", epoch)
	}
}

func TestParseEpochs(t *testing.T) {
	for _, row := range []struct {
		content string
		want    string
		ok      bool
	}{
		{"0\n0\n", "[]", true},
		{"0\n2\n0 0\n3 17\n", "[{0 0} {3 17}]", true},
		{"0\n2\n0 0\n3 17", "[{0 0} {3 17}]", true},
		{"0\n2\n0 5\n3 5\n", "[{0 5} {3 5}]", true},
		{"", "", false}, {"0\n", "", false}, {"1\n0\n", "", false}, {"0\n1\n", "", false},
		{"0\n1\n0 0\n1 1\n", "", false},
		{"0\n-1\n", "", false}, {"0\nx\n", "", false}, {"0\n1\n0\n", "", false}, {"0\n1\n0 0 0\n", "", false},
		{"0\n1\n-1 0\n", "", false}, {"0\n1\n0 -1\n", "", false}, {"0\n1\n2147483648 0\n", "", false},
		{"0\n2\n3 0\n3 1\n", "", false}, {"0\n2\n3 9\n4 1\n", "", false}, {"0\n1\n0 x\n", "", false},
		{"0\n99999999999999999999\n", "", false}, {"0\n1\n\x00\x00\x00", "", false},
	} {
		got, err := parseEpochs([]byte(row.content))
		if row.ok && (err != nil || fmt.Sprint(got) != row.want) || !row.ok && !errors.Is(err, ErrBadCheckpoint) {
			t.Errorf("%q: got %v, %v, expected %s, %v", row.content, got, err, row.want, row.ok)
		}
	}
}
