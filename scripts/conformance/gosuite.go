package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// goSuite is a suite that consists of the tests of a Go module.
type goSuite struct {
	module, version string
	cgo             bool
	runs            []goRun
}

// goRun is one process of tests: those of a package, or the sub-tests of one of them.
type goRun struct {
	// prefix is what the names of cases have before that of the test.
	prefix string
	// pkg is the package below the module, "" for the module's own.
	pkg string
	// parent is the test whose sub-tests are run, "" for tests.
	parent string
	// env returns what is added to the environment.
	env func(address string) []string
	// files returns what the folder has that the tests run in, by name. Without it they run beside their sources.
	files func(address string) map[string]string
	// broken are tests that take the process down whatever the broker does; they are in no baseline.
	broken []string
	// limit is how long all may take, each how long one may alone.
	limit, each time.Duration
}

// run builds the tests and runs those that the cases ask for.
func (s *goSuite) run(ctx context.Context, j *job) ([]outcome, error) {
	module := filepath.Join(j.cache, j.name)
	b := &goBuild{dir: module, cgo: s.cgo}
	if err := b.fetch(ctx, s); err != nil {
		return nil, err
	}
	json2 := filepath.Join(j.cache, "test2json")
	if err := b.goTool(ctx, "build", "-o", json2, "cmd/test2json"); err != nil {
		return nil, err
	}
	var found []outcome
	for i := range s.runs {
		r := &s.runs[i]
		cases, leftOut := s.share(r, j.cases), s.share(r, j.leftOut)
		if len(cases) == 0 {
			continue
		}
		binary, source, err := b.tests(ctx, s.module+r.pkg)
		if err != nil {
			return nil, err
		}
		tests := &goTests{
			json2: json2, binary: binary, dir: source, parent: r.parent, limit: r.limit, each: r.each, log: j.log,
			skip: skipping(append(r.within(leftOut), r.broken...)), env: append(os.Environ(), r.env(j.address)...),
		}
		if r.files != nil {
			tests.dir = filepath.Join(j.out, "work")
			if err := writeFiles(tests.dir, r.files(j.address)); err != nil {
				return nil, err
			}
		}
		all, err := tests.run(ctx, units(cases))
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			o.name = r.prefix + o.name
			found = append(found, *o)
		}
	}
	slices.SortFunc(found, func(a, b outcome) int { return strings.Compare(a.name, b.name) })
	return found, nil
}

// start is what the names of the cases of a run begin with.
func (r *goRun) start() string {
	if r.parent == "" {
		return r.prefix
	}
	return r.prefix + r.parent + "/"
}

// share returns the cases that belong to a run, without what their names begin with: to the run with the longest
// beginning that fits.
func (s *goSuite) share(r *goRun, cases []string) []string {
	var mine []string
	for _, name := range cases {
		best := 0
		for i := range s.runs {
			start, longest := s.runs[i].start(), s.runs[best].start()
			longer := len(start) > len(longest) || !strings.HasPrefix(name, longest)
			if strings.HasPrefix(name, start) && longer {
				best = i
			}
		}
		if &s.runs[best] == r {
			mine = append(mine, strings.TrimPrefix(name, r.start()))
		}
	}
	return mine
}

// within returns the full names of tests of a run.
func (r *goRun) within(names []string) []string {
	var full []string
	for _, name := range names {
		if r.parent != "" {
			name = r.parent + "/" + name
		}
		full = append(full, name)
	}
	return full
}

// units returns the tests that cases are parts of, each once, in their order.
func units(cases []string) []string {
	var found []string
	for _, name := range cases {
		unit, _, _ := strings.Cut(name, "/")
		if !slices.Contains(found, unit) {
			found = append(found, unit)
		}
	}
	return found
}

func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// goBuild builds tests of other modules from a module of its own, which asks for them.
type goBuild struct {
	dir string
	cgo bool
}

// fetch makes the module and adds the suite's to what it needs.
func (b *goBuild) fetch(ctx context.Context, s *goSuite) error {
	asked := filepath.Join(b.dir, "asked")
	want := s.module + "@" + s.version
	if got, err := os.ReadFile(asked); err == nil && string(got) == want {
		return nil
	}
	err := errors.Join(os.RemoveAll(b.dir), os.MkdirAll(b.dir, 0o755),
		os.WriteFile(filepath.Join(b.dir, "go.mod"), []byte("module conformance\n\ngo 1.26\n"), 0o644))
	if err != nil {
		return err
	}
	args := []string{"get", "-t", want}
	for i := range s.runs {
		if pkg := s.module + s.runs[i].pkg; !slices.Contains(args, pkg) {
			args = append(args, pkg)
		}
	}
	if err := b.goTool(ctx, args...); err != nil {
		return err
	}
	return os.WriteFile(asked, []byte(want), 0o644)
}

// tests compiles the tests of a package, unless that is done, and returns the binary and the folder of the sources.
func (b *goBuild) tests(ctx context.Context, pkg string) (binary, source string, err error) {
	binary = filepath.Join(b.dir, filepath.Base(pkg)+".test")
	if _, err := os.Stat(binary); err != nil {
		if err := b.goTool(ctx, "test", "-c", "-o", binary, pkg); err != nil {
			return "", "", err
		}
	}
	list := b.command(ctx, "list", "-f", "{{.Dir}}", pkg)
	text, err := list.Output()
	if err != nil {
		return "", "", fmt.Errorf("%v: %w", list, err)
	}
	return binary, strings.TrimSpace(string(text)), nil
}

func (b *goBuild) goTool(ctx context.Context, args ...string) error {
	cmd := b.command(ctx, args...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, text)
	}
	return nil
}

func (b *goBuild) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cgo := "CGO_ENABLED=0"
	if b.cgo {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off", cgo)
	return cmd
}
