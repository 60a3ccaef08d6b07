//go:build linux

package matrix

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/commitlog"
)

// TestRecoveryPoint reads what a broker has left: no log, then beside the partition's folder an empty checkpoint, as
// Kafka's is at first, one without the partition, one with it, and a damaged one.
func TestRecoveryPoint(t *testing.T) {
	dir := t.TempDir()
	if _, known, err := recoveryPoint(dir, "topic"); known || err != nil {
		t.Errorf("no log: got known %v, %v", known, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "topic-0"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "data", commitlog.RecoveryPointFile)
	for _, c := range []struct {
		text string
		want base.Offset
	}{{"", 0}, {"0\n1\nother 0 7\n", 0}, {"0\n2\nother 0 7\ntopic 0 9\n", 9}} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if point, known, err := recoveryPoint(dir, "topic"); point != c.want || !known || err != nil {
			t.Errorf("%q: got %d, known %v, %v, expected %d", c.text, point, known, err, c.want)
		}
	}
	if err := os.WriteFile(file, []byte("0\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := recoveryPoint(dir, "topic"); !errors.Is(err, commitlog.ErrBadCheckpoint) {
		t.Errorf("got %v, expected ErrBadCheckpoint", err)
	}
}

// TestRecoverySize: a log is whole batches, and never more than a part of the machine.
func TestRecoverySize(t *testing.T) {
	w := new(recovery)
	o := Options{Dir: t.TempDir(), LogBytes: 3*recoveryBatch - 1}
	if got, err := w.adapt(&o); err != nil || w.bytes != 2*recoveryBatch || len(got) != 1 ||
		got[0] != (result.Setting{Key: "log_bytes", Value: "2097152"}) {
		t.Errorf("got %v, %v, %d bytes", got, err, w.bytes)
	}
	o.LogBytes = 1 << 60
	if _, err := w.adapt(&o); err != nil || w.bytes <= 0 || w.bytes >= o.LogBytes {
		t.Errorf("got %d bytes, %v, expected what the machine has room for", w.bytes, err)
	}
	o.LogBytes = 1
	if _, err := w.adapt(&o); !errors.Is(err, ErrNoSpace) {
		t.Errorf("got %v, expected ErrNoSpace", err)
	}
}
