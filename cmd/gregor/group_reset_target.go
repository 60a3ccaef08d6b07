package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// resetTarget is a partition whose offset is to be set; offset is that of a file.
type resetTarget struct {
	topic     string
	partition int32
	offset    int64
}

// targets returns the partitions that are meant, in the order of topics and partitions.
func (f *groupReset) targets(
	ctx context.Context, group string, committed kadm.OffsetResponses,
) ([]resetTarget, error) {
	var out []resetTarget
	switch {
	case f.mode.kind == resetFromFile:
		for _, l := range f.mode.listed {
			if l.group == group {
				out = append(out, resetTarget{l.topic, l.partition, l.offset})
			}
		}
		return out, nil
	case f.allTopics:
		for _, o := range committed.Sorted() {
			out = append(out, resetTarget{topic: o.Topic, partition: o.Partition})
		}
		return out, nil
	}
	for _, t := range f.wanted {
		log, err := f.log(ctx, t.topic)
		if err != nil {
			return nil, err
		}
		partitions := t.partitions
		if partitions == nil {
			partitions = log.partitions()
		}
		for _, p := range partitions {
			out = append(out, resetTarget{topic: t.topic, partition: p})
		}
	}
	return out, nil
}

// log returns the offsets of a topic's partitions, which are asked for once.
func (f *groupReset) log(ctx context.Context, topic string) (*partitionLog, error) {
	if _, ok := f.logs[topic]; !ok {
		f.logs[topic] = &partitionLog{ctx: ctx, admin: f.admin, topic: topic}
		f.failed[topic] = f.logs[topic].load()
	}
	return f.logs[topic], f.failed[topic]
}

// offset finds the new offset of one partition.
func (f *groupReset) offset(
	c *cobra.Command, ctx context.Context, group string, t resetTarget, committed kadm.OffsetResponses,
) resetOffset {
	o := resetOffset{partitionOutcome: partitionOutcome{Topic: t.topic, Partition: t.partition}, Current: -1, New: -1}
	if found, ok := committed.Lookup(t.topic, t.partition); ok {
		o.fail(found.Err, "")
		o.Current = found.At
	}
	log, err := f.log(ctx, t.topic)
	if err == nil && !log.has(t.partition) {
		err = fmt.Errorf("the topic has no partition %d", t.partition)
	}
	if o.fail(err, ""); o.Error != "" {
		return o
	}
	wanted := int64(0)
	switch f.mode.kind {
	case resetToPlace:
		o.New, err = log.offset(t.partition, f.mode.at)
		o.fail(err, "")
		return o
	case resetToCurrent:
		if o.New = o.Current; o.New < 0 {
			o.New = log.end(t.partition)
		}
		return o
	case resetByShift:
		if o.Current < 0 {
			o.fail(fmt.Errorf("there is no current offset to shift"), "")
			return o
		}
		wanted = shifted(o.Current, f.mode.shift)
	case resetToOffset:
		wanted = f.mode.offset
	case resetFromFile:
		wanted = t.offset
	}
	o.New = min(max(wanted, log.start(t.partition)), log.end(t.partition))
	if o.New != wanted {
		cli.Notef(c, "gregor: group %s: %s: offset %d is outside of the log, %d is taken", group, o.title(),
			wanted, o.New)
	}
	return o
}

// shifted adds without overflow. The offset is not negative.
func shifted(offset, by int64) int64 {
	if sum := offset + by; by <= 0 || sum > offset {
		return sum
	}
	const most = 1<<63 - 1
	return most
}
