package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// descriptions are what a broker says about itself and its topics: two brokers with one directory must say the same.
var descriptions = [][]string{
	{"TopicCommand", "--describe"},
	{"ConfigCommand", "--describe", "--entity-type", "topics"},
	{"ConfigCommand", "--describe", "--entity-type", "brokers", "--entity-default"},
	{"GetOffsetShell", "--time", "earliest"},
	{"GetOffsetShell", "--time", "latest"},
	{"ConsumerGroupCommand", "--describe", "--all-groups"},
}

// describe asks a broker for all of them. Topic ids are not masked.
func (s *side) describe(ctx context.Context) ([]string, error) {
	var found []string
	for _, d := range descriptions {
		a, err := s.tools.run(ctx, "", class(d[0]), append([]string{"--bootstrap-server", s.address}, d[1:]...)...)
		if err := failure(a, err); err != nil {
			return nil, err
		}
		found = append(found, sortLines(sortConfigs(a.stdout)))
	}
	return found, nil
}

// checkWhole starts Apache Kafka on a copy of all of gregor's directory, cluster metadata and all. said is what gregor
// said before it stopped.
func (w *world) checkWhole(ctx context.Context, said []string) {
	what := "starts on a copy of gregor's whole directory: cluster metadata, topic ids, configurations, offsets, " +
		"records"
	w.rep.check(ctx, "Apache Kafka", what, func(ctx context.Context) (err error) {
		tools := w.kafka.tools
		s, err := newSide(w.out, "whole", tools, func(file string) *exec.Cmd {
			return tools.java.command("broker-whole", "-Xmx768m", "kafka.Kafka", file)
		})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.kill(), s.log.Close()) }()
		if err := os.CopyFS(s.dir, os.DirFS(w.gregor.dir)); err != nil {
			return err
		}
		if err := s.start(ctx); err != nil {
			return err
		}
		say, err := s.describe(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for i, text := range say {
			if err := diff(said[i], text); err != nil {
				errs = append(errs, fmt.Errorf("%v: %w", descriptions[i], err))
			}
		}
		return errors.Join(errors.Join(errs...), s.readSpecs(ctx, ours, 0), s.readSpecs(ctx, theirs, 0))
	})
}
