package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/scripts/internal/member"
)

// A consumer of a group is a process of its own, so that it can be killed as processes are: this program, told so by
// its first argument. It reads until its stdin ends, then leaves. What it does it tells on stdout, a line each, before
// anything further happens:
//
//	assigned TOPIC PARTITION GENERATION
//	began TOPIC PARTITION OFFSET
//	saw TOPIC PARTITION FIRST NEXT LOGSTART
//	committing TOPIC PARTITION OFFSET
//	answered TOPIC PARTITION GENERATION true|false
//	gone TOPIC PARTITION HOW...

// consumerWord is the first argument of a consumer; broker, group, topic and session timeout follow.
const consumerWord = "consume-for-demo"

// Settings of the consumers. The session is as short as Kafka's defaults allow.
const (
	groupSession   = 6 * time.Second
	groupRebalance = 10 * time.Second
	commitEvery    = 250 * time.Millisecond
)

// consume is the whole of a consumer's process.
func consume(in io.Reader, out io.Writer, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("got %q, expected a broker, a group, a topic and a session timeout", args)
	}
	session, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	t := &teller{out: out}
	m, err := member.Join(member.Config{
		Broker: args[0], Group: args[1], Topics: args[2:3], Balancer: kgo.CooperativeStickyBalancer(),
		Session: session, Heartbeat: session / 6, Rebalance: groupRebalance, CommitRevoked: true,
		Options: []kgo.Opt{
			kgo.ClientID("demo-" + args[1]), kgo.FetchMaxWait(100 * time.Millisecond),
			kgo.FetchMaxPartitionBytes(1 << 20), kgo.FetchMaxBytes(8 << 20), kgo.MaxBufferedRecords(50_000),
		},
	}, t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in) // until whoever started this process closes it, or ends
		cancel()
	}()
	committed := time.Now()
	for ctx.Err() == nil {
		limited, done := context.WithTimeout(ctx, commitEvery)
		_, troubles := m.Poll(limited, 5000)
		done()
		for _, err := range troubles {
			fmt.Fprintln(os.Stderr, "consumer:", err)
		}
		if time.Since(committed) >= commitEvery {
			m.Commit(context.Background())
			committed = time.Now()
		}
		m.Release()
	}
	limited, done := context.WithTimeout(context.Background(), readPatience)
	defer done()
	m.Leave(limited)
	return t.err
}

// teller writes what a member does.
type teller struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

var _ member.Teller = (*teller)(nil)

func (t *teller) say(what string, tp base.TopicPartition, more ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintln(t.out, append([]any{what, tp.Topic, tp.Partition}, more...)...)
	if t.err == nil {
		t.err = err
	}
}

// Assigned implements member.Teller.
func (t *teller) Assigned(tp base.TopicPartition, generation int32) {
	t.say("assigned", tp, generation)
}

// Began implements member.Teller.
func (t *teller) Began(tp base.TopicPartition, offset int64) { t.say("began", tp, offset) }

// Saw implements member.Teller.
func (t *teller) Saw(tp base.TopicPartition, first, next, logStart int64) {
	t.say("saw", tp, first, next, logStart)
}

// Committing implements member.Teller.
func (t *teller) Committing(tp base.TopicPartition, offset int64) { t.say("committing", tp, offset) }

// Answered implements member.Teller.
func (t *teller) Answered(tp base.TopicPartition, generation int32, acknowledged bool) {
	t.say("answered", tp, generation, acknowledged)
}

// Gone implements member.Teller.
func (t *teller) Gone(tp base.TopicPartition, how string) { t.say("gone", tp, how) }

// retell tells another what a line says.
func retell(line string, to member.Teller) error {
	what, rest, _ := strings.Cut(line, " ")
	var tp base.TopicPartition
	var a, b, c int64
	var good bool
	var err error
	read := func(into ...any) bool {
		_, err = fmt.Sscan(rest, append([]any{&tp.Topic, &tp.Partition}, into...)...)
		return err == nil
	}
	switch what {
	case "assigned":
		if read(&a) {
			to.Assigned(tp, int32(a))
		}
	case "began":
		if read(&a) {
			to.Began(tp, a)
		}
	case "saw":
		if read(&a, &b, &c) {
			to.Saw(tp, a, b, c)
		}
	case "committing":
		if read(&a) {
			to.Committing(tp, a)
		}
	case "answered":
		if read(&a, &good) {
			to.Answered(tp, int32(a), good)
		}
	case "gone":
		words := strings.SplitN(rest, " ", 3)
		if read() && len(words) == 3 {
			to.Gone(tp, words[2])
		} else if err == nil {
			err = io.ErrUnexpectedEOF
		}
	default:
		return fmt.Errorf("got %q from a consumer, expected one of its words", line)
	}
	if err != nil {
		return fmt.Errorf("got %q from a consumer: %w", line, err)
	}
	return nil
}
