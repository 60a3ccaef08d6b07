//go:build linux

package peer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/bench/result"
)

// Errors of peers that are started.
var (
	// ErrNotReady reports a peer that does not listen.
	ErrNotReady = errors.New("server does not listen")
	// ErrPrepare reports a folder that could not be made ready.
	ErrPrepare = errors.New("folder is not prepared")
	// ErrNoCommand reports a peer that cannot be started: it runs already, or not at all.
	ErrNoCommand = errors.New("no command to start it")
)

// Peer is something that can be measured: it serves requests on one address.
type Peer struct {
	// Name is the peer's name in results: "gregor", "kafka".
	Name string
	// Address is where a peer listens that somebody else has started; "" for one that Command starts.
	Address string
	// Command returns the program and its arguments for a peer that keeps its files in dir and listens on address. The
	// program may be killed at any time and run again in the same folder.
	Command func(dir, address string) ([]string, error)
	// Parent, if it is not "", is where a peer that Command starts has its folder, whatever Start is told.
	Parent string
	// Prepare, which may be nil, returns what is run once in a new folder before Command is.
	Prepare func(dir, address string) ([]string, error)
	// Patience is how long it may take until it listens, and as long until its folder is prepared: 30 s if it is 0.
	Patience time.Duration
}

// Instance is a peer that runs.
type Instance struct {
	Name, Address string
	// Foreign says that somebody else started it: what it holds is not this package's.
	Foreign bool

	peer Peer
	pid  int // 0 if it is not known
	dir  string
	cmd  *exec.Cmd
	// began is when the process was last started.
	began time.Time
	// ended is closed when the process has ended; nil for another's.
	ended chan struct{}
}

// Start starts the peer in a new folder below parent, or finds the one that runs, and waits until it listens.
func (p Peer) Start(ctx context.Context, parent string) (*Instance, error) {
	if p.Address != "" {
		i := &Instance{Name: p.Name, Address: p.Address, Foreign: true, peer: p}
		if err := i.awaitReady(ctx); err != nil {
			return nil, err
		}
		var err error
		i.pid, err = listener(p.Address)
		return i, err
	}
	i, err := p.Make(ctx, parent)
	if err != nil {
		return nil, err
	}
	if err := i.Run(ctx); err != nil {
		return nil, errors.Join(err, i.End())
	}
	if err := i.awaitReady(ctx); err != nil {
		return nil, errors.Join(i.said(err), i.End())
	}
	return i, nil
}

// Make makes a folder below parent for a peer of its own, whether or not another one runs, finds a port for it and
// prepares it. It does not run yet.
func (p Peer) Make(ctx context.Context, parent string) (*Instance, error) {
	if p.Command == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoCommand, p.Name)
	}
	dir, err := os.MkdirTemp(cmp.Or(p.Parent, parent), p.Name+"-")
	if err != nil {
		return nil, err
	}
	i := &Instance{Name: p.Name, dir: dir, peer: p}
	if i.Address, err = FreeAddress(); err != nil {
		return nil, errors.Join(err, i.End())
	}
	if p.Prepare != nil {
		if err := i.prepare(ctx); err != nil {
			return nil, errors.Join(err, i.End())
		}
	}
	return i, nil
}

func (i *Instance) prepare(ctx context.Context) error {
	line, err := i.peer.Prepare(i.dir, i.Address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, i.peer.patience())
	defer cancel()
	cmd := command(ctx, line)
	// A program that it has started may hold the output open beyond its end.
	cmd.WaitDelay = time.Second
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err = startBound(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %s: %w\n%s", ErrPrepare, i.Name, err, text.String()), context.Cause(ctx))
	}
	return nil
}

// Run starts the process in the instance's folder, also once more after Kill, and does not wait for anything.
func (i *Instance) Run(ctx context.Context) error {
	line, err := i.peer.Command(i.dir, i.Address)
	if err != nil {
		return err
	}
	return i.launch(ctx, line)
}

// Began returns when the process was last started.
func (i *Instance) Began() time.Time { return i.began }

// Dir returns the folder that holds the instance's files; "" for another's.
func (i *Instance) Dir() string { return i.dir }

// WhileRuns returns a context that ends with the process, its cause what the process said last.
func (i *Instance) WhileRuns(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	cmd, ended := i.cmd, i.ended // of this run, not of the next
	go func() {
		select {
		case <-ended:
			cancel(i.said(fmt.Errorf("%w: %s has ended: %v", ErrNotReady, i.Name, cmd.ProcessState)))
		case <-ctx.Done():
			cancel(nil)
		}
	}()
	return ctx
}

func (p Peer) patience() time.Duration {
	const patience = 30 * time.Second
	return cmp.Or(p.Patience, patience)
}

// said adds what the process has printed to an error.
func (i *Instance) said(err error) error {
	output, _ := os.ReadFile(i.output()) // it only adds to the error
	return fmt.Errorf("%w\n%s", err, output)
}

// command is a program in a group of processes of its own, so that what it starts can be killed with it.
func command(ctx context.Context, line []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// output is the file of what the process prints.
func (i *Instance) output() string { return filepath.Join(i.dir, "output") }

func (i *Instance) launch(ctx context.Context, line []string) error {
	log, err := os.OpenFile(i.output(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := command(ctx, line)
	cmd.Stdout, cmd.Stderr = log, log
	i.began = time.Now()
	if err := startBound(cmd); err != nil {
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
	const pause = 2 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, i.peer.patience())
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

// Kill kills the process with SIGKILL, with all that it has started, and waits for its end; its files stay as they are.
func (i *Instance) Kill() {
	if i.cmd == nil {
		return
	}
	_ = syscall.Kill(-i.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	<-i.ended
}

// End kills the process, if this package started it, and removes its files.
func (i *Instance) End() error {
	if i.Foreign {
		return nil
	}
	i.Kill()
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
