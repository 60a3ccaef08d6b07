package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// checkForeign starts gregor on a copy of all of Apache Kafka's directory. Kafka's cluster metadata has records of its
// own quorum that gregor does not know yet: it must say so and leave the directory as it is.
func (w *world) checkForeign(ctx context.Context) {
	what := "refuses a copy of Apache Kafka's whole directory, whose quorum it does not know yet; leaves it as it is"
	w.rep.check(ctx, "gregor", what, func(ctx context.Context) error {
		s, err := newSide(w.out, "foreign", w.gregor.tools, w.launchGregor)
		if err != nil {
			return err
		}
		defer s.log.Close()
		if err := os.CopyFS(s.dir, os.DirFS(w.kafka.dir)); err != nil {
			return err
		}
		a, err := runProcess(ctx, s.launch(), "")
		if err != nil {
			return fmt.Errorf("expected a refusal; compare what it serves, if it works now: %w", err)
		}
		const refusal = "unsupported metadata record"
		if a.code != 1 || !strings.Contains(a.stderr, refusal) {
			return fmt.Errorf("got exit code %d, expected 1 and the words %q\n%s", a.code, refusal, cut(a.stderr, 4000))
		}
		return sameTrees(s.dir, w.kafka.dir)
	})
}

// sameTrees compares two log directories, but for the lock.
func sameTrees(got, want string) error {
	g, err := readTree(got)
	if err != nil {
		return err
	}
	k, err := readTree(want)
	if err != nil {
		return err
	}
	if err := diff(strings.Join(names(g), "\n"), strings.Join(names(k), "\n")); err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if !bytes.Equal(g[name], k[name]) {
			errs = append(errs, fmt.Errorf("%s is not what it was", name))
		}
	}
	return errors.Join(errs...)
}

func readTree(dir string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if e.Name() == ".lock" {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	})
	return files, err
}
