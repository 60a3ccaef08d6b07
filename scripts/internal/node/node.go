// Package node runs gregor brokers as processes of their own: built from this repository, started on a fresh directory,
// killed, stopped and started again.
//
//	dir/server.properties   what New was given
//	dir/broker.log          all that the processes of this broker wrote, one after another
//	dir/log                 the log directory
package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Node is a broker. It is used by one goroutine at a time.
type Node struct {
	// Address is where it listens, host:port. Data is its log directory, Log the file that it writes its log to.
	Address, Data, Log string

	// alive ends the process when it ends.
	alive       context.Context
	bin, config string
	out         *os.File
	cmd         *exec.Cmd
	exited      chan error
}

// patience bounds the time until a broker is ready, which reads what was not synced before, and until it has stopped.
const patience = time.Minute

// ErrNotReady reports a broker that did not start, and ErrNotStopped one that did not end cleanly.
var (
	ErrNotReady   = errors.New("the broker is not ready")
	ErrNotStopped = errors.New("the broker did not stop cleanly")
)

// Build builds the gregor binary into a file.
func Build(ctx context.Context, file string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file,
		"github.com/gregor-log/gregor/cmd/gregor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build gregor: %w\n%s", err, text)
	}
	return nil
}

// FreeAddresses returns n different addresses of the loopback interface, host:port, that nobody listened on a moment
// ago. Their ports have five digits each: what tools print in columns has one width.
func FreeAddresses(n int) ([]string, error) {
	var found []string
	for len(found) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all stay open until the last is found, so that none is found twice
		if address := l.Addr().String(); len(address) == len("127.0.0.1:65535") {
			found = append(found, address)
		}
	}
	return found, nil
}

// New makes a broker with a fresh directory below dir and a free port of the loopback interface, with the given
// properties besides those that say so. No process of it outlives ctx.
func New(ctx context.Context, bin, dir string, properties map[string]string) (*Node, error) {
	free, err := FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	return NewAt(ctx, bin, dir, free[0], properties)
}

// NewAt is New for a given address, host:port.
func NewAt(ctx context.Context, bin, dir, address string, properties map[string]string) (*Node, error) {
	n := &Node{
		Address: address, Data: filepath.Join(dir, "log"), Log: filepath.Join(dir, "broker.log"),
		alive: ctx, bin: bin, config: filepath.Join(dir, "server.properties"),
	}
	all := map[string]string{"node.id": "1", "listeners": "PLAINTEXT://" + n.Address, "log.dirs": n.Data}
	maps.Copy(all, properties)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", key, all[key])
	}
	if err := os.WriteFile(n.config, []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	var err error
	n.out, err = os.Create(n.Log)
	return n, err
}

// Start starts the process and returns how long it took until the broker said that it is ready.
func (n *Node) Start() (time.Duration, error) {
	began := time.Now()
	watch := &watcher{out: n.out, ready: make(chan struct{})}
	n.cmd = exec.CommandContext(n.alive, n.bin, "broker", "-c", n.config)
	n.cmd.Stderr = watch
	n.exited = make(chan error, 1)
	if err := n.cmd.Start(); err != nil {
		return 0, err
	}
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(n.cmd, n.exited)
	select {
	case <-watch.ready:
		return time.Since(began), nil
	case err := <-n.exited:
		return 0, fmt.Errorf("%w: it ended: %w; see %s", ErrNotReady, err, n.Log)
	case <-time.After(patience):
		return 0, fmt.Errorf("%w after %v; see %s", ErrNotReady, patience, n.Log)
	}
}

// Kill ends the process with SIGKILL and waits for its end.
func (n *Node) Kill() error {
	if err := n.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the broker: %w", err)
	}
	<-n.exited
	return nil
}

// Quit ends the process with SIGQUIT and waits for its end: Go writes to the log what all goroutines do, and exits.
func (n *Node) Quit() error {
	if err := n.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("quit the broker: %w", err)
	}
	select {
	case <-n.exited:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%w on SIGQUIT within %v; see %s", ErrNotStopped, patience, n.Log), n.Kill())
	}
}

// Stop ends the process with SIGTERM, cleanly.
func (n *Node) Stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the broker: %w", err)
	}
	select {
	case err := <-n.exited:
		if err != nil {
			return fmt.Errorf("%w: %w; see %s", ErrNotStopped, err, n.Log)
		}
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%w within %v; see %s", ErrNotStopped, patience, n.Log), n.Kill())
	}
}

// PID returns the number of the process that was started last.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Close closes the log file of a broker that has ended.
func (n *Node) Close() error { return n.out.Close() }

// watcher passes a broker's log on, and waits for its line "ready".
type watcher struct {
	out   *os.File
	line  []byte
	once  sync.Once
	ready chan struct{}
}

// Write implements io.Writer.
func (w *watcher) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line, rest = append(w.line, line...), after
		if whole {
			if bytes.Contains(w.line, []byte(`"msg":"ready"`)) {
				w.once.Do(func() { close(w.ready) })
			}
			w.line = w.line[:0]
		}
	}
	return w.out.Write(p)
}
