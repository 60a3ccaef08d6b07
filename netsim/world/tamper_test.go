package world

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/netsim/clock"
)

// committer finds its coordinator, and commits offset after offset of a topic that there is.
type committer struct {
	asker
	made, found bool
}

// Wake connects, makes the topic, or commits.
func (k *committer) Wake() {
	k.c.WakeIn(20 * time.Millisecond)
	if !k.c.Connection(0) {
		k.c.Connect(0, time.Second)
		return
	}
	var req kmsg.Request
	switch {
	case !k.made:
		create := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", 1, 1
		create.Topics = append(create.Topics, topic)
		req, k.made = create, true
		req.SetVersion(7)
	case !k.found:
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey = "g"
		req = find
	default:
		k.asked++
		commit := kmsg.NewPtrOffsetCommitRequest()
		commit.Group, commit.Generation = "g", -1
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic = "t"
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Offset = int64(k.asked)
		topic.Partitions = append(topic.Partitions, part)
		commit.Topics = append(commit.Topics, topic)
		req = commit
		req.SetVersion(2)
	}
	k.c.Ask(0, req, 0, time.Second, true)
}

// Answered notes that there is a coordinator.
func (k *committer) Answered(_ *Request, res kmsg.Response) {
	if found, ok := res.(*kmsg.FindCoordinatorResponse); ok {
		k.found = found.ErrorCode == 0
	}
}

// TestTamper tells of every frame that is served, has the next process find what was added behind its back, and not
// what was cut off.
func TestTamper(t *testing.T) {
	served, seen := 0, make(map[int32]bool)
	w, _ := small(t, func(o *Options) {
		o.Served = func(n *Node, c *Client, frame []byte) {
			if key := binary.BigEndian.Uint16(frame); kmsg.Key(key) == kmsg.OffsetCommit && n.Life() == 0 {
				served++
				seen[int32(binary.BigEndian.Uint32(frame[4:]))] = true
			}
		}
	})
	k := &committer{}
	k.c = w.NewClient(k)
	k.c.WakeIn(time.Millisecond)
	w.Run(clock.Time(2 * time.Second))
	n := w.Nodes()[0]
	if served == 0 || len(seen) != served || n.Since() != 0 || n.Cuts() != 0 {
		t.Fatalf("got %d commits served, %d different ones, of a process since %d", served, len(seen), n.Since())
	}
	n.Kill()
	records := func(tp base.TopicPartition) (keys [][]byte, last base.Offset) {
		if err := n.Records(tp, func(b batch.Batch, key, _ []byte) {
			keys, last = append(keys, slices.Clone(key)), b.BaseOffset()
		}); err != nil {
			t.Fatal(err)
		}
		return keys, last
	}
	changed := false
	for _, tp := range n.OffsetsLogs() {
		before, last := records(tp)
		if len(before) == 0 {
			if n.AddRecord(tp, []byte("k"), nil) {
				t.Errorf("%v: a record was added to an empty log", tp)
			}
			continue
		}
		key := []byte{0, 9, 'k'}
		if !n.CutFrom(tp, last) || n.CutFrom(tp, last) || !n.AddRecord(tp, key, []byte("v")) {
			t.Fatalf("%v: the log cannot be changed", tp)
		}
		after, _ := records(tp)
		changed = true
		if len(after) != len(before) || !bytes.Equal(after[len(after)-1], key) {
			t.Errorf("%v: got %q, expected %q as the last of %d", tp, after, key, len(before))
		}
	}
	n.Start()
	w.Run(clock.Time(3 * time.Second))
	if !changed || !n.Up() || w.Violation() != nil || n.Since() == 0 {
		t.Errorf("changed %v, up %v: %v", changed, n.Up(), w.Violation())
	}
}
