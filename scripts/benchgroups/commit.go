//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	commitConnections = 32
	commitInFlight    = 8
	commitWindow      = 5 * time.Second
	topicName         = "bench"
)

// commitStudy measures how many offsets members commit a second, closed loop.
func (b *bench) commitStudy() *study {
	return &study{
		name: "commits", limit: 10 * time.Minute, seconds: int(commitWindow.Seconds()),
		rows: []*row{{
			name: "commits", unit: "commits/s", aim: aim{atLeast: 20_000, times: 5},
			what: fmt.Sprintf("offsets committed a second by %d members of groups of their own, with %d requests in "+
				"flight on a connection each, one partition a request, durability page-cache, over %v",
				commitConnections, commitInFlight, commitWindow),
		}},
		open: openCommits,
	}
}

// commits are the members that commit.
type commits struct {
	host       *host
	committers []*committer
}

var _ subject = (*commits)(nil)

// committer is a member with its OffsetCommit, made once: only the offset in it changes.
type committer struct {
	*member
	frame []byte
	at    int // of the offset in the frame
	want  []byte
	// sent and acked are the newest offsets.
	sent, acked int64
}

func openCommits(ctx context.Context, h *host) (subject, error) {
	r, err := h.start(ctx)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.createTopics(1, topicName); err != nil {
		return nil, err
	}
	if err := c.awaitLeaders(ctx, topicName, 1); err != nil {
		return nil, err
	}
	members, err := joinGroups(ctx, r.address, commitConnections, 1)
	if err != nil {
		closeAll(members)
		return nil, err
	}
	x := &commits{host: h}
	for _, m := range members {
		p, err := newCommitter(m)
		if err != nil {
			closeAll(members)
			return nil, err
		}
		x.committers = append(x.committers, p)
	}
	return x, nil
}

func (m *member) commitRequest(offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 8, m.group, m.id, m.generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topicName
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.LeaderEpoch = offset, 0
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// newCommitter makes the request and learns what it is answered.
func newCommitter(m *member) (*committer, error) {
	const mark = 0x0123456789abcdef
	p := &committer{member: m, sent: 1, acked: 1}
	p.frame = m.frame(m.commitRequest(mark))
	p.at = bytes.Index(p.frame, binary.BigEndian.AppendUint64(nil, mark))
	if p.at < 0 {
		return nil, errors.New("the offset is not found in the request")
	}
	binary.BigEndian.PutUint64(p.frame[p.at:], 1)
	if _, err := m.tcp.Write(p.frame); err != nil {
		return nil, err
	}
	var err error
	if p.want, err = m.receive(nil); err != nil {
		return nil, err
	}
	res := &kmsg.OffsetCommitResponse{Version: 8}
	if err := res.ReadFrom(p.want[lengthSize+1:]); err != nil {
		return nil, err
	}
	return p, codeError("commit", res.Topics[0].Partitions[0].ErrorCode)
}

// run commits until the end, and returns how many were answered between the two instants.
func (p *committer) run(from, to time.Time) (int64, error) {
	var out, room []byte
	ahead, counted := commitInFlight, int64(0)
	room = make([]byte, len(p.want))
	for {
		out = out[:0]
		for range ahead {
			p.sent++
			binary.BigEndian.PutUint64(p.frame[p.at:], uint64(p.sent))
			out = append(out, p.frame...)
		}
		if len(out) > 0 {
			if _, err := p.tcp.Write(out); err != nil {
				return counted, err
			}
		}
		// As many as have come are taken, and so many are sent again.
		for ahead = 0; ahead == 0 || p.in.Buffered() >= lengthSize+len(p.want); ahead++ {
			frame, err := p.receive(room)
			if err != nil {
				return counted, err
			}
			if !bytes.Equal(frame, p.want) {
				return counted, fmt.Errorf("%w: got %x for a commit, expected %x", errAnswer, frame, p.want)
			}
			p.acked++
		}
		now := time.Now()
		if now.After(from) && now.Before(to) {
			counted += int64(ahead)
		}
		if now.After(to) {
			return counted, p.drain(room)
		}
	}
}

// drain takes the answers to what is in flight.
func (p *committer) drain(room []byte) error {
	for p.acked < p.sent {
		frame, err := p.receive(room)
		if err != nil {
			return err
		}
		if !bytes.Equal(frame, p.want) {
			return fmt.Errorf("%w: got %x for a commit, expected %x", errAnswer, frame, p.want)
		}
		p.acked++
	}
	return nil
}

// check fetches the offset and holds it against the last one that was acknowledged.
func (p *committer) check() error {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version, req.Group = 7, p.group
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic, t.Partitions = topicName, []int32{0}
	req.Topics = append(req.Topics, t)
	res, err := p.ask(req)
	if err != nil {
		return err
	}
	if got := res.(*kmsg.OffsetFetchResponse).Topics[0].Partitions[0].Offset; got != p.acked {
		return fmt.Errorf("%w: got offset %d of %s, expected %d, which was acknowledged", errAnswer, got, p.group,
			p.acked)
	}
	return nil
}

// load runs all committers, and returns how many commits were answered between from and to.
func (x *commits) load(from, to time.Time) (int64, error) {
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		sum     int64
		failed  error
	)
	for _, p := range x.committers {
		workers.Go(func() {
			n, err := p.run(from, to)
			if err == nil {
				err = p.check()
			}
			mu.Lock()
			defer mu.Unlock()
			sum, failed = sum+n, errors.Join(failed, err)
		})
	}
	workers.Wait()
	return sum, failed
}

func (x *commits) warm(_ context.Context, d time.Duration) error {
	_, err := x.load(time.Now(), time.Now().Add(d))
	return err
}

func (x *commits) sample(context.Context) (s sample, err error) {
	from := time.Now().Add(500 * time.Millisecond)
	to := from.Add(commitWindow)
	before, err := cpuOf(x.host.now.pid)
	if err != nil {
		return s, err
	}
	client, all := cpuOfClient(), x.acked()
	n, err := x.load(from, to)
	if err != nil {
		return s, err
	}
	after, err := cpuOf(x.host.now.pid)
	client, all = cpuOfClient()-client, x.acked()-all
	s.figures = []float64{float64(n) / commitWindow.Seconds()}
	s.facts = []fact{
		{"cpu_us_per_commit", 1e6 * (after - before) / float64(all)},
		{"client_cpu_us_per_commit", 1e6 * client / float64(all)},
	}
	return s, err
}

// acked returns how many commits were acknowledged so far.
func (x *commits) acked() int64 {
	sum := int64(0)
	for _, p := range x.committers {
		sum += p.acked
	}
	return sum
}

func (x *commits) close() error {
	for _, p := range x.committers {
		p.close()
	}
	return nil
}
