package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestChooser asks as the client does: once more for the same record when that would begin a new batch, its partition
// being filled in meanwhile, and with as many partitions as have a leader.
func TestChooser(t *testing.T) {
	c := newChooser().ForTopic("t")
	again := c.(kgo.TopicPartitionerOnNewBatch)
	for range 20 {
		r := &kgo.Record{Partition: anyPartition}
		if c.RequiresConsistency(r) {
			t.Error("a record without a key and a partition waits for a leader that it does not need")
		}
		if got := c.Partition(r, 1); got != 0 {
			t.Fatalf("got choice %d of 1", got)
		}
		r.Partition = 1 // the second partition is the one that has a leader
		again.OnNewBatch()
		if got := c.Partition(r, 1); got != 0 {
			t.Fatalf("got choice %d of 1 at the second time", got)
		}
		named := &kgo.Record{Partition: 5}
		if got := c.Partition(named, 7); got != 5 || !c.RequiresConsistency(named) {
			t.Errorf("got choice %d, expected the partition that the record names", got)
		}
		again.OnNewBatch()
		if got := c.Partition(named, 7); got != 5 {
			t.Errorf("got choice %d at the second time, expected the partition that the record names", got)
		}
	}
}
