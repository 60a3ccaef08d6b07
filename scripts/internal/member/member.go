// Package member is a member of a consumer group that tells somebody of all it does: what it was assigned, where it was
// told to begin, what it saw, what it commits and what became of that. It is franz-go's client with manual commits,
// used as careful applications use it: no partition is taken away between a poll and the end of what is done with it.
//
//	m, err := member.Join(config, teller)
//	for ... {
//		n, troubles := m.Poll(ctx, 500) // tells what it saw
//		m.Commit(ctx)                   // or not, or later
//		m.Release()                     // partitions may be taken away from here on
//	}
//	m.Leave()                               // or m.Drop("killed"), after its network is cut
//
// One thing the client leaves to its user. If a group forgets a member that is just about to rejoin (it was stopped for
// too long, say), and the assignor is cooperative, then the client joins as a new member and keeps the partitions that
// it had, which others hold by then. A commit of theirs would pass as one of the new member and put the group back. So
// no commit is sent in the name of another member than the one that was assigned the partitions, and the member is
// Stale: it should leave.
package member

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// Teller is told what a member does. A ledger's Account is one.
type Teller interface {
	// Assigned is told before the member asks where to begin.
	Assigned(tp base.TopicPartition, generation int32)
	// Began is told the committed offset, negative if there is none.
	Began(tp base.TopicPartition, offset int64)
	// Saw is told of records with consecutive offsets, before any commit of them.
	Saw(tp base.TopicPartition, first, next, logStart int64)
	// Committing is told before a commit is sent.
	Committing(tp base.TopicPartition, offset int64)
	// Answered is told what became of the last one. It is not told of a commit whose fate nobody knows.
	Answered(tp base.TopicPartition, generation int32, acknowledged bool)
	// Gone is told when a partition is no longer held.
	Gone(tp base.TopicPartition, how string)
}

// Config says what kind of member it is.
type Config struct {
	Broker, Group string
	// Instance is the name of a static member, "" for a dynamic one.
	Instance string
	Topics   []string
	Balancer kgo.GroupBalancer
	// Session, Heartbeat and Rebalance are the member's timeouts.
	Session, Heartbeat, Rebalance time.Duration
	// CommitRevoked says whether it commits what it saw when partitions are taken away and when it leaves.
	CommitRevoked bool
	// Dial makes connections, nil for plain ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Check looks at every record, nil if nobody does.
	Check func(*kgo.Record)
	// Skip is asked for every record, and leaves it unseen if it says so: how a member is made to fail. nil skips none.
	Skip func(*kgo.Record) bool
	// Options are further ones of the client.
	Options []kgo.Opt
}

// Member is a member of a group. But for Troubles, its methods belong to one goroutine.
type Member struct {
	config Config
	tell   Teller
	client *kgo.Client

	mu struct {
		sync.Mutex
		holds map[base.TopicPartition]*hold
		// dead is set when the member counts as gone, leaving while it leaves, stale when the group forgot it while it
		// kept what it holds.
		dead, leaving, stale bool
	}
}

// hold is a partition that the member holds: as whom, the next offset that it will see, and the one that is committed.
type hold struct {
	as              string
	next, committed int64
}

// errStale reports a commit that would be sent in another's name.
var errStale = errors.New("the member was given its partitions under another name")

// Join makes a member. It joins its group in the background.
func Join(c Config, tell Teller) (*Member, error) {
	m := &Member{config: c, tell: tell}
	m.mu.holds = make(map[base.TopicPartition]*hold)
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Broker), kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topics...),
		kgo.Balancers(c.Balancer),
		kgo.SessionTimeout(c.Session), kgo.HeartbeatInterval(c.Heartbeat), kgo.RebalanceTimeout(c.Rebalance),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(m.assigned), kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.lost),
		kgo.AdjustFetchOffsetsFn(m.began),
	}
	if c.Instance != "" {
		options = append(options, kgo.InstanceID(c.Instance))
	}
	if c.Dial != nil {
		options = append(options, kgo.Dialer(c.Dial))
	}
	var err error
	m.client, err = kgo.NewClient(append(options, c.Options...)...)
	return m, err
}

// Poll waits for records until ctx ends, takes them in, and returns how many they were and what the client ran into
// meanwhile, which passes by itself or does not. No partition is taken away until Release.
func (m *Member) Poll(ctx context.Context, most int) (int, []error) {
	fetches, n := m.client.PollRecords(ctx, most), 0
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { n += m.take(&p) })
	var troubles []error
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) && !errors.Is(e.Err, context.Canceled) {
			troubles = append(troubles, e.Err)
		}
	}
	return n, troubles
}

// take tells of the records of one partition.
func (m *Member) take(p *kgo.FetchTopicPartition) int {
	tp, n := base.TopicPartition{Topic: p.Topic, Partition: p.Partition}, 0
	first, next := int64(-1), int64(-1)
	flush := func() {
		if first >= 0 {
			m.tell.Saw(tp, first, next, p.LogStartOffset)
		}
		first = -1
	}
	for _, r := range p.Records {
		if m.config.Check != nil {
			m.config.Check(r)
		}
		if m.config.Skip != nil && m.config.Skip(r) {
			continue
		}
		if first < 0 || r.Offset != next {
			flush()
			first = r.Offset
		}
		next = r.Offset + 1
		n++
	}
	flush()
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.mu.holds[tp]; h != nil && next >= 0 {
		h.next = next
	}
	return n
}

// Release lets partitions be taken away.
func (m *Member) Release() { m.client.AllowRebalance() }

// Commit commits all that was seen and is not committed, and waits for the answer. It reports whether nothing is left.
func (m *Member) Commit(ctx context.Context) bool {
	m.mu.Lock()
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for tp, h := range m.mu.holds {
		if h.next <= h.committed || m.mu.dead {
			continue
		}
		if offsets[tp.Topic] == nil {
			offsets[tp.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: h.next}
		m.tell.Committing(tp, h.next)
	}
	m.mu.Unlock()
	if len(offsets) == 0 {
		return true
	}
	ctx = kgo.PreCommitFnContext(ctx, m.own)
	whole := false
	m.client.CommitOffsetsSync(ctx, offsets,
		func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			whole = err == nil && m.answered(req, resp)
		})
	return whole
}

// own makes sure that a commit is sent by whom the partitions were assigned to.
func (m *Member) own(req *kmsg.OffsetCommitRequest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.mu.holds {
		if h.as != req.MemberID {
			m.mu.stale = true
			return errStale
		}
	}
	return nil
}

// Stale reports whether the group has forgotten the member while it kept what it holds.
func (m *Member) Stale() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.stale
}

// answered tells what became of a commit, and reports whether all of it was acknowledged.
func (m *Member) answered(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse) bool {
	sent := make(map[base.TopicPartition]int64)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			sent[base.TopicPartition{Topic: t.Topic, Partition: p.Partition}] = p.Offset
		}
	}
	whole := true
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			tp, good := base.TopicPartition{Topic: t.Topic, Partition: p.Partition}, p.ErrorCode == 0
			if h := m.mu.holds[tp]; h != nil && good {
				h.committed = max(h.committed, sent[tp])
			}
			whole = whole && good
			m.tell.Answered(tp, req.Generation, good)
			delete(sent, tp)
		}
	}
	return whole && len(sent) == 0
}

// Leave leaves the group, after a commit if the member does that, and ends the client. A static member does not leave,
// it ends.
func (m *Member) Leave(ctx context.Context) {
	m.mu.Lock()
	m.mu.leaving = true
	m.mu.Unlock()
	m.client.AllowRebalance()
	_ = m.client.LeaveGroupContext(ctx) // the session ends it, if the broker does not hear of it
	m.client.CloseAllowingRebalance()
	m.end("left")
}

// Drop ends the client without a word to the group. What it says nevertheless must not reach the broker: the caller has
// cut its network.
func (m *Member) Drop(how string) {
	m.mu.Lock()
	m.mu.dead = true
	m.mu.Unlock()
	m.end(how)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m.client.AllowRebalance()
	_ = m.client.LeaveGroupContext(ended)
	m.client.CloseAllowingRebalance()
}

// end tells that nothing is held any more.
func (m *Member) end(how string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for tp := range m.mu.holds {
		m.tell.Gone(tp, how)
	}
	clear(m.mu.holds)
	m.mu.dead = true
}
