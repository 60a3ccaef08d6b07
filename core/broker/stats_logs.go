package broker

import (
	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// TopicLogs is what the logs of a topic's partitions on this broker hold together.
type TopicLogs struct {
	// Topic is the topic's name.
	Topic string
	// Partitions is how many there are, and Offline how many of them cannot be served.
	Partitions, Offline int
	// Size is their bytes. Start and End are the sums of their offsets: their difference is about how many records
	// there are, and the growth of End how many came.
	Size       int64
	Start, End int64
}

// TopicLogs returns what the topics' logs hold, by name.
func (b *Broker) TopicLogs() []TopicLogs {
	var found []TopicLogs
	for _, p := range b.partitions() {
		if n := len(found); n == 0 || found[n-1].Topic != p.tp.Topic {
			found = append(found, TopicLogs{Topic: p.tp.Topic})
		}
		t, l := &found[len(found)-1], p.stats()
		t.Partitions++
		if l.Failure != nil {
			t.Offline++
		}
		t.Size, t.Start, t.End = t.Size+l.Size, t.Start+int64(l.Start), t.End+int64(l.End)
	}
	return found
}

// PartitionLog is what the log of one partition holds.
type PartitionLog struct {
	// Partition is which one.
	Partition base.TopicPartition
	// Size is the log's bytes, from Start up to End.
	Size       int64
	Start, End base.Offset
	// HighWatermark is the offset below which everything is committed.
	HighWatermark base.Offset
	// Failure says why it cannot be served, nil if it can. A log that could not be opened has no sizes.
	Failure error
}

// PartitionLogs returns what the logs of a topic's partitions hold, by number; of all topics, by name, for "".
func (b *Broker) PartitionLogs(topic string) []PartitionLog {
	var found []PartitionLog
	for _, p := range b.partitions() {
		if topic == "" || p.tp.Topic == topic {
			found = append(found, p.stats())
		}
	}
	return found
}

func (p *partition) stats() PartitionLog {
	l := PartitionLog{Partition: p.tp, HighWatermark: p.highWatermark(), Failure: p.offline()}
	if p.log != nil {
		l.Size, l.Start, l.End = p.log.Size(), p.log.Start(), p.log.End()
	}
	return l
}

// MetadataState returns the offset up to which this broker has applied the metadata log, and why the log cannot be
// written any more, nil if it can.
func (b *Broker) MetadataState() (base.Offset, error) {
	c := &b.controller
	c.mu.Lock()
	defer c.mu.Unlock()
	return b.Image().Position().Offset, c.mu.failure
}

// Waiting adds the connection's requests that have no answer yet to those of others, by API key: those that wait and
// the few that are being served. sum has a place for each key of APIStats.
func (c *Conn) Waiting(sum *[wire.MaxKey + 1]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.mu.slots {
		if s := &c.mu.slots[i]; !s.done && s.stats != nil {
			sum[s.stats.key]++
		}
	}
}
