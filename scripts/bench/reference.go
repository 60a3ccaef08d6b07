//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/reports"
)

// keep puts a copy of the results into a folder of the repository, in the place of those that were there, with the
// overview's charts as files of their own, for either background.
func keep(out, reference string) error {
	r, err := result.ReadRun(out)
	if err != nil {
		return err
	}
	overview, err := reports.BenchOverview(r.Rows)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(reference); err != nil {
		return err
	}
	if err := os.CopyFS(reference, os.DirFS(out)); err != nil {
		return err
	}
	number := 0
	for _, part := range overview.Parts {
		chart, ok := part.(*reports.Chart)
		if !ok {
			continue
		}
		number++
		for name, content := range map[string][]byte{"light": chart.Light, "dark": chart.Dark} {
			file := filepath.Join(reference, fmt.Sprintf("overview-%d-%s.svg", number, name))
			if err := os.WriteFile(file, content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
