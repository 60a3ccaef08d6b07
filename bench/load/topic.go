//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreateTopic creates a topic with one replica and returns when all its partitions have leaders.
func (c *Conn) CreateTopic(ctx context.Context, name string, partitions int32, configs map[string]string) error {
	if err := c.createTopic(name, partitions, configs); err != nil {
		return err
	}
	return c.awaitLeaders(ctx, name, int(partitions))
}

// createTopic asks for a topic with one replica.
func (c *Conn) createTopic(name string, partitions int32, configs map[string]string) error {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	for _, key := range slices.Sorted(maps.Keys(configs)) {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = key, kmsg.StringPtr(configs[key])
		topic.Configs = append(topic.Configs, config)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.SetVersion(5)
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 30_000
	res, err := c.Ask(req)
	if err != nil {
		return err
	}
	for _, t := range res.(*kmsg.CreateTopicsResponse).Topics {
		if err := refused(t.ErrorCode); err != nil {
			return fmt.Errorf("create topic %s: %w: %s", name, err, text(t.ErrorMessage))
		}
	}
	return nil
}

// GrowTopic gives a topic more partitions, so many in all, and returns when all have leaders.
func (c *Conn) GrowTopic(ctx context.Context, name string, partitions int32) error {
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = name, partitions
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.SetVersion(1)
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 30_000
	res, err := c.Ask(req)
	if err != nil {
		return err
	}
	for _, t := range res.(*kmsg.CreatePartitionsResponse).Topics {
		if err := refused(t.ErrorCode); err != nil {
			return fmt.Errorf("grow topic %s: %w: %s", name, err, text(t.ErrorMessage))
		}
	}
	return c.awaitLeaders(ctx, name, int(partitions))
}

// DeleteTopic deletes a topic.
func (c *Conn) DeleteTopic(name string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.SetVersion(5)
	req.TopicNames, req.TimeoutMillis = append(req.TopicNames, name), 30_000
	res, err := c.Ask(req)
	if err != nil {
		return err
	}
	for _, t := range res.(*kmsg.DeleteTopicsResponse).Topics {
		if err := refused(t.ErrorCode); err != nil {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return nil
}

// DeleteGroup deletes a group whose consumers have left; one that is not there is no error.
func (c *Conn) DeleteGroup(name string) error {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = append(req.Groups, name)
	res, err := c.Ask(req)
	if err != nil {
		return err
	}
	for _, g := range res.(*kmsg.DeleteGroupsResponse).Groups {
		if err := refused(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("delete group %s: %w", name, err)
		}
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return "no message"
	}
	return *s
}

func refused(code int16) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrRefused, kerr.ErrorForCode(code))
}

// awaitLeaders waits until offsets can be had of every partition. Between two questions it waits several times as long
// as an answer takes: of thousands of partitions the questions alone would keep a broker from making them.
func (c *Conn) awaitLeaders(ctx context.Context, name string, partitions int) error {
	const least, times, patience = 20 * time.Millisecond, 10, 5 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		asked := time.Now()
		ends, err := c.EndOffsets(name, int32(partitions))
		if err == nil && len(ends) == partitions {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %s has no leaders: %w", name, err)
		case <-time.After(max(least, times*time.Since(asked))):
		}
	}
}

// EndOffsets returns the high watermark of each partition of a topic.
func (c *Conn) EndOffsets(name string, partitions int32) ([]int64, error) {
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = name
	for i := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = i, -1
		topic.Partitions = append(topic.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.SetVersion(4)
	req.Topics = append(req.Topics, topic)
	res, err := c.Ask(req)
	if err != nil {
		return nil, err
	}
	ends := make([]int64, partitions)
	for _, t := range res.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			if err := refused(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("offset of %s-%d: %w", name, p.Partition, err)
			}
			if p.Partition < 0 || p.Partition >= partitions {
				return nil, fmt.Errorf("%w: got partition %d of %d", ErrAnswer, p.Partition, partitions)
			}
			ends[p.Partition] = p.Offset
		}
	}
	return ends, nil
}
