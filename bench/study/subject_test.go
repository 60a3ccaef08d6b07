//go:build linux

package study_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/bench/study"
)

// small are options with which a study takes moments.
func small(t *testing.T) study.Options {
	t.Helper()
	return study.Options{
		Dir: t.TempDir(), TmpFS: t.TempDir(), Rounds: 2, Each: time.Millisecond, Bytes: 1 << 20,
		Flush: 2 * time.Millisecond, Partitions: []int{3, 1000}, Gigabytes: []int{1, 2, 4},
	}
}

// run studies a subject and checks what holds for all of them: a sample of each figure in each round, progress to the
// end, nothing left behind, and a folder of results that can be read back. A figure may be missing for the reason
// alone that the file system lacks something.
func run(t *testing.T, name string, o study.Options) *result.Study {
	t.Helper()
	found, err := study.Find(name)
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v, %v", found, err)
	}
	told, of := 0, 0
	o.Progress = func(done, total int) {
		if told++; done != told {
			t.Errorf("progress: got %d, expected %d", done, told)
		}
		of = total
	}
	s := found[0].Study(t.Context(), o)
	if s.Failure != "" || told != of || told == 0 {
		t.Fatalf("got failure %q, %d of %d steps", s.Failure, told, of)
	}
	for _, p := range s.Panels {
		if len(p.Points) == 0 {
			t.Errorf("%s: no points", p.Title)
		}
		for _, x := range p.Points {
			switch {
			case x.Failure != "" && strings.Contains(x.Failure, "invalid argument"),
				x.Failure != "" && strings.Contains(x.Failure, "keeps pages"):
				continue // a file system without O_DIRECT, or one that is the page cache
			case x.Failure != "":
				t.Errorf("%s: %s, %s: %s", p.Title, x.Group, x.Series, x.Failure)
			case !x.Published && len(x.Samples) == 0 || len(x.Samples) > o.Rounds:
				t.Errorf("%s: %s, %s: got %v", p.Title, x.Group, x.Series, x.Samples)
			}
		}
	}
	for _, dir := range []string{o.Dir, o.TmpFS} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	out := filepath.Join(t.TempDir(), "run")
	if err := (&result.Run{Version: result.Version, Studies: []*result.Study{s}}).Write(out); err != nil {
		t.Fatal(err)
	}
	again, err := result.ReadRun(out)
	if err != nil || len(again.Studies) != 1 || len(again.Studies[0].Panels) != len(s.Panels) {
		t.Errorf("read back: got %+v, %v", again, err)
	}
	return s
}

func TestJacobs(t *testing.T) {
	o := small(t)
	o.Rounds = 1 // each makes files and memory as large as the study's
	p := run(t, "jacobs", o).Panels[0]
	if got := p.At("at random, memory", "2009: memory"); !got.Published || got.Samples[0] != 36.7e6 {
		t.Errorf("got %+v", got)
	}
	ordered, random := p.At("in order, memory", "here").Interval(), p.At("at random, memory", "here").Interval()
	if ordered.Median <= random.Median {
		t.Errorf("memory: got %v in order, %v at random", ordered, random)
	}
}

func TestFind(t *testing.T) {
	if _, err := study.Find("nothing"); !errors.Is(err, study.ErrSubject) {
		t.Errorf("got %v, expected ErrSubject", err)
	}
	all, err := study.Find("all")
	if err != nil || len(all) != len(study.Subjects()) {
		t.Errorf("got %d, %v", len(all), err)
	}
	for _, s := range all {
		if s.Name == "" || s.What == "" {
			t.Errorf("got %+v", s)
		}
	}
}

// TestStudyEndsWithItsContext: what was interrupted says so.
func TestStudyEndsWithItsContext(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	for _, s := range study.Subjects() {
		if got := s.Study(ctx, small(t)); !strings.Contains(got.Failure, why.Error()) {
			t.Errorf("%s: got failure %q, expected %q", s.Name, got.Failure, why)
		}
	}
}
