//go:build unix

package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// growth is a topic that grows while it is used.
type growth struct {
	mu    sync.Mutex
	acked map[string]bool
	// most is the highest partition that a record was acknowledged in.
	most int32
}

func (g *growth) note(r *kgo.Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acked[string(r.Value)] = true
	g.most = max(g.most, r.Partition)
}

// reached returns the highest partition used so far, and how many records are acknowledged.
func (g *growth) reached() (int32, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most, len(g.acked)
}

// A topic gets partitions under a producer and a consumer that know nothing of it: both find the new ones, no record
// fails, and each is read once.
func TestPartitionsGrowUnderClients(t *testing.T) {
	s := start(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Addresses()[0].String()), kgo.ConsumeTopics("t"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(20*time.Millisecond),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.MetadataMaxAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	g := &growth{acked: make(map[string]bool)}
	sent := 0
	for count := int32(1); count <= 8; count++ {
		if count > 1 {
			grown, err := admin.UpdatePartitions(ctx, int(count), "t")
			if err != nil || grown.Error() != nil {
				t.Fatal(err, grown.Error())
			}
		}
		for most := int32(-1); most < count-1; most, _ = g.reached() {
			for range 50 {
				r := &kgo.Record{Topic: "t", Value: fmt.Appendf(nil, "%d", sent)}
				sent++
				cl.Produce(ctx, r, func(r *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
						return
					}
					g.note(r)
				})
			}
			if err := cl.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				return
			}
		}
	}
	if _, acked := g.reached(); acked != sent {
		t.Fatalf("got %d records acknowledged of %d", acked, sent)
	}
	seen := make(map[string]int)
	for len(seen) < sent {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(seen), sent, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
	}
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", value, times)
		}
	}
}

// A topic is deleted under consumers whose fetches would wait for as long as the test may take: they are told at once.
func TestTopicIsDeletedUnderReaders(t *testing.T) {
	s := start(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	addr := kgo.SeedBrokers(s.Addresses()[0].String())
	cl, err := kgo.NewClient(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	for range 3 {
		if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
			t.Fatal(err)
		}
		produceAnew(ctx, t, addr, &kgo.Record{Topic: "t", Value: []byte("x")})
		var reading, told sync.WaitGroup
		for range 4 {
			reading.Add(1)
			told.Go(func() { readUntilDeleted(ctx, t, addr, reading.Done) })
		}
		reading.Wait()
		if _, err := admin.DeleteTopic(ctx, "t"); err != nil {
			t.Fatal(err)
		}
		told.Wait()
	}
}

// readUntilDeleted reads a topic until it is told that there is no such topic. It calls reading after the first record.
func readUntilDeleted(ctx context.Context, t *testing.T, addr kgo.Opt, reading func()) {
	first := sync.OnceFunc(reading)
	defer first()
	cl, err := kgo.NewClient(addr, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(patience), kgo.KeepRetryableFetchErrors())
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		err := fetches.Err()
		switch {
		case ctx.Err() != nil:
			t.Error("the consumer hangs")
			return
		case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
			return
		case err != nil:
			t.Error(err)
			return
		case fetches.NumRecords() > 0:
			first()
		}
	}
}

// produceAnew produces a record with a client that has not seen its topic before.
func produceAnew(ctx context.Context, t *testing.T, addr kgo.Opt, r *kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
