//go:build linux

package matrix_test

import (
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// settings returns a measurement's settings by their keys.
func settings(m *result.Measurement) map[string]string {
	all := make(map[string]string)
	for _, s := range m.Settings {
		all[s.Key] = s.Value
	}
	return all
}

// TestCompressedRows measures gregor beside a broker that does not know gregor's configuration; both take the batches.
func TestCompressedRows(t *testing.T) {
	for _, name := range []string{"produce-16k-lz4", "produce-16k-zstd-header"} {
		m, err := matrix.Measure(t.Context(), row(t, name), matrix.Options{
			Dir: t.TempDir(), Rounds: 1, Window: short, Loop: loops(t),
			Peers: []peer.Peer{
				{Name: result.Gregor, Address: gregortest.Start(t).Addr()},
				{Name: "other", Address: gregortest.Start(t).Addr()},
			},
			Drift: anyDrift,
		})
		if err != nil {
			t.Fatal(err)
		}
		if m.Failure != "" {
			t.Fatalf("%s: got %s", m.Row, m.Failure)
		}
		got := settings(m)
		if got["inflated_bytes"] == "" || got["batch_bytes"] == "" || got["codec"] == "" {
			t.Errorf("%s: got settings %v", name, got)
		}
	}
}
