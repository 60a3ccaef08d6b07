// Package kafka runs Apache Kafka as a process of its own, to compare with: its jars fetched once, one node formatted
// on a fresh directory, started as Kafka's own scripts start it, and stopped again.
//
//	dir/server.properties   what Start was given
//	dir/broker.log          all that the process wrote
//	dir/data                the log directory
package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// Process is a running Kafka.
type Process struct {
	// Address is where clients connect, host:port. Log is the file that the process writes to.
	Address, Log string

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// Errors of starts and stops.
var (
	ErrNotReady   = errors.New("kafka is not ready")
	ErrNotStopped = errors.New("kafka did not stop")
)

const (
	// patience bounds the time until the broker answers, and until it has stopped.
	patience  = 2 * time.Minute
	clusterID = "AAAAAAAAQACAAAAAAAAAAA" // any will do
)

// DefaultHeap is the size of the heap that Kafka's own start scripts give.
const DefaultHeap = "1g"

// jvm are the further options that they give.
var jvm = []string{
	"-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
	"-XX:+ExplicitGCInvokesConcurrent",
}

// Start formats the directory dir, which must exist, and starts Kafka there from the jars in libs, with the given
// properties besides those that make it one node. It returns when the broker answers. No process of it outlives ctx.
func Start(ctx context.Context, libs, dir string, properties map[string]string) (*Process, error) {
	return StartHeap(ctx, libs, dir, DefaultHeap, properties)
}

// StartHeap is Start with a heap of another size, as the JVM has it: "4g".
func StartHeap(ctx context.Context, libs, dir, heap string, properties map[string]string) (*Process, error) {
	free, err := node.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	p := &Process{Address: free[0], Log: filepath.Join(dir, "broker.log"), ended: make(chan struct{})}
	all := map[string]string{
		"process.roles": "broker,controller", "node.id": "1", "controller.quorum.voters": "1@" + free[1],
		"listeners":                      "PLAINTEXT://" + free[0] + ",CONTROLLER://" + free[1],
		"advertised.listeners":           "PLAINTEXT://" + free[0],
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "PLAINTEXT",
		"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"log.dirs":                       filepath.Join(dir, "data"),
	}
	maps.Copy(all, properties)
	file := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(file, []byte(Text(all)), 0o644); err != nil {
		return nil, err
	}
	jars := filepath.Join(libs, "*")
	format := exec.CommandContext(ctx, "java", "-cp", jars, "kafka.tools.StorageTool", "format", "-t", clusterID,
		"-c", file)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format: %w: %s", err, out)
	}
	log, err := os.Create(p.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has it open too
	p.cmd = exec.CommandContext(ctx, "java", slices.Concat([]string{"-Xms" + heap, "-Xmx" + heap}, jvm,
		[]string{"-cp", jars, "kafka.Kafka", file})...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kafka: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended does not matter
	}()
	if err := p.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Text writes properties as Kafka reads them, in the order of their names.
func Text(properties map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&out, "%s=%s\n", key, properties[key])
	}
	return out.String()
}

// awaitReady waits until the broker answers.
func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Address))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		err := client.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%w: it has ended; see %s", ErrNotReady, p.Log)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w; see %s", ErrNotReady, err, p.Log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process with SIGKILL and waits for its end.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop ends the process with SIGTERM, as its users do, and with SIGKILL if that does not end it.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%w within %v; see %s", ErrNotStopped, patience, p.Log), p.Kill())
	}
}
