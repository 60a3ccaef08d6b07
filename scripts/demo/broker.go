package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// broker is a gregor broker as a process of its own.
type broker struct {
	// alive ends the process when it ends.
	alive             context.Context
	bin, config, data string
	address           string
	log               *os.File

	cmd    *exec.Cmd
	exited chan error
}

// startTimeout bounds the time until a broker is ready; it reads what was not synced before.
const startTimeout = time.Minute

// newBroker writes the configuration of a broker with a fresh directory below dir and a free port. No process of it
// outlives ctx.
func newBroker(ctx context.Context, bin, dir string) (*broker, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	b := &broker{
		alive: ctx, bin: bin, address: address, data: filepath.Join(dir, "log"),
		config: filepath.Join(dir, "server.properties"),
	}
	text := fmt.Sprintf("node.id=1\nlisteners=PLAINTEXT://%s\nlog.dirs=%s\nauto.create.topics.enable=false\n", address,
		b.data)
	if err := os.WriteFile(b.config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	b.log, err = os.Create(filepath.Join(dir, "broker.log"))
	return b, err
}

// start starts the process and returns how long it took until the broker said that it is ready.
func (b *broker) start() (time.Duration, error) {
	began := time.Now()
	watch := &watcher{out: b.log, ready: make(chan struct{})}
	b.cmd = exec.CommandContext(b.alive, b.bin, "broker", "-c", b.config)
	b.cmd.Stderr = watch
	b.exited = make(chan error, 1)
	if err := b.cmd.Start(); err != nil {
		return 0, err
	}
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(b.cmd, b.exited)
	select {
	case <-watch.ready:
		return time.Since(began), nil
	case err := <-b.exited:
		return 0, fmt.Errorf("broker ended before it was ready: %v; see %s", err, b.log.Name())
	case <-time.After(startTimeout):
		return 0, fmt.Errorf("broker is not ready after %v; see %s", startTimeout, b.log.Name())
	}
}

// kill ends the process with SIGKILL and waits for its end.
func (b *broker) kill() error {
	if err := b.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the broker: %w", err)
	}
	<-b.exited
	return nil
}

// stop ends the process with SIGTERM, cleanly.
func (b *broker) stop() error {
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the broker: %w", err)
	}
	select {
	case err := <-b.exited:
		if err != nil {
			return fmt.Errorf("the broker's clean shutdown: %w; see %s", err, b.log.Name())
		}
		return nil
	case <-time.After(startTimeout):
		return errors.Join(fmt.Errorf("the broker does not stop within %v", startTimeout), b.kill())
	}
}

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
