//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/peer"
)

const (
	heartbeatGroups   = 1000
	heartbeatMembers  = 2
	heartbeatInterval = 3 * time.Second
	heartbeatWindow   = 20 * time.Second
)

// heartbeatStudy measures what members cost that do nothing but tell that they live.
func (b *bench) heartbeatStudy() *study {
	return &study{
		name: "heartbeats", limit: 20 * time.Minute, seconds: int(heartbeatWindow.Seconds()), most: 3,
		rows: []*row{{
			name: "heartbeats", unit: "% of a core", aim: aim{atMost: 3},
			what: fmt.Sprintf("the broker's processor time over %v while %d groups of %d members, each with a "+
				"connection of its own, heartbeat every %v; gregor_floor_percent is what a Go server takes that reads "+
				"and answers the same frames at the same pace and does nothing else", heartbeatWindow, heartbeatGroups,
				heartbeatMembers, heartbeatInterval),
		}},
		open: b.openHeartbeats,
	}
}

// heartbeats are the members of all groups, and what reads their answers.
type heartbeats struct {
	pid     int
	members []*member
	frames  [][]byte
	readers sync.WaitGroup
	// floor is the same load on the least that can answer it, beside gregor alone; end stops that.
	floor *heartbeats
	end   func() error

	answered atomic.Int64
	failure  atomic.Pointer[error]
}

var _ subject = (*heartbeats)(nil)

func (b *bench) openHeartbeats(ctx context.Context, h *host) (subject, error) {
	r, err := h.start(ctx)
	if err != nil {
		return nil, err
	}
	x := &heartbeats{pid: r.pid}
	c, err := dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.createTopics(heartbeatMembers, topicName); err != nil {
		return nil, err
	}
	if x.members, err = joinGroups(ctx, r.address, heartbeatGroups, heartbeatMembers); err != nil {
		closeAll(x.members)
		return nil, err
	}
	if h.name == gregorName {
		if x.floor, err = openFloor(ctx, b.gregor, b.dir, x.members); err != nil {
			closeAll(x.members)
			return nil, err
		}
	}
	x.begin()
	return x, nil
}

// openFloor starts the raw loop that answers each frame and does nothing else, and has as many connections to it, for
// the same frames.
func openFloor(ctx context.Context, gregor, dir string, members []*member) (*heartbeats, error) {
	i, err := peer.Peer{Name: "floor", Command: func(_, address string) ([]string, error) {
		return []string{gregor, "bench", "loop", "--kind", string(limit.Discard), "--address", address}, nil
	}}.Start(ctx, dir)
	if err != nil {
		return nil, err
	}
	x := &heartbeats{pid: i.PID(), end: i.End}
	for _, m := range members {
		c, err := dial(ctx, i.Address)
		if err != nil {
			return nil, errors.Join(err, x.close())
		}
		x.members = append(x.members, &member{conn: c, group: m.group, id: m.id, generation: m.generation})
	}
	x.begin()
	return x, nil
}

// begin prepares the members' frames and reads what is answered to them.
func (x *heartbeats) begin() {
	for _, m := range x.members {
		x.frames = append(x.frames, slices.Clone(m.frame(m.heartbeatRequest())))
		x.readers.Go(func() { x.fail(x.read(m)) })
	}
}

// fail keeps the first error of a connection that was not closed from here.
func (x *heartbeats) fail(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		x.failure.CompareAndSwap(nil, &err)
	}
}

// read takes the answers of one member.
func (x *heartbeats) read(m *member) error {
	const offError = 4 + 1 + 4 // behind correlation id, tags and throttle time
	var room [64]byte
	for {
		frame, err := m.receive(room[:])
		if err != nil {
			return err
		}
		if len(frame) < offError+2 {
			return fmt.Errorf("%w: got a heartbeat's answer of %d bytes", errAnswer, len(frame))
		}
		if err := codeError("heartbeat", int16(binary.BigEndian.Uint16(frame[offError:]))); err != nil {
			return err
		}
		x.answered.Add(1)
	}
}

// pace has all members heartbeat at an interval, evenly spread, for a time, and returns how many were sent.
func (x *heartbeats) pace(ctx context.Context, interval, d time.Duration) (int64, error) {
	start, step := time.Now(), interval/time.Duration(len(x.members))
	total := int64(d / step)
	for i := range total {
		time.Sleep(time.Until(start.Add(time.Duration(i) * step)))
		at := int(i % int64(len(x.members)))
		if _, err := x.members[at].tcp.Write(x.frames[at]); err != nil {
			return i, err
		}
		if err := x.failure.Load(); err != nil {
			return i, *err
		}
		if err := ctx.Err(); err != nil {
			return i, err
		}
	}
	return total, nil
}

func (x *heartbeats) warm(ctx context.Context, d time.Duration) error {
	_, err := x.pace(ctx, heartbeatInterval/5, d)
	return err
}

func (x *heartbeats) sample(ctx context.Context) (s sample, err error) {
	// The first moments find what slept.
	if _, err := x.pace(ctx, heartbeatInterval, time.Second); err != nil {
		return s, err
	}
	before, err := cpuOf(x.pid)
	if err != nil {
		return s, err
	}
	answered, start := x.answered.Load(), time.Now()
	sent, err := x.pace(ctx, heartbeatInterval, heartbeatWindow)
	if err != nil {
		return s, err
	}
	took := time.Since(start)
	after, err := cpuOf(x.pid)
	got := x.answered.Load() - answered
	if got < sent-int64(len(x.members)) {
		err = errors.Join(err, fmt.Errorf("%w: got %d answers to %d heartbeats", errAnswer, got, sent))
	}
	s.figures = []float64{100 * (after - before) / took.Seconds()}
	s.facts = []fact{
		{"heartbeats_per_s", float64(got) / took.Seconds()},
		{"cpu_us_per_heartbeat", 1e6 * (after - before) / float64(max(got, 1))},
	}
	if err == nil && x.floor != nil {
		var least sample
		least, err = x.floor.sample(ctx)
		if err == nil {
			s.facts = append(s.facts, fact{"floor_percent", least.figures[0]})
		}
	}
	return s, err
}

func (x *heartbeats) close() error {
	closeAll(x.members)
	x.readers.Wait()
	var err error
	if x.end != nil {
		err = x.end()
	}
	if x.floor != nil {
		err = errors.Join(err, x.floor.close())
	}
	return err
}
