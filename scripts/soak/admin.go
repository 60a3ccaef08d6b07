package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// churn does what administrators do, until ctx ends: other topics come and go, retention changes, records are deleted.
func (s *soak) churn(ctx context.Context, every time.Duration) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin, r := kadm.NewClient(client), rand.New(rand.NewPCG(9, 9))
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.administer(ctx, admin, r, n); refused(err) {
			return err
		}
	}
}

// refused reports an error that does not come from a broker that is away: a code that asking again would not change.
func refused(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code) && !code.Retriable
}

// administer does one thing. What a kill left half done is no error: a retried creation finds its topic, a retried
// deletion does not.
func (s *soak) administer(ctx context.Context, admin *kadm.Client, r *rand.Rand, n int) error {
	switch n % 7 {
	case 0:
		name := fmt.Sprintf("churn-%d", n/7%3)
		if _, err := admin.CreateTopic(ctx, 4, 1, nil, name); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create %s: %w", name, err)
		}
		s.churned++
	case 1:
		name := fmt.Sprintf("churn-%d", r.IntN(3))
		if _, err := admin.DeleteTopic(ctx, name); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("delete %s: %w", name, err)
		}
		s.churned++
	case 2:
		return s.alter(ctx, admin, "trimmed", "retention.bytes", 1<<20+r.IntN(4<<20))
	case 3:
		return s.deleteRecords(ctx, admin, r)
	case 4:
		return s.alter(ctx, admin, "passing", "retention.ms", 5_000+r.IntN(55_000))
	case 5:
		return s.alter(ctx, admin, "passing", "segment.ms", 2_000+r.IntN(10_000))
	case 6:
		return s.alter(ctx, admin, "passing", "segment.bytes", 1<<20+r.IntN(1<<20))
	}
	return nil
}

// alter sets a configuration of a topic.
func (s *soak) alter(ctx context.Context, admin *kadm.Client, topic, name string, to int) error {
	value := fmt.Sprint(to)
	answers, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	for _, answer := range answers {
		err = errors.Join(err, answer.Err)
	}
	if err != nil {
		return fmt.Errorf("set %s of %s to %s: %w", name, topic, value, err)
	}
	s.altered++
	return nil
}

// deleteRecords cuts a partition of the trimmed topic somewhere between their start and their end.
func (s *soak) deleteRecords(ctx context.Context, admin *kadm.Client, r *rand.Rand) error {
	starts, err := admin.ListStartOffsets(ctx, "trimmed")
	ends, err2 := admin.ListEndOffsets(ctx, "trimmed")
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("list offsets: %w", err)
	}
	offsets := make(kadm.Offsets)
	p := r.Int32N(int32(s.partitions))
	start, _ := starts.Lookup("trimmed", p)
	end, _ := ends.Lookup("trimmed", p)
	if end.Offset <= start.Offset {
		return nil
	}
	offsets.AddOffset("trimmed", p, start.Offset+r.Int64N(end.Offset-start.Offset), -1)
	if _, err := admin.DeleteRecords(ctx, offsets); err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	s.deleted++
	return nil
}
