//go:build linux

package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gregor-log/gregor/bench/result"
)

// ErrNotReady reports a peer that does not listen.
var ErrNotReady = errors.New("server does not listen")

// Peer is something that can be measured: it serves requests on one address.
type Peer struct {
	// Name is the peer's name in results: "gregor", "kafka".
	Name string
	// Address is where a peer listens that somebody else has started; "" for one that Command starts.
	Address string
	// Command returns the program and its arguments for a peer that keeps its files in dir and listens on address.
	Command func(dir, address string) ([]string, error)
	// Parent, if it is not "", is where a peer that Command starts has its folder, whatever Start is told.
	Parent string
}

// Instance is a peer that runs.
type Instance struct {
	Name, Address string
	// Foreign says that somebody else started it: what it holds is not this package's.
	Foreign bool

	pid int // 0 if it is not known
	dir string
	cmd *exec.Cmd
	// ended is closed when the process has ended; nil for another's.
	ended chan struct{}
}

// Start starts the peer in a new folder below parent, or finds the one that runs, and waits until it listens.
func (p Peer) Start(ctx context.Context, parent string) (*Instance, error) {
	if p.Address != "" {
		i := &Instance{Name: p.Name, Address: p.Address, Foreign: true}
		if err := i.awaitReady(ctx); err != nil {
			return nil, err
		}
		var err error
		i.pid, err = listener(p.Address)
		return i, err
	}
	dir, err := os.MkdirTemp(cmp.Or(p.Parent, parent), p.Name+"-")
	if err != nil {
		return nil, err
	}
	i := &Instance{Name: p.Name, dir: dir}
	if i.Address, err = FreeAddress(); err != nil {
		return nil, errors.Join(err, i.End())
	}
	line, err := p.Command(dir, i.Address)
	if err != nil {
		return nil, errors.Join(err, i.End())
	}
	if err := i.launch(ctx, line); err != nil {
		return nil, errors.Join(err, i.End())
	}
	if err := i.awaitReady(ctx); err != nil {
		output, _ := os.ReadFile(i.output()) // it only adds to the error
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, output), i.End())
	}
	return i, nil
}

// output is the file of what the process prints.
func (i *Instance) output() string { return filepath.Join(i.dir, "output") }

func (i *Instance) launch(ctx context.Context, line []string) error {
	log, err := os.Create(i.output())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	i.cmd, i.pid, i.ended = cmd, cmd.Process.Pid, make(chan struct{})
	go func() {
		defer close(i.ended)
		_ = cmd.Wait() // a process that is killed is what Wait calls an error
	}()
	return nil
}

// awaitReady waits until the peer takes connections.
func (i *Instance) awaitReady(ctx context.Context) error {
	const patience, pause = 30 * time.Second, 2 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	retry := time.NewTicker(pause)
	defer retry.Stop()
	for {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", i.Address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s at %s: %w", ErrNotReady, i.Name, i.Address, err)
		case <-i.ended:
			return fmt.Errorf("%w: %s has ended: %v", ErrNotReady, i.Name, i.cmd.ProcessState)
		case <-retry.C:
		}
	}
}

// PID returns the peer's process, 0 if it is not known.
func (i *Instance) PID() int { return i.pid }

// CPU returns the processor time that the peer's process has used so far; false if the process is not known.
func (i *Instance) CPU() (time.Duration, bool) {
	if i.pid == 0 {
		return 0, false
	}
	used, err := result.CPUOf(i.pid)
	return used, err == nil
}

// End kills the process, if this package started it, and removes its files.
func (i *Instance) End() error {
	if i.Foreign {
		return nil
	}
	if i.cmd != nil {
		_ = i.cmd.Process.Kill() // it may have ended by itself
		<-i.ended
	}
	return os.RemoveAll(i.dir)
}

// FreeAddress returns an address on the loopback device that nobody listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
