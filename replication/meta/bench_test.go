package meta

import (
	"fmt"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// manyTopics creates n topics one by one through a controller.
func manyTopics(b *testing.B, n int) *Image {
	c := NewController(NewImage(), 1)
	for i := range base.NodeID(3) {
		if _, err := c.Do(register(i+1, 1)); err != nil {
			b.Fatal(err)
		}
	}
	for i := range n {
		cmd := create(fmt.Sprintf("topic-%d", i), i+1)
		cmd.ReplicationFactor, cmd.Seed = 3, uint64(i)
		if _, err := c.Do(cmd); err != nil {
			b.Fatal(err)
		}
	}
	return c.Image()
}

// BenchmarkCreateTopics creates topics one by one; the time per topic must not grow with their number.
func BenchmarkCreateTopics(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				manyTopics(b, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/topic")
		})
	}
}

// BenchmarkCreatePartitions creates one topic with as many partitions as a request may have.
func BenchmarkCreatePartitions(b *testing.B) {
	m := manyTopics(b, 0)
	for b.Loop() {
		c := NewController(m, 1)
		cmd := CreateTopic{Name: "wide", ID: id(1), Partitions: MaxPartitionsPerRequest, ReplicationFactor: 3}
		if _, err := c.Do(cmd); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPartitionChange changes the ISR of one partition among 10,000 topics.
func BenchmarkPartitionChange(b *testing.B) {
	m := manyTopics(b, 10_000)
	change := NewPartitionChange(id(777), 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Apply(at(m, 1), change); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTopicByID looks topics up among 10,000.
func BenchmarkTopicByID(b *testing.B) {
	m := manyTopics(b, 10_000)
	i := 0
	for b.Loop() {
		if i = (i + 4177) % 10_000; m.TopicByID(id(i+1)) == nil {
			b.Fatal("not there")
		}
	}
}

// BenchmarkReplay decodes and applies the records of a snapshot of 10,000 topics.
func BenchmarkReplay(b *testing.B) {
	m := manyTopics(b, 10_000)
	var values [][]byte
	for rec := range m.Records() {
		values = append(values, encode(b, rec))
	}
	for b.Loop() {
		records := make([]Record, len(values))
		for i, raw := range values {
			records[i], _ = DecodeRecord(raw)
		}
		if _, _, err := NewImage().Apply(m.Position(), records...); err != nil {
			b.Fatal(err)
		}
	}
}
