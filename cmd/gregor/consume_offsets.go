package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// partitionLog knows the offsets of a topic's partitions.
type partitionLog struct {
	ctx   context.Context
	admin *kadm.Client
	topic string

	starts, ends map[int32]kadm.ListedOffset
	// times are the offsets by times that were asked for.
	times map[int64]map[int32]kadm.ListedOffset
}

// load asks for the start and the end of every partition.
func (l *partitionLog) load() error {
	var err error
	if l.starts, err = l.list(l.admin.ListStartOffsets(l.ctx, l.topic)); err != nil {
		return err
	}
	l.ends, err = l.list(l.admin.ListEndOffsets(l.ctx, l.topic))
	l.times = make(map[int64]map[int32]kadm.ListedOffset)
	return err
}

// list takes the topic's offsets out of an answer.
func (l *partitionLog) list(listed kadm.ListedOffsets, err error) (map[int32]kadm.ListedOffset, error) {
	var refused *kadm.ShardErrors
	if err != nil && !errors.As(err, &refused) {
		return nil, fmt.Errorf("list offsets of %s: %w", l.topic, err)
	}
	found := listed[l.topic]
	for p, o := range found {
		if errors.Is(o.Err, kerr.UnknownTopicOrPartition) && p < 0 {
			return nil, fmt.Errorf("topic %s does not exist", l.topic)
		}
		if o.Err != nil {
			return nil, fmt.Errorf("list offsets of %s partition %d: %w", l.topic, p, o.Err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", l.topic, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("topic %s does not exist", l.topic)
	}
	return found, nil
}

// partitions returns the topic's partitions in their order.
func (l *partitionLog) partitions() []int32 {
	out := make([]int32, 0, len(l.starts))
	for p := range l.starts {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (l *partitionLog) has(partition int32) bool {
	_, ok := l.starts[partition]
	return ok
}

func (l *partitionLog) start(partition int32) int64 { return l.starts[partition].Offset }

func (l *partitionLog) end(partition int32) int64 { return l.ends[partition].Offset }

// offset returns the offset of a place in a partition.
func (l *partitionLog) offset(partition int32, at place) (int64, error) {
	start, end := l.start(partition), l.end(partition)
	switch at.kind {
	case atStart:
		return min(start+min(at.n, end-start), end), nil
	case atEnd:
		return max(end-min(at.n, end-start), start), nil
	case atOffset:
		return at.n, nil
	}
	if _, ok := l.times[at.n]; !ok {
		found, err := l.list(l.admin.ListOffsetsAfterMilli(l.ctx, at.n, l.topic))
		if err != nil {
			return 0, err
		}
		l.times[at.n] = found
	}
	return l.times[at.n][partition].Offset, nil
}
