package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// running is a program that runs beside others until it is ended.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	// gone is closed when it ended.
	gone chan struct{}
}

// startProcess starts a program and does not wait for it. Its standard input stays empty.
func startProcess(cmd *exec.Cmd) (*running, error) {
	r := &running{cmd: cmd, gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &r.stdout, &r.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // whoever ends it looks at the exit code
		close(r.gone)
	}()
	return r, nil
}

// end signals the program, if it still runs, and returns what it did when it is gone.
func (r *running) end(signal syscall.Signal) (answer, error) {
	_ = r.cmd.Process.Signal(signal) // it may have ended by itself
	select {
	case <-r.gone:
	case <-time.After(patience):
		_ = r.cmd.Process.Kill() // the error below is what matters
		<-r.gone
		return answer{}, fmt.Errorf("%s: it did not end within %v of %v", r.cmd.Path, patience, signal)
	}
	return answer{stdout: r.stdout.String(), stderr: r.stderr.String(), code: r.cmd.ProcessState.ExitCode()}, nil
}

// begin starts a command that is to run beside the next ones.
func (s *side) begin(name string, words []string) error {
	if words[0] != "kcat" {
		return fmt.Errorf("got %s, expected kcat: Java's tools take too long to start for each", words[0])
	}
	r, err := startProcess(exec.Command("kcat", append([]string{"-b", s.address}, words[1:]...)...))
	if err != nil {
		return err
	}
	if s.beside == nil {
		s.beside = make(map[string]*running)
	}
	s.beside[name] = r
	return nil
}

// finish ends a command that ran beside others.
func (s *side) finish(name string) (answer, error) {
	r := s.beside[name]
	if r == nil {
		return answer{}, fmt.Errorf("nothing runs as %s", name)
	}
	delete(s.beside, name)
	return r.end(syscall.SIGTERM)
}

// finishAll ends what still runs beside others, for scenes that broke off.
func (s *side) finishAll() error {
	var errs []error
	for name := range s.beside {
		_, err := s.finish(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// manyGroups are enough names to meet every partition of the log of groups.
func manyGroups() []string {
	names := make([]string, 20*offsetsPartitions)
	for i := range names {
		names[i] = "group-" + strconv.Itoa(i)
	}
	return names
}

// awaitCoordinator waits until the broker has read its log of groups.
func (s *side) awaitCoordinator(ctx context.Context) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = manyGroups()
	return s.awaitGroups(ctx, req, func(g kmsg.DescribeGroupsResponseGroup) error {
		if err := kerr.ErrorForCode(g.ErrorCode); kerr.IsRetriable(err) {
			return err
		}
		return nil
	})
}

// awaitGroup waits until a group is in a state, with so many members.
func (s *side) awaitGroup(ctx context.Context, group, state, members string) error {
	n, err := strconv.Atoi(members)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	return s.awaitGroups(ctx, req, func(g kmsg.DescribeGroupsResponseGroup) error {
		if !strings.EqualFold(g.State, state) || len(g.Members) != n {
			return fmt.Errorf("group %s is %s with %d members, expected %s with %d",
				group, g.State, len(g.Members), state, n)
		}
		return nil
	})
}

// awaitGroups asks until no group of the answer is wrong.
func (s *side) awaitGroups(
	ctx context.Context, req *kmsg.DescribeGroupsRequest, wrong func(kmsg.DescribeGroupsResponseGroup) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		reply, err := req.RequestWith(ctx, s.client.Broker(1))
		if err == nil {
			var errs []error
			for _, g := range reply.Groups {
				errs = append(errs, wrong(g))
			}
			err = errors.Join(errs...)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
