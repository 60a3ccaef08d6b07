package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	broker "github.com/gregor-log/gregor/scripts/internal/node"
)

// kafka is an Apache Kafka of one node, a process on a directory of its own.
type kafka struct {
	address string
	dir     string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// kafkaProperties is what the recorded answers were given with. %[1]s is the broker's address, %[2]s the controller's
// and %[3]s the directory.
const kafkaProperties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=%[3]s/data
num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
`

const (
	clusterID = "AAAAAAAAQACAAAAAAAAAAA" // any will do
	startTime = 60 * time.Second
)

// startKafka formats a directory and starts Apache Kafka from the jars in libs. It returns when the broker is ready.
func startKafka(ctx context.Context, libs string) (*kafka, error) {
	dir, err := os.MkdirTemp("", "differential-kafka-")
	if err != nil {
		return nil, err
	}
	k := &kafka{dir: dir, ended: make(chan struct{})}
	if err := k.start(ctx, libs); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

func (k *kafka) start(ctx context.Context, libs string) error {
	addresses, err := broker.FreeAddresses(2)
	if err != nil {
		return err
	}
	k.address = addresses[0]
	properties := filepath.Join(k.dir, "server.properties")
	content := fmt.Sprintf(kafkaProperties, addresses[0], addresses[1], k.dir)
	if err := os.WriteFile(properties, []byte(content), 0o644); err != nil {
		return err
	}
	jars := filepath.Join(libs, "*")
	format := exec.CommandContext(ctx, "java", "-cp", jars, "kafka.tools.StorageTool", "format", "-t", clusterID,
		"-c", properties)
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("format: %w: %s", err, out)
	}
	log, err := os.Create(filepath.Join(k.dir, "kafka.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	k.process = exec.CommandContext(ctx, "java", "-Xmx1g", "-cp", jars, "kafka.Kafka", properties)
	k.process.Stdout, k.process.Stderr = log, log
	if err := k.process.Start(); err != nil {
		k.process = nil
		return fmt.Errorf("start Kafka: %w", err)
	}
	go func() {
		defer close(k.ended)
		_ = k.process.Wait() // how it ended does not matter
	}()
	return k.awaitReady(ctx)
}

// awaitReady waits until the broker answers.
func (k *kafka) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for !k.answers() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("start Kafka: %w: %s", ctx.Err(), k.log())
		case <-k.ended:
			return fmt.Errorf("start Kafka: it has ended: %s", k.log())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// answers reports whether the broker answers and is part of its cluster.
func (k *kafka) answers() bool {
	c, err := dial(k.address)
	if err != nil {
		return false
	}
	defer c.close()
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 9
	res, err := c.ask(req)
	return err == nil && len(res.(*kmsg.MetadataResponse).Brokers) == 1
}

func (k *kafka) log() []byte {
	log, err := os.ReadFile(filepath.Join(k.dir, "kafka.log"))
	if err != nil {
		return []byte(err.Error())
	}
	return log
}

// stop ends the process and removes its directory.
func (k *kafka) stop() error {
	if k.process != nil {
		if err := k.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-k.ended:
		case <-time.After(startTime):
			_ = k.process.Process.Kill() // Wait tells the rest
			<-k.ended
		}
	}
	return os.RemoveAll(k.dir)
}
