package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A connection that is closed for cause says all it owes first, also what waits: its client asked for that before it
// erred. Nothing behind the request that is refused is served.
func TestHangUpComesAfterEarlierReplies(t *testing.T) {
	for _, test := range []struct {
		name string
		bad  func(*testClient)
	}{
		{"unsupported request", func(c *testClient) { c.sendFrame(rawFrame(999, 0, 9, noClientID...)) }},
		{"malformed request", func(c *testClient) { c.sendFrame([]byte{0, 3}) }},
		{"failed produce without acks", func(c *testClient) {
			c.send(produceOf(9, 0, part{topic: "nowhere", records: values("b").batch()}))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("t", 1, "flush.messages", "1")
			h.quiet = true
			c := h.connect()
			c.send(produceOf(9, -1, part{topic: "t", records: values("a").batch()}))
			metadata := kmsg.NewPtrMetadataRequest()
			metadata.SetVersion(9)
			c.send(metadata)
			test.bad(c)
			c.sendFrame(rawFrame(18, 0, 10, noClientID...))
			if c.hungUp || len(c.answers) > 0 {
				t.Fatalf("got %d answers before the sync, closed: %v", len(c.answers), c.hungUp)
			}
			h.runTasks()
			if !c.hungUp || len(c.answers) != 2 {
				t.Fatalf("got %d answers after the sync, expected 2, closed: %v", len(c.answers), c.hungUp)
			}
			if p := c.answers[0].(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 {
				t.Errorf("got error %d, expected none", p.ErrorCode)
			}
		})
	}
}

// A connection is named once to be closed, and not at all if it has ended before its turn.
func TestHangUpIsSaidOnce(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1, "flush.messages", "1")
	h.quiet = true
	for _, ended := range []bool{false, true} {
		c := h.connect()
		c.send(produceOf(9, -1, part{topic: "t", records: values("a").batch()}))
		c.sendFrame(rawFrame(999, 0, 9, noClientID...))
		if ended {
			c.close()
		}
		closes, want := 0, 1
		if ended {
			want = 0
		}
		for len(h.tasks) > 0 {
			task := h.tasks[0]
			h.tasks = h.tasks[1:]
			task.Run()
			h.b.Step(h.now, Input{Kind: TaskDone, Task: task}, &h.effects)
			closes += len(h.effects.Close)
			h.carryOut()
		}
		if closes != want {
			t.Errorf("ended before: %v: named %d times, expected %d", ended, closes, want)
		}
	}
}
