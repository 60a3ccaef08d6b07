package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// side is one of the two brokers, and what runs against it.
type side struct {
	// name is "gregor" or "kafka".
	name string
	// address is where clients connect, controller the address of the controller's listener (which gregor does not
	// open).
	address, controller string
	// dir is the log directory, files a folder for what commands need to read.
	dir, files string
	// second is another log directory; empty if there is none.
	second string
	// launch prepares the broker's process.
	launch func() *exec.Cmd
	// tools runs Java's tools, and apps what goes on meanwhile.
	tools, apps *jvm

	cmd *exec.Cmd
	log *os.File
	// gone is closed when the process ended.
	gone   chan struct{}
	client *kgo.Client
	// commits is the prefix of the groups that it commits offsets for: its own, or those that it got from the other.
	commits string
	// beside are the commands of a script that run beside the next ones, by name.
	beside map[string]*running
}

// cleanMark is the file that a broker leaves when it stops cleanly.
const cleanMark = ".kafka_cleanshutdown"

// clusterID is what both brokers are formatted with.
const clusterID = "4L6g3nShT-eMCtK--X86sw"

// properties are those of both brokers, as Kafka wants them; the rest is addresses and directories.
const properties = `node.id=1
process.roles=broker,controller
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.quorum.voters=1@%[2]s
log.dirs=%[3]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=5
`

// newSide picks ports and writes the properties. launch gets their file. The broker may have one more log directory.
func newSide(out, name string, tools *jvm, launch func(file string) *exec.Cmd, more ...string) (*side, error) {
	root, err := filepath.Abs(filepath.Join(out, name))
	if err != nil {
		return nil, err
	}
	s := &side{name: name, dir: filepath.Join(root, "data"), files: filepath.Join(root, "files"), tools: tools}
	if err := os.MkdirAll(s.files, 0o755); err != nil {
		return nil, err
	}
	free, err := node.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	s.address, s.controller = free[0], free[1]
	if s.log, err = os.Create(filepath.Join(root, "broker.log")); err != nil {
		return nil, err
	}
	file := filepath.Join(root, "server.properties")
	dirs := s.dir
	for _, dir := range more {
		s.second = filepath.Join(root, dir)
		dirs += "," + s.second
	}
	text := fmt.Sprintf(properties, s.address, s.controller, dirs)
	s.launch = func() *exec.Cmd { return launch(file) }
	return s, os.WriteFile(file, []byte(text), 0o644)
}

// start starts the broker and waits until it serves.
func (s *side) start(ctx context.Context) error {
	s.cmd = s.launch()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.gone = make(chan struct{})
	go func(cmd *exec.Cmd, gone chan struct{}) {
		_ = cmd.Wait() // whoever stops it looks at the exit code
		close(gone)
	}(s.cmd, s.gone)
	var err error
	if s.client, err = kgo.NewClient(kgo.SeedBrokers(s.address)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if s.serves(ctx) {
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("start %s: it ended with %v; see %s", s.name, s.cmd.ProcessState, s.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w; see %s", s.name, ctx.Err(), s.log.Name())
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// serves reports that the broker knows itself, and that all partitions have a leader.
func (s *side) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	reply, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, s.client.Broker(0))
	if err != nil {
		if reply, err = kmsg.NewPtrMetadataRequest().RequestWith(ctx, s.client.SeedBrokers()[0]); err != nil {
			return false
		}
	}
	for _, topic := range reply.Topics {
		for _, p := range topic.Partitions {
			if p.Leader < 0 || p.ErrorCode != 0 {
				return false
			}
		}
	}
	return len(reply.Brokers) == 1
}

// stop stops the broker cleanly.
func (s *side) stop() error {
	if err := s.end(syscall.SIGTERM); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.dir, cleanMark)); err != nil {
		return fmt.Errorf("stop %s: its mark of a clean stop: %w", s.name, err)
	}
	return nil
}

// kill kills the broker.
func (s *side) kill() error {
	return s.end(syscall.SIGKILL)
}

// end signals the broker, if it runs, and waits until it is gone.
func (s *side) end(signal syscall.Signal) error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	if s.client != nil {
		s.client.Close()
	}
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	select {
	case <-s.gone:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill() // the error below is what matters
		return fmt.Errorf("stop %s: it did not end within %v of %v", s.name, patience, signal)
	}
	s.cmd = nil
	return nil
}

// kcat runs kcat. Where a consumer has to end by itself, its arguments say so.
func (s *side) kcat(ctx context.Context, stdin string, args ...string) (answer, error) {
	return runProcess(ctx, exec.Command("kcat", append([]string{"-b", s.address}, args...)...), stdin)
}

// runProcess runs a program to its end. An error says that it did not come to one; an exit code is no error.
func runProcess(ctx context.Context, cmd *exec.Cmd, stdin string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return answer{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may have ended meanwhile
	defer stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return answer{}, errors.Join(fmt.Errorf("%s: %w", cmd.Path, err), ctx.Err())
	}
	return answer{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}, nil
}
