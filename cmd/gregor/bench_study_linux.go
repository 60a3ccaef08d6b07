package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// run is gregor bench study NAME.
func (f *benchStudy) run(c *cobra.Command, names []string) error {
	var subjects []*study.Subject
	for _, name := range names {
		found, err := study.Find(name)
		if err != nil {
			return cli.Usage(err)
		}
		subjects = append(subjects, found...)
	}
	if err := checkRounds(f.rounds); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return harness(err)
	}
	dir, r, err := newRun(c, "gregor bench study", self, &f.out, f.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for i, s := range subjects {
		bar := f.progress.Start(c, fmt.Sprintf("%s (%d of %d)", s.Name, i+1, len(subjects)), 1)
		found := s.Study(c.Context(), study.Options{
			Dir: dir, Rounds: f.rounds, Loop: loopOf(self),
			Progress: func(done, total int) {
				bar.SetTotal(int64(total))
				bar.Set(int64(done))
			},
		})
		bar.End()
		if err := c.Context().Err(); err != nil {
			return err
		}
		r.Studies = append(r.Studies, found)
	}
	if err := r.Write(f.out); err != nil {
		return harness(err)
	}
	if err := f.print(c, r); err != nil {
		return err
	}
	if slices.ContainsFunc(r.Studies, func(s *result.Study) bool { return len(s.Failures()) > 0 }) {
		return cli.Exit(cli.CodeHarness)
	}
	return nil
}
