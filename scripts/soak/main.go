// Command soak puts a real broker under load for a long time, kills it again and again, and looks whether it keeps what
// it promised and whether it grows.
//
// Idempotent producers (franz-go, acks=all) append to four topics and readers follow them. "kept" and "ledger" keep
// everything; "trimmed" is small segments under size retention that is changed while the load runs, and DeleteRecords;
// "passing" is under time retention, with retention.ms, segment.ms and segment.bytes changed meanwhile. Other topics
// come and go.
//
// 200 members of 50 consumer groups read "ledger", and a third of the groups "passing" too: groups of one to eight,
// with all of Kafka's classic assignors, eager and cooperative, dynamic and static. Members join, leave, are killed
// (their network is cut: nobody hears of them again) and are stopped beyond their session, to go on as zombies with
// what they hold. They tell a ledger of all they do, and it judges as package ledger says: nothing is lost, and what is
// seen again is what nobody had committed. At the end the troubles cease; every group must then settle and commit the
// ends.
//
// Every so often the broker is killed (SIGKILL) and started again, and now and then stopped cleanly in between. Then
// all is read once more from the start, the broker is stopped, its directory is checked with "gregor log verify
// --deep", and the histories of the topics are judged as "gregor verify" does.
//
// Memory, open files and the log's size are sampled and drawn. Memory and open files must be flat: a line is fitted to
// what was sampled in the second half of the run, and what it rises by in that half may be a quarter of its middle and
// some room. The log's size is only told, since "kept" keeps everything.
//
// With -sabotage something between the members and the broker, or a member itself, does wrong on purpose: such a run
// must fail.
//
// The page's path is the last line on stdout. The exit code is 0 if everything holds, 1 if anything does not, and 2 for
// a wrong command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// nodeID is the broker's node id.
const nodeID = base.NodeID(1)

// options are the command line.
type options struct {
	length, endEvery   time.Duration
	producers, readers int
	partitions         int
	rate               int
	groups             int
	groupRate          int
	life, session      time.Duration
	sabotage           string
	out                string
}

// soak is one run.
type soak struct {
	options
	clock  chronicle.Clock
	broker *node.Node
	topics []*topic
	crowd  *crowd
	bin    string

	// cancel ends the run with the first thing that makes going on useless.
	cancel context.CancelCauseFunc

	mu struct {
		sync.Mutex
		// starting is true while there is no process to look at.
		starting bool
		samples  []sample
		ends     []end
		failures []string
	}
	reports   []*checker.Report
	logVerify string
	churned   int
	altered   int
	deleted   int
	// settled is how long the groups took to come to rest when all troubles had ended.
	settled time.Duration
}

// topic is one of the topics that are checked. Those with groups are read by the consumer groups.
type topic struct {
	name       string
	partitions int32
	configs    map[string]string
	trims      bool
	groups     bool
	book       *chronicle.Chronicle
	file       string
}

// end is how a process of the broker ended, and how long its successor took to be ready.
type end struct {
	at, ready time.Duration
	killed    bool
	started   time.Duration
}

func main() {
	s := &soak{}
	switch err := s.parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := s.run(ctx)
	stop()
	for _, f := range s.mu.failures {
		fmt.Fprintln(os.Stderr, "FAILED  ", f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || len(s.mu.failures) > 0 {
		os.Exit(1)
	}
}

// parse reads the command line.
func (s *soak) parse(args []string) error {
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&s.length, "for", 30*time.Minute, "how long the load lasts")
	f.DurationVar(&s.endEvery, "end-every", 30*time.Second, "how often the broker is ended and started again")
	f.IntVar(&s.producers, "producers", 8, "producers")
	f.IntVar(&s.readers, "readers", 2, "readers of each topic")
	f.IntVar(&s.partitions, "partitions", 6, "partitions of each topic that no group reads")
	f.IntVar(&s.rate, "rate", 600, "records a second to topics that no group reads; 0 is no limit")
	f.IntVar(&s.groups, "groups", 50, "consumer groups, of four members each on average")
	f.IntVar(&s.groupRate, "group-rate", 50, "records a second to the topics of the groups; every group sees all")
	f.DurationVar(&s.life, "life", time.Minute, "how long a member lives, about")
	f.DurationVar(&s.session, "session", 6*time.Second, "the session timeout of the groups")
	f.StringVar(&s.sabotage, "sabotage", sabotageNone, "none, skip (a member leaves a record out) or commit (some "+
		"commits are acknowledged and not passed on)")
	f.StringVar(&s.out, "out", filepath.Join("bin", "soak"), "`folder` for the page, the histories and the data")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || s.length <= 0 || s.endEvery <= 0 || s.producers < 1 || s.readers < 1 || s.partitions < 1 ||
		s.rate < 0 || s.groups < 1 || s.groupRate < 1 || s.life < time.Second || s.session < time.Millisecond {
		return fmt.Errorf("got arguments %q or a number below 1, expected flags alone", f.Args())
	}
	if !slices.Contains([]string{sabotageNone, sabotageSkip, sabotageCommit}, s.sabotage) {
		return fmt.Errorf("got sabotage %q, expected none, skip or commit", s.sabotage)
	}
	return nil
}

// run does everything.
func (s *soak) run(ctx context.Context) error {
	ctx, s.cancel = context.WithCancelCause(ctx)
	defer s.cancel(nil)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	defer s.broker.Close()
	if err := s.load(ctx); err != nil {
		_ = s.broker.Kill() // what failed says more
		return err
	}
	s.say("stopping the broker")
	if err := s.broker.Stop(); err != nil {
		return err
	}
	if err := s.judge(ctx); err != nil {
		return err
	}
	s.flat()
	page, err := s.writePage()
	if err != nil {
		return err
	}
	fmt.Println(page)
	return nil
}

// prepare builds gregor, starts it and makes the topics.
func (s *soak) prepare(ctx context.Context) error {
	out, err := filepath.Abs(s.out)
	if err != nil {
		return err
	}
	s.out, s.bin, s.clock = out, filepath.Join(out, "gregor"), chronicle.NewClock()
	if err := os.RemoveAll(filepath.Join(out, "data")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(out, "data"), 0o755); err != nil {
		return err
	}
	if err := node.Build(ctx, s.bin); err != nil {
		return err
	}
	s.broker, err = node.New(ctx, s.bin, filepath.Join(out, "data"), map[string]string{
		"auto.create.topics.enable":       "false",
		"log.retention.check.interval.ms": "1000",
		"file.delete.delay.ms":            "1000",
		// Enough for groups to begin whole; members join and leave all the time anyhow.
		"group.initial.rebalance.delay.ms": "500",
		"group.min.session.timeout.ms":     "1000",
		// So small that the coordinator's log is rewritten and trimmed again and again.
		"offsets.topic.num.partitions": "2",
		"offsets.topic.segment.bytes":  "1048576",
	})
	if err != nil {
		return err
	}
	started, err := s.broker.Start()
	if err != nil {
		return err
	}
	s.say("ready after %.0f ms; load for %v, an end every %v", started.Seconds()*1000, s.length, s.endEvery)
	s.topics = s.makeTopics()
	for _, t := range s.topics {
		t.file = filepath.Join(out, "history-"+t.name+".jsonl")
		t.book, err = chronicle.New(s.clock, t.file, history.Header{
			Source: "real", Class: "page-cache", Nodes: []base.NodeID{nodeID}, Trims: t.trims,
		})
		if err != nil {
			return err
		}
	}
	s.crowd = &crowd{
		broker: s.broker.Address, clock: s.clock, book: ledger.New(), plans: plans(s.groups, "ledger", "passing"),
		life: s.life, session: s.session, rebalance: 2 * s.session, sabotage: s.sabotage, fail: s.fail,
	}
	return s.createTopics(ctx)
}

// makeTopics returns the topics: first those that no group reads.
func (s *soak) makeTopics() []*topic {
	return []*topic{
		{name: "kept", partitions: int32(s.partitions), configs: map[string]string{
			"segment.bytes": "67108864", "retention.ms": "-1",
		}},
		{name: "trimmed", partitions: int32(s.partitions), trims: true, configs: map[string]string{
			"segment.bytes": "1048576", "retention.bytes": "2097152", "compression.type": "lz4",
		}},
		{name: "ledger", partitions: 12, groups: true, configs: map[string]string{"retention.ms": "-1"}},
		{name: "passing", partitions: 4, groups: true, trims: true, configs: map[string]string{
			"segment.ms": "5000", "retention.ms": "30000",
		}},
	}
}

// fail notes that something does not hold.
func (s *soak) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.failures = append(s.mu.failures, fmt.Sprintf(format, args...))
}

// say tells on stderr what happens.
func (s *soak) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%7.1f s  %s\n", s.clock.Now().Seconds(), strings.TrimSpace(fmt.Sprintf(format, args...)))
}
