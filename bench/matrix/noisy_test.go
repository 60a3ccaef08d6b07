//go:build linux

package matrix_test

import (
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// TestNoisyRows has no round whose limit is steady enough: as many as were asked for are taken all the same, the least
// unsteady of those that there were, and the row says so.
func TestNoisyRows(t *testing.T) {
	const rounds, dropped, never = 2, 1, 1e-12
	m, err := matrix.Measure(t.Context(), row(t, "produce-tiny"), matrix.Options{
		Dir: t.TempDir(), Rounds: rounds, Window: short, Loop: loops(t), Drift: never,
		Peers: []peer.Peer{{Name: result.Gregor, Address: gregortest.Start(t).Addr()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Failure, matrix.ErrNoisy.Error()) || !strings.Contains(m.Failure, "0 of 3 rounds") ||
		!strings.Contains(m.Failure, "changed by up to") {
		t.Errorf("got %q, expected that no round was steady", m.Failure)
	}
	if m.Rounds != rounds || m.Dropped != dropped {
		t.Errorf("got %d rounds and %d dropped, expected %d and %d", m.Rounds, m.Dropped, rounds, dropped)
	}
	for _, name := range []string{result.Gregor, result.Limit} {
		if got := len(m.Side(name).Samples); got != rounds {
			t.Errorf("%s: got %d samples, expected %d", name, got, rounds)
		}
	}
	r := result.Run{Version: result.Version, Rows: []*result.Measurement{m}}
	if err := r.Write(t.TempDir()); err != nil {
		t.Error(err)
	}
}
