package world

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/netsim/clock"
)

// asker asks for metadata again and again, over one connection to node 0, and once in a while for its topic to be made
// or deleted.
type asker struct {
	c                             *Client
	pause                         time.Duration
	asked, answered, lost, opened int
	seconds                       int
}

func newAsker(w *World, pause time.Duration) *asker {
	a := &asker{pause: pause}
	a.c = w.NewClient(a)
	a.c.WakeIn(time.Millisecond)
	return a
}

// Wake connects or asks.
func (a *asker) Wake() {
	if !a.c.Connection(0) {
		a.c.Connect(0, time.Second)
	} else if a.c.Pending(0) < 3 {
		a.asked++
		a.c.Ask(0, a.next(), int64(a.asked), 2*time.Second, true)
	}
	a.c.WakeIn(a.pause)
}

func (a *asker) next() kmsg.Request {
	if a.asked%50 > 0 {
		req := kmsg.NewPtrMetadataRequest()
		req.SetVersion(12)
		return req
	}
	name := a.c.Name()
	if a.asked%100 > 0 {
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.SetVersion(5)
		req.TopicNames = []string{name}
		return req
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.SetVersion(7)
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	req.Topics = append(req.Topics, topic)
	return req
}

// Second counts.
func (a *asker) Second() { a.seconds++ }

// Connected counts.
func (a *asker) Connected(int) { a.opened++ }

// Answered counts.
func (a *asker) Answered(*Request, kmsg.Response) { a.answered++ }

// Lost counts.
func (a *asker) Lost(*Request) { a.lost++ }

// Disconnected lets the timer connect again.
func (a *asker) Disconnected(int) {}

// small is a world of one node and three askers with a schedule.
func small(t *testing.T, change func(o *Options), faults ...Fault) (*World, []*asker) {
	t.Helper()
	o := Options{
		Seed: 3, Faults: faults,
		Nodes: []NodeOptions{{
			ID: 1, SyncMin: time.Millisecond, SyncMean: 2 * time.Millisecond, OpenFiles: 8, MostRequests: 100,
			Clock: clock.New(0, 0, 0),
			Properties: []config.KV{
				{Name: "log.flush.offset.checkpoint.interval.ms", Value: "50"},
				{Name: "replica.high.watermark.checkpoint.interval.ms", Value: "50"},
				{Name: "log.initial.task.delay.ms", Value: "10"},
			},
		}},
		Net: Net{Min: time.Millisecond, Mean: time.Millisecond, Split: 100, Window: 4096},
	}
	if change != nil {
		change(&o)
	}
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var askers []*asker
	for range 3 {
		askers = append(askers, newAsker(w, 5*time.Millisecond))
	}
	return w, askers
}

// TestQuietWorld has everything answered where nothing fails, and nothing open after a clean stop.
func TestQuietWorld(t *testing.T) {
	w, askers := small(t, nil)
	w.Run(clock.Time(3 * time.Second))
	for i, a := range askers {
		if a.answered < 400 || a.lost != 0 || a.opened != 1 || a.seconds != 3 {
			t.Errorf("client %d: got %+v", i, a)
		}
		a.c.Disconnect(0)
	}
	n := w.Nodes()[0]
	if !n.Up() || n.ID() != 1 || n.Broker() == nil {
		t.Errorf("node: got up %v, id %d", n.Up(), n.ID())
	}
	n.Stop()
	w.Run(w.Now().Add(time.Second))
	if !n.Stopped() || w.Violation() != nil || n.Disk().OpenFiles() != 0 {
		t.Errorf("after a stop: got stopped %v, %v", n.Stopped(), w.Violation())
	}
	if s := w.Stats(); s.Restarts != 0 || s.Events == 0 || s.Answers > s.Requests ||
		w.Ledger().Counts().Inspections != 2 {
		t.Errorf("got %+v", s)
	}
}

// faultEvery is the time between two entries of everyFault.
const faultEvery = clock.Time(4 * time.Second)

// everyFault has one entry of each kind, apart from each other.
func everyFault() []Fault {
	var list []Fault
	for k := range faultKinds {
		f := Fault{At: clock.Time(k+1) * faultEvery, Kind: k, For: 300 * time.Millisecond, N: 1, M: 1000}
		switch k {
		case Slow:
			f.N = 2000
		case SlowSync, ClockSet:
			f.N = int64(time.Second)
		case ReadErrors, WriteErrors, SyncErrors, NoSpace:
			f.For = time.Second
		}
		list = append(list, f)
	}
	return list
}

// TestEveryFaultLands has each kind of fault strike, and the clients served again after each.
func TestEveryFaultLands(t *testing.T) {
	end := clock.Time(faultKinds+2) * faultEvery
	hashes := make(map[string]bool)
	for range 2 {
		var seconds []string
		w, askers := small(t, func(o *Options) {
			o.EachSecond = func(second int64, hash string, events uint64) {
				seconds = append(seconds, fmt.Sprint(second, hash, events))
			}
		}, everyFault()...)
		w.Run(end)
		if w.Violation() != nil {
			t.Fatal(w.Violation())
		}
		for k := range faultKinds {
			if k != Writeback && k != ReadErrors && w.Landed()[k.String()] == 0 {
				t.Errorf("%v did not strike: %v", k, w.Landed())
			}
		}
		if s := w.Stats(); s.Restarts < 5 || s.EpochBumps >= s.Restarts || s.EpochBumps == 0 {
			t.Errorf("got %+v, expected restarts, one of them after a clean stop", s)
		}
		w.Heal()
		before := askers[0].answered
		w.Run(end.Add(3 * time.Second))
		if askers[0].answered < before+50 || askers[0].lost == 0 || !w.Nodes()[0].Up() {
			t.Errorf("after healing: got %d answers, %d before, %d lost", askers[0].answered, before, askers[0].lost)
		}
		hashes[fmt.Sprint(w.Hash(), seconds)] = true
	}
	if len(hashes) != 1 {
		t.Error("got two traces of one world")
	}
}

// TestLies has brokers and worlds do what they must not: each must be found.
func TestLies(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"wrong-answer": func(o *Options) {
			o.Hooks.Reply = func(_ *Node, p []byte) { binary.BigEndian.PutUint32(p[4:], 1<<30) }
		},
		"bad-frame": func(o *Options) {
			o.Hooks.Reply = func(_ *Node, p []byte) { binary.BigEndian.PutUint32(p, 1<<31) }
		},
		"bad-answer": func(o *Options) {
			o.Hooks.Reply = func(_ *Node, p []byte) { clear(p[9:]); p[13] = 0xff }
		},
		"unasked-answer": func(o *Options) { o.Hooks.Frame = func(*Node, []byte) int { return 2 } },
	} {
		w, _ := small(t, change)
		w.Run(clock.Time(time.Second))
		if v := w.Violation(); v == nil || v.Name != name {
			t.Errorf("%s: got %v", name, v)
		} else if v.Error() == "" || v.At == 0 {
			t.Errorf("%s: got %q at %d", name, v.Error(), v.At)
		}
	}
}

// TestOracleKnowsTheCodes has an API answer codes that it must not give, or not without a cause.
func TestOracleKnowsTheCodes(t *testing.T) {
	for _, row := range []struct {
		code int16
		want string
	}{{0, ""}, {3, ""}, {56, "error-code"}, {7, "error-code"}, {-1, "error-code"}, {250, "error-code"}} {
		w, askers := small(t, nil)
		res := kmsg.NewPtrMetadataResponse()
		res.SetVersion(12)
		topic := kmsg.NewMetadataResponseTopic()
		name := "t"
		topic.Topic, topic.ErrorCode = &name, row.code
		res.Topics = append(res.Topics, topic)
		frame := res.AppendTo([]byte{0, 0, 0, 9, 0})
		c := askers[0].c
		c.answers[kmsg.Metadata] = kmsg.NewPtrMetadataResponse()
		r := &Request{Key: int16(kmsg.Metadata), Version: 12, Correlation: 9, Fence: Fence{node: w.nodes[0]}}
		got := ""
		if w.oracle.decode(c, r, frame) == nil {
			t.Errorf("code %d: got no answer: %v", row.code, w.Violation())
		}
		if v := w.Violation(); v != nil {
			got = v.Name
		}
		if got != row.want {
			t.Errorf("code %d: got %q, expected %q", row.code, got, row.want)
		}
	}
}

// TestHooksOfANode has a process that keeps what it should give back, and one that is not told of its tasks' ends.
func TestHooksOfANode(t *testing.T) {
	starts := 0
	w, _ := small(t, func(o *Options) {
		o.Hooks.Start = func(*Node) { starts++ }
		o.Event = func(h Happening) {
			if h.Node != base.NodeID(1) || h.Kind == "" {
				t.Errorf("got %+v", h)
			}
		}
	}, Fault{At: clock.Time(time.Second), Kind: Kill, For: time.Millisecond})
	w.Run(clock.Time(2 * time.Second))
	if starts != 1 || w.Violation() != nil {
		t.Errorf("got %d starts, %v", starts, w.Violation())
	}
	w.Nodes()[0].Kill()
	if !w.Nodes()[0].Stopped() {
		t.Error("a killed node runs")
	}
	w.Nodes()[0].Start()
	w.Run(clock.Time(3 * time.Second))
	if !w.Nodes()[0].Up() {
		t.Error("a started node does not run")
	}
	w.Violate("mine", "detail %d", 7)
	w.Violate("second", "x")
	if v := w.Violation(); v.Name != "mine" || v.Detail != "detail 7" {
		t.Errorf("got %v, expected the first one", v)
	}
}
