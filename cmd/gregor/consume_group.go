package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// membership is a consumption as a member of a group. The client calls it from a goroutine of its own when partitions
// come and go, though never between a poll and what follows it.
type membership struct {
	*consumption
	command *cobra.Command
	// logs are the offsets of each topic when it began.
	logs map[string]*partitionLog

	mu sync.Mutex
	// assigned are the partitions that are this member's, and unread those of them that -e has still to read, with the
	// offset of their ends.
	assigned map[topicPartition]bool
	unread   map[topicPartition]int64
	// joined says that the group has given out partitions; told is what was said of that last.
	joined bool
	told   string
	failed error
	// wake ends a poll that waits.
	wake context.CancelFunc
}

// assignors are the ways to share partitions by Kafka's names.
var assignors = map[string]func() kgo.GroupBalancer{
	"range": kgo.RangeBalancer, "roundrobin": kgo.RoundRobinBalancer, "sticky": kgo.StickyBalancer,
	"cooperative-sticky": kgo.CooperativeStickyBalancer,
}

// groupOptions are the options of a client that is a member.
func (m *membership) groupOptions(topics []string) ([]kgo.Opt, error) {
	var balancers []kgo.GroupBalancer
	for _, name := range m.assignors {
		balancer, ok := assignors[name]
		if !ok {
			return nil, cli.Usagef("--assignors: got %q, expected %s", name,
				cli.Alternatives(slices.Sorted(maps.Keys(assignors))))
		}
		balancers = append(balancers, balancer())
	}
	options := append(fetchOptions(),
		kgo.ConsumerGroup(m.group), kgo.ConsumeTopics(topics...), kgo.Balancers(balancers...),
		kgo.ConsumeStartOffset(m.where.from.reset()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(commitInterval), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(m.gain), kgo.OnPartitionsRevoked(m.revoke), kgo.OnPartitionsLost(m.lose),
	)
	if m.instance != "" {
		options = append(options, kgo.InstanceID(m.instance))
	}
	return options, nil
}

// commitInterval is how often it is committed what was printed.
const commitInterval = time.Second

// reset returns the place as the client wants it.
func (p place) reset() kgo.Offset {
	switch p.kind {
	case atStart:
		return kgo.NewOffset().AtStart().Relative(p.n)
	case atEnd:
		return kgo.NewOffset().AtEnd().Relative(-p.n)
	case atTime:
		return kgo.NewOffset().AfterMilli(p.n)
	}
	return kgo.NewOffset().At(p.n)
}

// runGroup reads as a member.
func (f *consumption) runGroup(c *cobra.Command, topics []string) error {
	m := &membership{
		consumption: f, command: c, logs: map[string]*partitionLog{}, assigned: map[topicPartition]bool{},
		unread: map[topicPartition]int64{}, wake: func() {},
	}
	options, err := m.groupOptions(topics)
	if err != nil {
		return err
	}
	// The logs' ends are asked for by a client of its own, since the member joins as soon as there is one.
	if err := m.look(topics); err != nil {
		return err
	}
	client, err := f.client.client(c, options...)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	err = m.poll(c.Context(), client)
	if flushed := f.out.Flush(); err == nil {
		err = flushed
	}
	return errors.Join(err, m.leave(client))
}

// look asks for the offsets of the topics.
func (m *membership) look(topics []string) error {
	admin, ctx, end, err := m.client.admin(m.command)
	if err != nil {
		return err
	}
	defer end()
	for _, topic := range topics {
		log := &partitionLog{ctx: ctx, admin: admin, topic: topic}
		if err := log.load(); err != nil {
			return err
		}
		m.logs[topic] = log
	}
	return nil
}

// poll prints records until it is at its end, as consumption's does.
func (m *membership) poll(ctx context.Context, client *kgo.Client) error {
	for !m.enough() {
		limited, cancel := context.WithTimeout(ctx, patience)
		m.mu.Lock()
		m.wake = cancel
		m.mu.Unlock()
		fetches := client.PollFetches(limited)
		cancel()
		err := m.serve(ctx, client, fetches)
		client.AllowRebalance()
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil && m.count == 0 && !m.exit:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if m.exit && fetches.NumRecords() == 0 {
			if err := m.dropTrimmed(ctx, client); err != nil {
				return err
			}
		}
		if done, err := m.ended(); done || err != nil {
			return err
		}
	}
	return nil
}

// serve prints what came, and marks it for the next commit when that is done.
func (m *membership) serve(ctx context.Context, client *kgo.Client, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		var session *kgo.ErrGroupSession
		switch {
		case errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled):
		case errors.As(e.Err, &session) && rejoins(session.Err):
			cli.Notef(m.command, "gregor: group %s: joining again: %v", m.group, session.Err)
		case errors.As(e.Err, &session):
			return fmt.Errorf("group %s: %w", m.group, session.Err)
		default:
			return fmt.Errorf("consume %s partition %d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	var printed []*kgo.Record
	for it := fetches.RecordIter(); !it.Done() && !m.enough(); {
		r := it.Next()
		if err := m.write(r); err != nil {
			return err
		}
		printed = append(printed, r)
	}
	if err := m.out.Flush(); err != nil {
		return err
	}
	client.MarkCommitRecords(printed...)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range printed {
		at := topicPartition{r.Topic, r.Partition}
		if end, ok := m.unread[at]; ok && r.Offset >= end-1 {
			delete(m.unread, at)
		}
	}
	return nil
}

// rejoins reports an error after which the client tries once more, with reason.
func rejoins(err error) bool {
	for _, passing := range []error{
		kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.MemberIDRequired,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return kerr.IsRetriable(err)
}

// ended reports that -e is at its end: the group has given out partitions, and this member's are read.
func (m *membership) ended() (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.exit && m.joined && len(m.unread) == 0, m.failed
}

// dropTrimmed forgets what is to be read of partitions whose log begins beyond it by now: retention was faster.
func (m *membership) dropTrimmed(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, m.client.timeout)
	defer cancel()
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, slices.Sorted(maps.Keys(m.logs))...)
	if err != nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.unread, func(at topicPartition, end int64) bool {
		o, ok := starts.Lookup(at.topic, at.partition)
		return ok && o.Err == nil && o.Offset >= end
	})
	return nil
}

// leave commits what is printed and leaves the group.
func (m *membership) leave(client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.command.Context()), m.client.timeout)
	defer cancel()
	if err := client.CommitMarkedOffsets(ctx); err != nil {
		return fmt.Errorf("commit offsets of group %s: %w", m.group, err)
	}
	if err := client.LeaveGroupContext(ctx); err != nil {
		return fmt.Errorf("leave group %s: %w", m.group, err)
	}
	return nil
}

// tell says which partitions are this member's, if that has changed.
func (m *membership) tell() {
	partitions := map[string][]int32{}
	for at := range m.assigned {
		partitions[at.topic] = append(partitions[at.topic], at.partition)
	}
	var parts []string
	for _, topic := range slices.Sorted(maps.Keys(partitions)) {
		parts = append(parts, compactPartitions(topic, partitions[topic]))
	}
	text := "assigned " + strings.Join(parts, "; ")
	if parts == nil {
		text = "assigned no partitions"
	}
	if text != m.told {
		m.told = text
		cli.Notef(m.command, "gregor: group %s: %s", m.group, text)
	}
}

// gain takes partitions that the group has given to this member.
func (m *membership) gain(ctx context.Context, client *kgo.Client, gained map[string][]int32) {
	var unread map[topicPartition]int64
	var err error
	if m.exit {
		unread, err = m.findUnread(ctx, client, gained)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range gained {
		for _, p := range partitions {
			m.assigned[topicPartition{topic, p}] = true
		}
	}
	maps.Copy(m.unread, unread)
	m.joined = true
	if m.failed == nil {
		m.failed = err
	}
	m.tell()
	if m.exit && len(m.unread) == 0 || m.failed != nil {
		m.wake()
	}
}

// findUnread returns those partitions that the group has not read to the end that they had when this began.
func (m *membership) findUnread(
	ctx context.Context, client *kgo.Client, gained map[string][]int32,
) (map[topicPartition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, m.client.timeout)
	defer cancel()
	admin := kadm.NewClient(client)
	committed, err := admin.FetchOffsets(ctx, m.group)
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", m.group, err)
	}
	unread := map[topicPartition]int64{}
	for topic, partitions := range gained {
		log := m.logs[topic]
		log.ctx, log.admin = ctx, admin
		for _, p := range partitions {
			if !log.has(p) { // made after this began
				continue
			}
			at, err := log.offset(p, m.where.from)
			if err != nil {
				return nil, err
			}
			if o, ok := committed.Lookup(topic, p); ok && o.Err == nil && o.At >= 0 {
				at = o.At
			}
			if max(at, log.start(p)) < log.end(p) {
				unread[topicPartition{topic, p}] = log.end(p)
			}
		}
	}
	return unread, nil
}

// revoke gives partitions back that the group takes, with the offsets of what is printed.
func (m *membership) revoke(ctx context.Context, client *kgo.Client, revoked map[string][]int32) {
	ctx, cancel := context.WithTimeout(ctx, m.client.timeout)
	defer cancel()
	if err := client.CommitMarkedOffsets(ctx); err != nil && len(revoked) > 0 {
		cli.Notef(m.command, "gregor: group %s: commit offsets: %v", m.group, err)
	}
	m.lose(ctx, client, revoked)
}

// lose forgets partitions that are this member's no more.
func (m *membership) lose(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range lost {
		for _, p := range partitions {
			delete(m.assigned, topicPartition{topic, p})
			delete(m.unread, topicPartition{topic, p})
		}
	}
}
