//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// process is a server that was started for a measurement.
type process struct {
	address string
	dir     string // its own folder, removed with it
	cmd     *exec.Cmd
	ask     io.WriteCloser // questions for counters; nil where the process has none
	answers *bufio.Reader
}

// errNotReady reports a server that does not listen.
var errNotReady = errors.New("server does not listen")

// start runs a program whose arguments tell it to listen on the given address, in a folder of its own.
func (b *bench) start(ctx context.Context, args func(dir, address string) ([]string, error)) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	free, err := node.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	p := &process{address: free[0], dir: dir}
	line, err := args(dir, p.address)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	p.cmd.Stderr = log
	if len(line) > 1 && line[1] == serveArg {
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if p.ask, err = p.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		p.answers = bufio.NewReader(out)
	} else {
		p.cmd.Stdout = log
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, p.awaitReady(ctx)
}

// awaitReady waits until the server listens.
func (p *process) awaitReady(ctx context.Context) error {
	const patience, pause = 20 * time.Second, 2 * time.Millisecond
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(pause) {
		c, err := net.Dial("tcp", p.address)
		if err == nil {
			return c.Close()
		}
	}
	output, _ := os.ReadFile(filepath.Join(p.dir, "output")) // it only adds to the error
	return errors.Join(fmt.Errorf("%w: %s\n%s", errNotReady, p.cmd, output), p.kill())
}

// kill ends the process at once, so that nothing is written back, and removes its files.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()         // it was killed, which Wait calls an error
	return os.RemoveAll(p.dir)
}

// stop ends the process by closing its input, so that it can write its profiles, and removes its files.
func (p *process) stop() error {
	err := p.ask.Close()
	return errors.Join(err, p.cmd.Wait(), os.RemoveAll(p.dir))
}

// cpu returns the processor time that the process has used so far, in seconds.
func (p *process) cpu() float64 {
	d, err := result.CPUOf(p.cmd.Process.Pid)
	if err != nil {
		return 0
	}
	return d.Seconds()
}

// counters are what a broker's process counts.
type counters struct {
	// Allocations counts objects and AllocatedBytes their sizes, since the start.
	Allocations, AllocatedBytes uint64
	// Syncs counts the syncs of .log files.
	Syncs int64
}

// counters asks the process for its counters.
func (p *process) counters() (counters, error) {
	var c counters
	if p.ask == nil {
		return c, nil
	}
	if _, err := io.WriteString(p.ask, "counters\n"); err != nil {
		return c, err
	}
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return c, fmt.Errorf("counters: %w", err)
	}
	return c, json.Unmarshal(line, &c)
}

// watch fills s with what the process used over a window; it is for load.Window.During.
func (p *process) watch(s *sample, failed *error) func() func() {
	return func() func() {
		cpu := p.cpu()
		before, err := p.counters()
		return func() {
			after, aerr := p.counters()
			s.cpu = p.cpu() - cpu
			s.counters = counters{
				Allocations:    after.Allocations - before.Allocations,
				AllocatedBytes: after.AllocatedBytes - before.AllocatedBytes,
				Syncs:          after.Syncs - before.Syncs,
			}
			*failed = errors.Join(err, aerr)
		}
	}
}

// congestionControl returns what the measured connections use.
func congestionControl(ctx context.Context) string {
	l, err := limit.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "unknown"
	}
	defer l.Close()
	c, err := load.Dial(ctx, l.Addr().String())
	if err != nil {
		return "unknown"
	}
	defer c.Close()
	return c.Congestion()
}
