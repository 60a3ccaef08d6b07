package broker

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/vfs"
)

// flushing makes a broker whose flush scheduler runs every 10 ms and a topic whose every second record wants a sync at
// once, the others one within 5 ms. One record is there, not synced. Its disk calls hook at the next sync of the topic.
func flushing(t *testing.T, hook func() error) *harness {
	var faults *vfs.Faults
	h := newHarnessOn(t, func(fs vfs.FS) vfs.FS {
		faults = vfs.NewFaults(fs, nil)
		return faults
	}, kv("log.flush.scheduler.interval.ms", "10"))
	h.create("t", 1, "flush.messages", "2", "flush.ms", "5")
	h.mustProduce("t", 0, values("a"))
	syncs := 0
	faults.SetHook(func(op vfs.Op) vfs.Decision {
		if !in("t-0/", vfs.OpSync)(op) {
			return vfs.Decision{}
		}
		if syncs++; syncs > 1 {
			return vfs.Decision{}
		}
		return vfs.Decision{Err: hook()}
	})
	return h
}

// An append that wants a sync while the flush of flush.ms runs gets the next one.
func TestAppendBesideAFlush(t *testing.T) {
	var client *testClient
	var h *harness
	h = flushing(t, func() error {
		client = h.connect()
		client.send(produceOf(9, -1, part{topic: "t", records: values("b").batch()}))
		return nil
	})
	for client == nil { // the flush is on its way
		h.quiet = true
		h.advance(10 * time.Millisecond)
		h.quiet = false
		h.runTasks()
	}
	if len(client.answers) != 1 {
		t.Fatal("no answer although nothing is under way any more")
	}
	if p := client.answers[0].(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.BaseOffset != 1 {
		t.Errorf("got error %d and offset %d, expected 0 and 1", p.ErrorCode, p.BaseOffset)
	}
}

// A flush that fails takes the partition offline, and all that waits is told.
func TestFailedFlushAnswersWhatWaits(t *testing.T) {
	var failed bool
	h := flushing(t, func() error {
		failed = true
		return vfs.ErrIO
	})
	c := h.connect()
	req := fetchOf(12, want{topic: "t", offset: 1})
	req.MaxWaitMillis = 3_600_000
	c.send(req)
	for !failed {
		h.advance(10 * time.Millisecond)
	}
	if len(c.answers) != 1 {
		t.Fatal("a fetch still waits on a partition that is offline")
	}
	if p := c.answers[0].(*kmsg.FetchResponse).Topics[0].Partitions[0]; p.ErrorCode != 56 {
		t.Errorf("got error %d, expected 56", p.ErrorCode)
	}
}

// Retention that meets a broken disk takes the partition offline, and all that waits is told.
func TestFailedRetentionAnswersWhatWaits(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 1, "segment.bytes", "1048576", "retention.ms", "1000")
	h.mustProduce("t", 0, values("a"))
	c := h.connect()
	req := fetchOf(12, want{topic: "t", offset: 1})
	req.MaxWaitMillis = 3_600_000
	c.send(req)
	failed := false
	faults.SetHook(func(op vfs.Op) vfs.Decision {
		if in("t-0/", vfs.OpWrite)(op) {
			failed = true
			return vfs.Decision{Err: vfs.ErrIO}
		}
		return vfs.Decision{}
	})
	for h.now.Mono < 1800*1e9 && !failed {
		h.advance(time.Minute)
	}
	if err := h.b.topics.partition("t", 0).offline(); !errors.Is(err, vfs.ErrIO) {
		t.Fatalf("got %v, expected a partition that is offline", err)
	}
	if len(c.answers) != 1 {
		t.Fatal("a fetch still waits on a partition that is offline")
	}
	if p := c.answers[0].(*kmsg.FetchResponse).Topics[0].Partitions[0]; p.ErrorCode != 56 {
		t.Errorf("got error %d, expected 56", p.ErrorCode)
	}
}

// What retention rolled becomes durable without another append: the recovery point goes on.
func TestRetentionLeavesNothingUnsynced(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1, "retention.ms", "1000")
	h.mustProduce("t", 0, values("a"))
	log := h.b.topics.partition("t", 0).log
	for i := 0; log.Start() == 0 && i < 60; i++ {
		h.advance(time.Minute)
	}
	if log.Start() != 1 || log.SyncWanted() || log.Synced() != 1 {
		t.Errorf("got a start at %d, synced up to %d, wants a sync: %v", log.Start(), log.Synced(), log.SyncWanted())
	}
}
