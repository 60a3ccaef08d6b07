//go:build linux

package study_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/study"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	const runs = 2
	told := 0
	figures, err := study.Run(context.Background(), study.Config{
		Dir: dir, Bytes: 8 << 20, Runs: runs, Longest: time.Millisecond, Accesses: 64,
		Progress: func(done, total int) {
			if told++; done != told || total != 6*runs {
				t.Errorf("progress: got %d of %d, expected %d of %d", done, total, told, 6*runs)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != len(study.Works)*len(study.Stores) || told != 6*runs {
		t.Fatalf("got %d figures and %d steps", len(figures), told)
	}
	for i, f := range figures {
		if f.Work != study.Works[i/len(study.Stores)] || f.Store != study.Stores[i%len(study.Stores)] {
			t.Errorf("figure %d is of %s on %s", i, f.Work, f.Store)
		}
		reads := f.Work == study.LogRead || f.Work == study.RawRead || f.Work == study.RandomRead
		if len(f.Samples) != runs && !(f.Store == study.Device && reads) {
			t.Errorf("%s on %s: got %d samples, expected %d", f.Work, f.Store, len(f.Samples), runs)
		}
		if f.Low() > f.Median() || f.Median() > f.High() || (len(f.Samples) > 0 && f.Low() <= 0) {
			t.Errorf("%s on %s: got %v", f.Work, f.Store, f.Samples)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := study.Run(ctx, study.Config{Dir: t.TempDir(), Bytes: 8 << 20}); !errors.Is(err, why) {
		t.Errorf("got %v, expected %v", err, why)
	}
}

func TestRunRefusesTooFewBytes(t *testing.T) {
	if _, err := study.Run(context.Background(), study.Config{Dir: t.TempDir(), Bytes: 1}); err == nil {
		t.Error("got a study of one byte")
	}
}
