//go:build unix

package server_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/core/config"
)

// groupReader is a member of a group that notes what it reads.
type groupReader struct {
	cl   *kgo.Client
	stop context.CancelFunc
	done chan struct{}
}

// ledger is what the members of a group have read.
type ledger struct {
	mu   sync.Mutex
	seen map[string]int
	at   chan struct{} // gets a token with each batch of records
}

// read begins to read topic as a member of a group.
func (l *ledger) read(t *testing.T, addr, group, topic string, balancer kgo.GroupBalancer) *groupReader {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.Balancers(balancer), kgo.FetchMaxWait(100*time.Millisecond), kgo.HeartbeatInterval(100*time.Millisecond),
		kgo.AutoCommitMarks(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &groupReader{cl: cl, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for ctx.Err() == nil {
			fetches := cl.PollFetches(ctx)
			l.mu.Lock()
			fetches.EachRecord(func(rec *kgo.Record) { l.seen[string(rec.Value)]++ })
			l.mu.Unlock()
			cl.MarkCommitRecords(fetches.Records()...)
			select {
			case l.at <- struct{}{}:
			default:
			}
		}
	}()
	return r
}

// leave ends a member in an orderly way: it commits and leaves the group.
func (r *groupReader) leave() {
	r.stop()
	<-r.done
	r.cl.Close()
}

// wait waits until n different records were read.
func (l *ledger) wait(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	for {
		l.mu.Lock()
		got := len(l.seen)
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-l.at:
		case <-ctx.Done():
			t.Fatalf("got %d different records, expected %d", got, n)
		}
	}
}

// Members of a group come and go while records are produced, eager or cooperative: each record is read, and what was
// committed is where the next one goes on.
func TestRealGroup(t *testing.T) {
	for _, balancer := range []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()} {
		t.Run(balancer.ProtocolName(), func(t *testing.T) {
			s := start(t, "", config.KV{Name: "group.initial.rebalance.delay.ms", Value: "0"})
			addr := s.Addresses()[0].String()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			admin := kadm.NewClient(cl)
			if _, err := admin.CreateTopic(ctx, 12, 1, nil, "topic"); err != nil {
				t.Fatal(err)
			}
			produced := 0
			produce := func(n int) {
				t.Helper()
				for range n {
					produced++
					r := &kgo.Record{Topic: "topic", Value: fmt.Appendf(nil, "%d", produced), Partition: 0}
					cl.Produce(ctx, r, nil)
				}
				if err := cl.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
			l := &ledger{seen: make(map[string]int), at: make(chan struct{}, 1)}
			a := l.read(t, addr, "readers", "topic", balancer)
			produce(500)
			l.wait(ctx, t, produced)
			b, c := l.read(t, addr, "readers", "topic", balancer), l.read(t, addr, "readers", "topic", balancer)
			produce(500)
			l.wait(ctx, t, produced)
			a.leave()
			produce(500)
			l.wait(ctx, t, produced)
			b.leave()
			c.leave()
			lags, err := admin.Lag(ctx, "readers")
			if err != nil || lags["readers"].Lag.Total() != 0 || lags["readers"].State != "Empty" {
				t.Fatalf("got lag %+v, expected none and an empty group: %v", lags, err)
			}
		})
	}
}
