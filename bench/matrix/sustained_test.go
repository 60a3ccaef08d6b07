//go:build linux

package matrix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// writeProc makes a folder with what readDirtyLimits reads of proc.
func writeProc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if err := errors.Join(err, os.WriteFile(full, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDirtyLimits(t *testing.T) {
	const memory = "MemTotal:  9999 kB\nMemAvailable:    1000 kB\nBuffers: 1 kB\n"
	files := func(background, backgroundBytes, limit, limitBytes int) map[string]string {
		return map[string]string{
			"meminfo": memory, "sys/vm/dirty_background_ratio": strconv.Itoa(background) + "\n",
			"sys/vm/dirty_background_bytes": strconv.Itoa(backgroundBytes) + "\n",
			"sys/vm/dirty_ratio":            strconv.Itoa(limit) + "\n",
			"sys/vm/dirty_bytes":            strconv.Itoa(limitBytes) + "\n",
		}
	}
	for _, c := range []struct {
		files map[string]string
		want  dirtyLimits
	}{
		{files(10, 0, 20, 0), dirtyLimits{102_400, 204_800}},
		{files(0, 4096, 0, 8192), dirtyLimits{4096, 8192}},
		{files(10, 0, 0, 8192), dirtyLimits{102_400, 8192}},
	} {
		if got, err := readDirtyLimits(writeProc(t, c.files)); err != nil || got != c.want {
			t.Errorf("got %+v, %v, expected %+v", got, err, c.want)
		}
	}
	none, silent := files(10, 0, 0, 0), files(10, 0, 20, 0)
	silent["meminfo"] = "MemTotal:  9999 kB\n"
	for _, bad := range []map[string]string{none, silent} {
		if got, err := readDirtyLimits(writeProc(t, bad)); !errors.Is(err, errDirtyLimit) {
			t.Errorf("got %+v, %v, expected errDirtyLimit", got, err)
		}
	}
	if _, err := readDirtyLimits(writeProc(t, map[string]string{"meminfo": memory})); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, expected ErrNotExist", err)
	}
	if got, err := readDirtyLimits("/proc"); err != nil || got.limit <= 0 {
		t.Errorf("this machine: got %+v, %v", got, err)
	}
}

// TestBeyond: a sample begins to count when the limit is passed and ends when enough is written, however long it might
// take.
func TestBeyond(t *testing.T) {
	const skip, most = 16 << 20, 48 << 20
	rows, err := Find("sustained")
	if err != nil {
		t.Fatal(err)
	}
	w := rows[0].work.(*produce)
	if _, err := w.adapt(&Options{Dir: t.TempDir()}); err != nil || w.beyond.most <= 0 {
		t.Fatalf("got %+v, %v", w.beyond, err)
	}
	w.beyond.skip, w.beyond.most = skip, most
	i := &peer.Instance{Name: "other", Address: gregortest.Start(t, gregortest.OnDisk()).Addr(), Foreign: true}
	s, err := w.open(t.Context(), i, false)
	if err != nil {
		t.Fatal(err)
	}
	if s.(*producing).topic.room <= 0 {
		t.Error("it is not known how much room the broker had")
	}
	got, err := s.sample(t.Context(), w.window())
	if err != nil {
		t.Fatal(err)
	}
	inFlight := int64(w.connections * w.inFlight * w.batch)
	counted := int64(most - skip)
	if got.Bytes < counted || got.Bytes > counted+inFlight || got.Elapsed >= w.length || got.Elapsed <= 0 {
		t.Errorf("got %d bytes in %v, expected %d in less than %v", got.Bytes, got.Elapsed, counted, w.length)
	}
	if all := got.All * int64(w.batch); all < most {
		t.Errorf("got %d bytes written in all, expected %d", all, most)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestMostRounds: a row with long samples takes fewer rounds than were asked for.
func TestMostRounds(t *testing.T) {
	row := Row{Name: "some", MostRounds: 1, work: &steady{}}
	loop := func(func(string) ([]string, error)) peer.Peer {
		return peer.Peer{Name: result.Limit, Address: gregortest.Start(t).Addr()}
	}
	m, err := Measure(t.Context(), &row, Options{
		Dir: t.TempDir(), Rounds: 10, Loop: loop, Window: load.Window{For: time.Nanosecond},
	})
	if err != nil || m.Rounds != 1 || m.Failure != "" {
		t.Errorf("got %d rounds, %q, %v, expected 1", m.Rounds, m.Failure, err)
	}
}

// steady is a workload whose every sample is alike, and takes no time.
type steady struct{ fetch }

func (*steady) loop(string) ([]string, error) { return nil, nil }

func (*steady) open(context.Context, *peer.Instance, bool) (subject, error) { return alike{}, nil }

type alike struct{}

func (alike) sample(context.Context, load.Window) (load.Result, error) {
	return load.Result{Requests: 1, Bytes: 1, Elapsed: 1, Latency: hdrhistogram.New(1, 2, 3)}, nil
}

func (alike) close() error { return nil }
