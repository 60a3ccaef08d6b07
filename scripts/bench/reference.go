//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/reports"
)

// folders are the arguments of gregor bench whose values are paths of one machine.
var folders = []string{"--dir", "--kafka-libs"}

// anonymize gives the folders that a run was told of the names of their flags, and writes the sum of its file anew.
func anonymize(reference string, arguments []string) error {
	var replacements []string
	for i := range len(arguments) - 1 {
		if slices.Contains(folders, arguments[i]) {
			replacements = append(replacements, arguments[i+1], strings.ToUpper(strings.TrimLeft(arguments[i], "-")))
		}
	}
	replacer := strings.NewReplacer(replacements...)
	var before, after string // sums of the run's file
	for _, name := range []string{"report.html", result.RunFile, result.SumsFile} {
		file := filepath.Join(reference, name)
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text := replacer.Replace(string(content))
		if name == result.RunFile {
			before, after = fmt.Sprintf("%x", sha256.Sum256(content)), fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		}
		if name == result.SumsFile {
			text = strings.Replace(text, before, after, 1)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

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
	if err := anonymize(reference, r.Arguments); err != nil {
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
