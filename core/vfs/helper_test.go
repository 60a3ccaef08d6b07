package vfs

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/core/env"
)

// under is one file system under test: all names lie below root.
type under struct {
	fs   FS
	root string
}

func (u under) at(name string) string { return path.Join(u.root, name) }

// kinds are the file systems that keep the same promises. os_test.go adds the operating system's.
var kinds = map[string]func(t *testing.T) under{
	"mem":       func(*testing.T) under { return under{NewMem(MemOptions{}), "/"} },
	"crashable": func(*testing.T) under { return under{NewMem(MemOptions{Crashable: true}), "/"} },
	"faults":    func(*testing.T) under { return under{NewFaults(NewMem(MemOptions{}), nil), "/"} },
}

// each runs a test against every kind of file system.
func each(t *testing.T, test func(t *testing.T, u under)) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// classOf names the sentinels that an error wraps.
func classOf(err error) string {
	if err == nil {
		return "ok"
	}
	var found []string
	for _, s := range []struct {
		name     string
		sentinel error
	}{
		{"not exist", ErrNotExist}, {"exist", ErrExist}, {"no space", ErrNoSpace}, {"io", ErrIO}, {"eof", io.EOF},
		{"read only", ErrReadOnly}, {"is dir", ErrIsDir}, {"not dir", ErrNotDir}, {"not empty", ErrNotEmpty},
		{"invalid", ErrInvalid}, {"locked", ErrLocked}, {"closed", ErrClosed}, {"power lost", ErrPowerLost},
	} {
		if errors.Is(err, s.sentinel) {
			found = append(found, s.name)
		}
	}
	if found == nil {
		return "other: " + err.Error()
	}
	return strings.Join(found, ", ")
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: got %v, expected %v", what, err, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a file that is closed when the test ends, unless it was before.
func open(t *testing.T, fs FS, name string, mode Mode) File {
	t.Helper()
	f, err := fs.Open(name, mode)
	check(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t *testing.T, f File, data string, off int64) {
	t.Helper()
	n, err := f.WriteAt([]byte(data), off)
	check(t, err)
	if n != len(data) {
		t.Fatalf("wrote %d bytes, expected %d", n, len(data))
	}
}

// put creates or replaces a file and leaves it unsynced.
func put(t *testing.T, fs FS, name, data string) {
	t.Helper()
	f := open(t, fs, name, Truncate)
	write(t, f, data, 0)
	check(t, f.Close())
}

// putSynced is put with a sync of the file.
func putSynced(t *testing.T, fs FS, name, data string) {
	t.Helper()
	f := open(t, fs, name, Truncate)
	write(t, f, data, 0)
	check(t, f.Sync())
	check(t, f.Close())
}

func wantFile(t *testing.T, fs FS, name, want string) {
	t.Helper()
	got, err := ReadFile(fs, name)
	check(t, err)
	if string(got) != want {
		t.Errorf("%s: got %s, expected %s", name, brief(got), brief([]byte(want)))
	}
}

// brief writes bytes as runs: "a*512 0*100".
func brief(p []byte) string {
	var b strings.Builder
	for i := 0; i < len(p); {
		j := i
		for j < len(p) && p[j] == p[i] {
			j++
		}
		c := string(p[i])
		if p[i] < ' ' || p[i] > '~' {
			c = fmt.Sprintf("\\%d", p[i])
		}
		fmt.Fprintf(&b, "%s*%d ", c, j-i)
		i = j
	}
	return strings.TrimSpace(b.String())
}

// tree writes all names below a directory with the files' contents, one a line.
func tree(t *testing.T, fs FS, root string) string {
	t.Helper()
	var b strings.Builder
	var walk func(dir, shown string)
	walk = func(dir, shown string) {
		entries, err := fs.List(dir)
		check(t, err)
		for _, e := range entries {
			name := path.Join(shown, e.Name)
			if e.Dir {
				fmt.Fprintf(&b, "%s/\n", name)
				walk(path.Join(dir, e.Name), name)
				continue
			}
			data, err := ReadFile(fs, path.Join(dir, e.Name))
			check(t, err)
			if int64(len(data)) != e.Size {
				t.Errorf("%s: read %d bytes, listed with %d", name, len(data), e.Size)
			}
			fmt.Fprintf(&b, "%s %s\n", name, brief(data))
		}
	}
	walk(root, "")
	return b.String()
}

// dice is a seeded source of small numbers.
type dice struct{ env.Source }

func newDice(seed uint64) dice { return dice{env.NewSeeded(seed, "vfs test")} }

// below returns a number from 0 to n-1.
func (d dice) below(n int) int { return int(d.Uint64() % uint64(n)) }

// of returns one of its arguments.
func of[T any](d dice, choices ...T) T { return choices[d.below(len(choices))] }
