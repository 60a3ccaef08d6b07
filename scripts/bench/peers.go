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

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
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
var errCold = errors.New("kafka was hardly under load")

// leastWarm is how many requests a second a Kafka answers of each row at least. The slowest of them, that of compressed
// batches, comes to thousands.
const leastWarm = 200

// warming are the rows that between them run what all others run too.
var warming = []string{"produce-64k", "produce-16k-lz4", "produce-tiny", "fetch-64k", "fetch-4k", "e2e-5k"}

// warmUp keeps each Kafka under load, of each row for as long, until it was for as long as asked for.
func (b *bench) warmUp(ctx context.Context) error {
	o := matrix.Options{Dir: b.dir}
	for _, p := range b.peers {
		if strings.HasPrefix(p.name, "kafka") {
			o.Peers = append(o.Peers, peer.Peer{Name: p.name, Address: p.address})
		}
	}
	each := b.warm / time.Duration(len(warming))
	least := int64(leastWarm * each.Seconds())
	for _, name := range warming {
		rows, err := matrix.Find(name)
		if err != nil {
			return err
		}
		answered, err := matrix.Warm(ctx, rows[0], o, each)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range o.Peers {
			fmt.Fprintf(os.Stderr, "%s: %d requests of %s in %v\n", p.Name, answered[p.Name], name, each)
			if answered[p.Name] < least {
				return fmt.Errorf("%w: %s answered %d requests of %s, expected %d", errCold, p.Name,
					answered[p.Name], name, least)
			}
		}
	}
	return nil
}
