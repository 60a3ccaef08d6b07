//go:build linux

// Command hostile sends a million mutated request frames at a running broker while a good client works.
//
// It builds gregor, or takes the binary that is named, starts it on a fresh directory, and opens connection after
// connection, many at a time, each with a pipeline of up to 12 frames: bits flipped, lengths cut, huge or negative,
// half frames followed by silence, unknown keys and versions, bodies of other versions, garbage, batches with a wrong
// CRC, magic or count, and decompression bombs. Frames count once the broker looked at them: those behind a frame for
// which it closed the connection are sent, but read by nobody. Every reply must be that to a frame, in order, and
// decode in its version.
//
// Meanwhile an idempotent producer with acks=all writes to a topic of its own, and a consumer compares every record.
//
// At the end the table of what became of the frames is printed, with the broker's memory, files and goroutines. It
// exits with 1 if the broker died, answered nonsense, took more memory than -max-rss, kept files or goroutines, or
// disturbed the good client.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// options are the flags.
type options struct {
	frames  int64
	workers int
	seed    uint64
	bin     string
	maxRSS  int64
	pause   time.Duration
}

func main() {
	var o options
	flag.Int64Var(&o.frames, "frames", 1_000_000, "how many frames the broker is to look at")
	flag.IntVar(&o.workers, "workers", 24, "how many connections at a time")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the mutations")
	flag.StringVar(&o.bin, "gregor", "", "the gregor binary; it is built if none is named")
	flag.Int64Var(&o.maxRSS, "max-rss", 512<<20, "the most memory that the broker may take, in bytes")
	flag.DurationVar(&o.pause, "pause", time.Millisecond, "between two records of the good client")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "gregor-hostile-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.bin == "" {
		o.bin = filepath.Join(dir, "gregor")
		if err := node.Build(ctx, o.bin); err != nil {
			return err
		}
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	n, err := node.New(alive, o.bin, dir, map[string]string{
		"auto.create.topics.enable": "false", "max.connections": "10000",
	})
	if err != nil {
		return err
	}
	defer n.Close()
	if _, err := n.Start(); err != nil {
		return err
	}
	r := &round{options: o, node: n}
	err = r.fight(ctx)
	if err != nil {
		err = fmt.Errorf("%w\nthe broker's last words:\n%s", err, tail(n.Log))
	}
	return err
}

// round is one run.
type round struct {
	options
	node   *node.Node
	attack *attack
	good   *good
	usage  usage
	took   time.Duration
}

// fight sends the frames and judges what became of the broker.
func (r *round) fight(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	var err error
	if r.good, err = newGood(r.node.Address); err != nil {
		return err
	}
	defer r.good.close()
	if err := r.send(ctx); err != nil {
		return err
	}
	if err := r.good.catchUp(ctx); err != nil {
		return err
	}
	if err := r.usage.settle(ctx, r.node.PID()); err != nil {
		return err
	}
	goroutines, err := r.goroutines()
	if err != nil {
		return err
	}
	r.print(os.Stdout, goroutines)
	if err := r.judge(goroutines); err != nil {
		return err
	}
	return r.restart(ctx)
}

// prepare creates the topics, those of groups too, and takes the templates from what the broker advertises.
func (r *round) prepare(ctx context.Context) error {
	if err := node.AwaitGroups(ctx, r.node.Address); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(r.node.Address))
	if err != nil {
		return err
	}
	defer client.Close()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.TimeoutMillis = 10_000
	create.Topics = []kmsg.CreateTopicsRequestTopic{
		{Topic: targetTopic, NumPartitions: 2, ReplicationFactor: 1},
		{Topic: goodTopic, NumPartitions: 1, ReplicationFactor: 1},
	}
	created, err := create.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	id := created.Topics[0].TopicID
	r.attack = &attack{
		address: r.node.Address, wanted: r.frames, world: templates(versions.ApiKeys, id), bombs: bombs(id),
	}
	return nil
}

// send runs the attack with the good client beside it.
func (r *round) send(ctx context.Context) error {
	working, stop := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	var errs [3]error
	beside := func(i int, work func() error) {
		group.Go(func() {
			if errs[i] = work(); errs[i] != nil {
				stop(errs[i])
			}
		})
	}
	if err := r.usage.begin(r.node.PID()); err != nil {
		stop(nil)
		return err
	}
	beside(0, func() error { return r.good.produce(working, r.pause) })
	beside(1, func() error { return r.good.consume(working) })
	beside(2, func() error { return r.usage.watch(working, r.node.PID()) })
	began := time.Now()
	err := r.attack.run(working, r.workers, r.seed)
	r.took = time.Since(began)
	stop(nil)
	group.Wait()
	return errors.Join(err, errors.Join(errs[:]...))
}
