//go:build linux

package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed StartGroups.java
var startGroups []byte

// javaStudy measures how long Kafka's own consumers take to share a topic, with the settings that they come with.
func (b *bench) javaStudy() *study {
	return &study{
		name: "rebalance-java", limit: 20 * time.Minute, seconds: 5,
		rows: []*row{{
			name: "rebalance-java", unit: "ms", aim: aim{ratio: 0.33},
			what: fmt.Sprintf("%d consumers (Kafka's own, in one Java process that is warm, with its defaults: range "+
				"assignor, heartbeats every 3s) from their start until they have %d partitions between them, at "+
				"group.initial.rebalance.delay.ms=0", consumers, partitions),
		}},
		open: func(ctx context.Context, h *host) (subject, error) { return b.openJava(ctx, h) },
	}
}

// javaStarts is a Java process that forms groups.
type javaStarts struct {
	host   *host
	cmd    *exec.Cmd
	ask    io.WriteCloser
	answer *bufio.Reader
	errors strings.Builder
	groups int
}

var _ subject = (*javaStarts)(nil)

func (b *bench) openJava(ctx context.Context, h *host) (subject, error) {
	if _, err := openRebalance(ctx, h, 0, 0); err != nil { // it starts the broker and makes the topic
		return nil, err
	}
	source := filepath.Join(h.dir, "StartGroups.java")
	if err := os.WriteFile(source, startGroups, 0o644); err != nil {
		return nil, err
	}
	x := &javaStarts{host: h}
	x.cmd = exec.CommandContext(ctx, "java", "-cp", filepath.Join(b.libs, "*"), source, h.now.address, topicName,
		strconv.Itoa(consumers), strconv.Itoa(partitions))
	x.cmd.Stderr = &x.errors
	var err error
	if x.ask, err = x.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := x.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	x.answer = bufio.NewReader(out)
	return x, x.cmd.Start()
}

// form has a group formed and returns how long that took.
func (x *javaStarts) form() (time.Duration, error) {
	x.groups++
	if _, err := fmt.Fprintf(x.ask, "java-%d\n", x.groups); err != nil {
		return 0, errors.Join(err, x.failed())
	}
	line, err := x.answer.ReadString('\n')
	if err != nil {
		return 0, errors.Join(err, x.failed())
	}
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return time.Duration(n) * time.Microsecond, err
}

// failed ends the process, so that all that it said is there, and returns that.
func (x *javaStarts) failed() error {
	err := x.close()
	return fmt.Errorf("java: %w: %s", err, x.errors.String())
}

// warm forms groups for a time, and as many at least as make the process warm for either broker alike.
func (x *javaStarts) warm(_ context.Context, d time.Duration) error {
	const least = 5
	for end := time.Now().Add(d); x.groups < least || time.Now().Before(end); {
		if _, err := x.form(); err != nil {
			return err
		}
	}
	return nil
}

func (x *javaStarts) sample(context.Context) (s sample, err error) {
	took, err := x.form()
	s.figures = []float64{ms(took)}
	return s, err
}

func (x *javaStarts) close() error {
	return errors.Join(x.ask.Close(), x.cmd.Wait())
}
