//go:build linux

package study_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/study"
)

// onTmpFS returns a new folder, on a tmpfs if there is one with room.
func onTmpFS(t *testing.T) string {
	t.Helper()
	const shared, room = "/dev/shm", 64 << 20
	var s unix.Statfs_t
	err := unix.Statfs(shared, &s)
	if err != nil || s.Type != unix.TMPFS_MAGIC || int64(s.Bavail)*s.Bsize < room {
		return t.TempDir() // the figures of tmpfs are missing then, and say why
	}
	dir, err := os.MkdirTemp(shared, "gregor-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestStores: each case has figures of the disk, tmpfs and memory.
func TestStores(t *testing.T) {
	o := small(t)
	o.TmpFS = onTmpFS(t)
	s := run(t, "stores", o)
	if len(s.Panels) != 7 { // appends by three factors, reads and lookups by two
		t.Fatalf("got %d panels, expected 7", len(s.Panels))
	}
	for i, groups := range []int{4, 4, 4, 4, 3, 3, 3} {
		p := s.Panels[i]
		if len(p.Groups()) != groups || len(p.Series()) != 3 || len(p.Points) != 3*groups {
			t.Errorf("%s: got groups %q, series %q", p.Title, p.Groups(), p.Series())
		}
	}
}

// TestStoresWithoutAPlace: what is no tmpfs, what is not there and what has no room fails in its own figures, with the
// reason; the others have theirs, and progress goes to the end.
func TestStoresWithoutAPlace(t *testing.T) {
	found, err := study.Find("stores")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(o *study.Options)
		why    string
		failed []string
	}{
		"no tmpfs":  {func(o *study.Options) { o.TmpFS = "/proc" }, "expected a tmpfs", []string{"tmpfs"}},
		"not there": {func(o *study.Options) { o.TmpFS = filepath.Join(o.Dir, "none") }, "no such", []string{"tmpfs"}},
		"no room": {func(o *study.Options) { o.TmpFS, o.Bytes = "/proc", 1<<56 }, "expected",
			[]string{"disk", "tmpfs", "memory"}},
	} {
		o, done, of := small(t), 0, 0
		o.Partitions = []int{3, 1000}
		c.change(&o)
		o.Progress = func(n, total int) { done, of = n, total }
		s := found[0].Study(t.Context(), o)
		if s.Failure != "" || done != of || done == 0 {
			t.Errorf("%s: got failure %q, %d of %d steps", name, s.Failure, done, of)
		}
		for _, p := range s.Panels {
			for _, x := range p.Points {
				fails := false
				for _, place := range c.failed {
					fails = fails || place == x.Series
				}
				if fails != strings.Contains(x.Failure, c.why) || fails != (len(x.Samples) == 0) {
					t.Errorf("%s: %s, %s, %s: got %d samples, failure %q", name, p.Title, x.Group, x.Series,
						len(x.Samples), x.Failure)
				}
			}
		}
	}
}

// TestStoresWithin: the class interval is bounded by bytes, however long its sync is in coming.
func TestStoresWithin(t *testing.T) {
	found, err := study.Find("stores")
	if err != nil {
		t.Fatal(err)
	}
	o := small(t)
	o.TmpFS, o.Partitions, o.Rounds, o.Bytes, o.Flush = "/proc", []int{}, 1, 1<<20, 1<<62
	if s := found[0].Study(t.Context(), o); s.Failure != "" { // it would go on for ever
		t.Error(s.Failure)
	}
}
