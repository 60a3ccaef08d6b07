package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
)

// bounds are the start and the end of a log.
type bounds struct{ start, end int64 }

// boundsOf asks for the bounds of topics' partitions.
func boundsOf(ctx context.Context, admin *kadm.Client, topics ...string) (map[base.TopicPartition]bounds, error) {
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err := errors.Join(err, starts.Error()); err != nil {
		return nil, fmt.Errorf("starts of %v: %w", topics, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("ends of %v: %w", topics, err)
	}
	found := make(map[base.TopicPartition]bounds)
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		tp := base.TopicPartition{Topic: end.Topic, Partition: end.Partition}
		found[tp] = bounds{start.Offset, end.Offset}
	})
	return found, nil
}

// settle waits until every group has seen and committed everything, and then holds the ledger against the logs. What
// is appended must have been appended before.
func (c *crowd) settle(ctx context.Context, admin *kadm.Client) error {
	c.quiet.Store(true)
	topics := c.topics()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var logs map[base.TopicPartition]bounds
	for left := 1; left > 0; {
		var err error
		if logs, err = boundsOf(ctx, admin, topics...); err != nil {
			return err
		}
		behind := c.behind(logs)
		if left = len(behind); left > 0 && limited.Err() != nil {
			for _, text := range behind[:min(left, 20)] {
				c.fail("%s, %v after all troubles ended", text, patience)
			}
			c.fail("%d partitions of groups are behind %v after all troubles ended", left, patience)
			break
		}
		wait(limited, 200*time.Millisecond)
	}
	c.logs = logs
	c.judge(logs)
	return nil
}

// topics returns all topics that some group reads.
func (c *crowd) topics() []string {
	var all []string
	for _, p := range c.plans {
		if len(p.topics) > len(all) {
			all = p.topics
		}
	}
	return all
}

// each calls for every partition of every group.
func (c *crowd) each(plans []plan, logs map[base.TopicPartition]bounds, do func(*plan, base.TopicPartition, bounds)) {
	for _, p := range plans {
		for _, topic := range p.topics {
			for n := int32(0); ; n++ {
				tp := base.TopicPartition{Topic: topic, Partition: n}
				b, ok := logs[tp]
				if !ok {
					break
				}
				do(&p, tp, b)
			}
		}
	}
}

// behind returns which groups have not committed which ends.
func (c *crowd) behind(logs map[base.TopicPartition]bounds) []string {
	var found []string
	c.each(c.plans, logs, func(p *plan, tp base.TopicPartition, b bounds) {
		if at := c.book.Position(p.name, tp); at < b.end && b.start < b.end {
			found = append(found, fmt.Sprintf("group %s has committed %d of %v, whose end is %d\n%s", p.name, at, tp,
				b.end, c.book.Story(p.name, tp, max(at, 0))))
		}
	})
	return found
}

// judge holds the ledger against the logs.
func (c *crowd) judge(logs map[base.TopicPartition]bounds) {
	c.each(c.plans, logs, func(p *plan, tp base.TopicPartition, b bounds) { c.book.Judge(p.name, tp, b.start, b.end) })
	for tp, b := range logs {
		c.book.JudgeLog(tp, b.end)
	}
}

// compare asks the broker for what every group has committed, when all have left.
func (c *crowd) compare(ctx context.Context, admin *kadm.Client) error {
	for _, p := range c.plans {
		offsets, err := admin.FetchOffsets(ctx, p.name)
		if err != nil {
			return fmt.Errorf("offsets of %s: %w", p.name, err)
		}
		c.each([]plan{p}, c.logs, func(p *plan, tp base.TopicPartition, _ bounds) {
			want := c.book.Position(p.name, tp)
			got, ok := offsets.Lookup(tp.Topic, tp.Partition)
			if want != ledger.None && (!ok || got.At != want || got.Err != nil) {
				c.fail("group %s, %v: the broker says that %d is committed (%v), the members know of %d\n%s", p.name,
					tp, got.At, got.Err, want, c.book.Story(p.name, tp, want))
			}
		})
	}
	return nil
}

// report fails the run with what the ledger found, and with what did not happen although it was to.
func (c *crowd) report() {
	failures, n := c.book.Failures()
	for _, f := range failures {
		c.fail("%s", f)
	}
	if more := n - len(failures); more > 0 {
		c.fail("%d more failures of groups", more)
	}
	sum := c.add()
	if sum.Sightings == 0 || sum.Commits == 0 || sum.Generations <= len(c.plans) {
		c.fail("the groups saw %d records, committed %d times and had %d generations, expected more", sum.Sightings,
			sum.Commits, sum.Generations)
	}
}
