//go:build linux

package study_test

import (
	"context"
	"flag"
	"os/exec"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// loops runs raw loops as gregor bench loop does: those in Go in this process until the test ends, those in C in one of
// their own.
func loops(t *testing.T) func(func(string) ([]string, error)) peer.Peer {
	return func(arguments func(dir string) ([]string, error)) peer.Peer {
		dir := t.TempDir()
		given, err := arguments(dir)
		if err != nil {
			t.Fatal(err)
		}
		var built string
		o := limit.Options{FileBytes: 1 << 30}
		flags := flag.NewFlagSet("loop", flag.ContinueOnError)
		flags.StringVar((*string)(&o.Kind), "kind", "", "")
		flags.StringVar(&o.Dir, "dir", "", "")
		flags.StringVar(&built, "built", "", "")
		flags.StringVar(&o.Source.Path, "source", "", "")
		flags.StringVar(&o.Source.Topic, "topic", "", "")
		flags.Int64Var(&o.Source.BatchBytes, "batch-bytes", 0, "")
		flags.Int64Var(&o.Source.BatchRecords, "batch-records", 0, "")
		flags.Int64Var(&o.Source.SpanBytes, "span-bytes", 0, "")
		if err := flags.Parse(given); err != nil {
			t.Fatal(err)
		}
		if o.Kind.Native() {
			return peer.Peer{Name: result.Limit, Command: func(_, address string) ([]string, error) {
				return limit.NativeCommand(t.Context(), address, o, built)
			}}
		}
		ctx, cancel := context.WithCancel(context.Background())
		s, err := limit.Serve(ctx, "127.0.0.1:0", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cancel()
			s.Wait()
		})
		return peer.Peer{Name: result.Limit, Address: s.Address()}
	}
}

// TestLoops: with a compiler each load has both languages and their ratio, without one Go's alone.
func TestLoops(t *testing.T) {
	o := small(t)
	o.Loop, o.Each, o.Rounds = loops(t), 200*time.Millisecond, 1
	s := run(t, "loops", o)
	panels, sides := 3, 2
	if _, err := exec.LookPath("cc"); err != nil {
		panels, sides = 2, 1
	}
	if len(s.Panels) != panels || len(s.Panels[0].Series()) != sides || len(s.Panels[0].Groups()) != 4 ||
		len(s.Panels[1].Groups()) != 2 {
		t.Errorf("got %d panels, sides %q", len(s.Panels), s.Panels[0].Series())
	}
}

// TestLoopsWithoutCompiler says so, and has figures of the loops in Go.
func TestLoopsWithoutCompiler(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := small(t)
	o.Loop, o.Each, o.Rounds = loops(t), 200*time.Millisecond, 1
	s := run(t, "loops", o)
	if got := s.Panels[0].Series(); len(s.Panels) != 2 || len(got) != 1 || got[0] != "Go" || len(s.Notes) != 2 {
		t.Errorf("got %d panels, sides %q, notes %q", len(s.Panels), got, s.Notes)
	}
}
