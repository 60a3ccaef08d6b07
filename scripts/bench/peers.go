//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/kafka"
)

// running is a peer that was started.
type running struct {
	name, address string
	end           func() error
}

// properties are what each Kafka is given beside its defaults: a node alone, whose files go at once when their topic
// goes.
var properties = map[string]string{
	"log.segment.delete.delay.ms": "0", "offsets.topic.replication.factor": "1",
	"transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
}

// tuning is what an operator changes for a machine of two cores with memory to spare: no more threads than do work at
// once, sockets whose buffers the kernel sizes, and a heap that is seldom collected. When data is flushed stays as it
// is: that would be another durability class.
var tuning = map[string]string{
	"num.network.threads": "2", "num.io.threads": "4", "num.recovery.threads.per.data.dir": "2",
	"socket.send.buffer.bytes": "-1", "socket.receive.buffer.bytes": "-1",
}

const tunedHeap = "4g"

// start starts Kafka, and what else was asked for.
func (b *bench) start(ctx context.Context, tuned, memory bool) error {
	if err := b.startKafka(ctx, "kafka", kafka.DefaultHeap, properties); err != nil {
		return err
	}
	if tuned {
		all := maps.Clone(properties)
		maps.Copy(all, tuning)
		if err := b.startKafka(ctx, "kafka-tuned", tunedHeap, all); err != nil {
			return err
		}
	}
	if memory {
		return b.startKfake(ctx)
	}
	return nil
}

func (b *bench) startKafka(ctx context.Context, name, heap string, with map[string]string) error {
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	p, err := kafka.StartHeap(ctx, b.libs, dir, heap, with)
	if err != nil {
		return err
	}
	b.peers = append(b.peers, running{name, p.Address, p.Kill})
	return nil
}

// startKfake builds and starts the broker in memory.
func (b *bench) startKfake(ctx context.Context) error {
	file := filepath.Join(b.dir, "kfake")
	build := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/gregor-log/gregor/scripts/peers/kfake")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build kfake: %w\n%s", err, text)
	}
	i, err := peer.Peer{Name: "kfake", Command: func(_, address string) ([]string, error) {
		return []string{file, "-address", address}, nil
	}}.Start(ctx, b.dir)
	if err != nil {
		return err
	}
	b.peers = append(b.peers, running{i.Name, i.Address, i.End})
	return nil
}

// end ends all peers.
func (b *bench) end() error {
	var err error
	for _, p := range b.peers {
		err = errors.Join(err, p.end())
	}
	return err
}

// errCold reports a Kafka that could not be warmed.
var errCold = errors.New("kafka was not under load for long enough")

// warming are the rows that run what all others run too, and take little time.
var warming = []string{"produce-64k", "produce-16k-lz4", "produce-tiny", "fetch-64k", "fetch-4k", "e2e-20k"}

// warmUp measures until the samples of each Kafka add up to half a minute.
func (b *bench) warmUp(ctx context.Context) error {
	const enough, most = 30 * time.Second, 50
	load := make(map[string]time.Duration)
	for i := range most {
		out := filepath.Join(b.dir, fmt.Sprintf("warm-%d", i))
		if err := b.call(ctx, b.bench(warming, out, b.warm)...); err != nil && !b.noisy(err) {
			return err
		}
		r, err := result.ReadRun(out)
		if err != nil {
			return err
		}
		warm := true
		for _, p := range b.peers {
			if !strings.HasPrefix(p.name, "kafka") {
				continue
			}
			more := sampled(r, p.name)
			load[p.name] += more
			if more == 0 {
				return fmt.Errorf("%w: no row has a sample of %s after %v", errCold, p.name, load[p.name])
			}
			warm = warm && load[p.name] >= enough
		}
		if warm {
			return nil
		}
	}
	return fmt.Errorf("%w: got %v in %d runs, expected %v each", errCold, load, most, enough)
}

// sampled returns for how long a peer was measured.
func sampled(r *result.Run, name string) time.Duration {
	var seconds float64
	for _, m := range r.Rows {
		if s := m.Side(name); s != nil {
			for _, x := range s.Samples {
				seconds += x.Elapsed
			}
		}
	}
	return time.Duration(seconds * float64(time.Second))
}
