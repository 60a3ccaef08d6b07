package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// newWorld empties the folder, builds gregor, finds Kafka and formats its directory.
func newWorld(ctx context.Context, out string, filter *regexp.Regexp) (*world, error) {
	out, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{
		"gregor", "kafka", "transcripts", "logs", "tmp", "copies", "whole", "foreign", "two-gregor", "two-kafka",
	} {
		if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(out, "transcripts"), 0o755); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("kcat"); err != nil {
		return nil, fmt.Errorf("kcat is needed: apt-get install kcat: %w", err)
	}
	j, err := newJava(ctx, out)
	if err != nil {
		return nil, err
	}
	say("building gregor")
	w := &world{
		out: out, binary: filepath.Join(out, "gregor.bin"), rep: &report{filter: filter}, met: make(map[string]int),
	}
	if err := node.Build(ctx, w.binary); err != nil {
		return nil, err
	}
	w.gregor, err = newSide(out, "gregor", &jvm{java: j, log: "tools-gregor"}, w.launchGregor)
	if err != nil {
		return nil, err
	}
	w.kafka, err = newSide(out, "kafka", &jvm{java: j, log: "tools-kafka"}, func(file string) *exec.Cmd {
		return j.command("broker", "-Xmx768m", "kafka.Kafka", file)
	})
	if err != nil {
		return nil, err
	}
	w.gregor.apps, w.kafka.apps = &jvm{java: j, log: "apps-gregor"}, &jvm{java: j, log: "apps-kafka"}
	return w, w.format(ctx)
}

// launchGregor prepares gregor's process.
func (w *world) launchGregor(file string) *exec.Cmd {
	return exec.Command(w.binary, "broker", "-c", file, "--cluster-id", clusterID)
}

// format formats Kafka's directory; gregor formats its own.
func (w *world) format(ctx context.Context) error {
	say("formatting Kafka's directory")
	file := filepath.Join(filepath.Dir(w.kafka.dir), "server.properties")
	a, err := w.kafka.tools.run(ctx, "", "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file,
		"--feature", "eligible.leader.replicas.version=0")
	if err == nil && a.code != 0 {
		err = fmt.Errorf("format Kafka's directory: exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	return err
}

// sides returns both brokers.
func (w *world) sides() []*side {
	return []*side{w.gregor, w.kafka}
}

// both does the same with both brokers at the same time.
func (w *world) both(do func(*side) error) error {
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, s := range w.sides() {
		group.Go(func() {
			if err := do(s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (w *world) startBoth(ctx context.Context) error {
	say("starting gregor and Kafka")
	return w.both(func(s *side) error { return s.start(ctx) })
}

// end ends all processes.
func (w *world) end() error {
	return w.both(func(s *side) error {
		return errors.Join(s.kill(), s.tools.close(), s.apps.close(), s.log.Close())
	})
}
