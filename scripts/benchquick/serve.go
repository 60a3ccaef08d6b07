//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync/atomic"

	"github.com/magiconair/properties"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// serveArg makes this program a server that another process of it measures:
//
//	benchquick serve broker -c FILE     gregor's broker, with counters and profiles
//	benchquick serve raw -kind ...      a raw loop
//
// It ends with its standard input, and answers each line there with its counters as one line of JSON.
const serveArg = "serve"

// errServe reports arguments of serve that say nothing.
var errServe = errors.New("serve what?")

func serve(ctx context.Context, args []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	switch {
	case len(args) > 0 && args[0] == "broker":
		return serveBroker(ctx, args[1:])
	case len(args) > 0 && args[0] == "raw":
		return serveRaw(ctx, cancel, args[1:])
	}
	return fmt.Errorf("%w: got %q, expected broker or raw", errServe, args)
}

// serveRaw runs a raw loop.
func serveRaw(ctx context.Context, cancel func(), args []string) error {
	var o limit.Options
	flags := flag.NewFlagSet("raw", flag.ContinueOnError)
	address := flags.String("address", "", "address to listen on")
	flags.StringVar((*string)(&o.Kind), "kind", "", "which loop")
	flags.StringVar(&o.Dir, "dir", "", "folder for files")
	flags.Int64Var(&o.FileBytes, "file-bytes", segmentBytes, "size of a file")
	flags.StringVar(&o.Source.Path, "source", "", "file to send from")
	flags.StringVar(&o.Source.Topic, "topic", topicName, "topic that responses name")
	flags.Int64Var(&o.Source.BatchBytes, "batch-bytes", 0, "size of each batch in source")
	flags.Int64Var(&o.Source.BatchRecords, "batch-records", 0, "records of each batch in source")
	flags.Int64Var(&o.Source.SpanBytes, "span-bytes", 0, "bytes to send a request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := limit.Serve(ctx, *address, o)
	if err != nil {
		return err
	}
	answer(func() counters { return counters{} })
	cancel()
	s.Wait()
	return nil
}

// answer answers questions until the input ends.
func answer(count func() counters) {
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		if err := out.Encode(count()); err != nil {
			return
		}
	}
}

// serveBroker runs gregor's broker from a properties file, as gregor broker does, on a file system that counts syncs.
func serveBroker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	file := flags.String("c", "", "properties file")
	profile := flags.String("profile", "", "folder and prefix for profiles")
	counting := flags.Bool("count-syncs", false, "count syncs of .log files; spans are then sent through memory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg, err := readConfig(*file)
	if err != nil {
		return err
	}
	var syncs atomic.Int64
	files := vfs.NewOS()
	if *counting {
		files = vfs.NewFaults(files, func(op vfs.Op) vfs.Decision {
			if op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, ".log") {
				syncs.Add(1)
			}
			return vfs.Decision{}
		})
	}
	end, err := startProfile(*profile)
	if err != nil {
		return err
	}
	const openFiles = 8192
	s, err := server.Start(ctx, server.Options{
		Config: cfg, FS: files, OpenFiles: openFiles,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	answer(func() counters {
		c := counters{Syncs: syncs.Load()}
		c.Allocations, c.AllocatedBytes = allocated()
		return c
	})
	// What is not synced is of no use to anybody: the profiles are all that is kept.
	_ = s
	return end()
}

func readConfig(name string) (*config.Broker, error) {
	p, err := properties.LoadFile(name, properties.UTF8)
	if err != nil {
		return nil, err
	}
	p.DisableExpansion = true
	var pairs []config.KV
	for _, key := range p.Keys() {
		pairs = append(pairs, config.KV{Name: key, Value: p.GetString(key, "")})
	}
	cfg, _, err := config.ParseBroker(pairs)
	return cfg, err
}

// allocated returns how many objects the process has allocated, and their bytes.
func allocated() (objects, bytes uint64) {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}

// startProfile begins a CPU profile and returns what writes it and the allocations so far; an empty prefix is for none.
func startProfile(prefix string) (end func() error, err error) {
	if prefix == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
		return nil, err
	}
	cpu, err := os.Create(prefix + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(prefix + ".allocs.pprof")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		err = pprof.Lookup("allocs").WriteTo(allocs, 0)
		return errors.Join(err, allocs.Close(), cpu.Close())
	}, nil
}
