//go:build linux

package matrix

import (
	"errors"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/gregortest"
)

// TestValidation: a compressed batch whose records nobody can inflate is refused, but by gregor in the rows that have
// it look at the header alone. So those rows measure what they say.
func TestValidation(t *testing.T) {
	damaged, err := load.NewCompressed(batch.LZ4, 16<<10, 100, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	clear(batch.Batch(damaged.Bytes).Payload()[:64])
	batch.Batch(damaged.Bytes).UpdateCRC()
	address := gregortest.Start(t).Addr()
	for _, c := range []struct {
		row, side string
		want      error
	}{
		{"produce-16k-lz4", result.Gregor, load.ErrRefused}, {"produce-16k-lz4-header", result.Gregor, nil},
		{"produce-16k-lz4-header", "kafka", load.ErrRefused},
	} {
		rows, err := Find(c.row)
		if err != nil {
			t.Fatal(err)
		}
		i := &peer.Instance{Name: c.side, Address: address, Foreign: true}
		s, err := rows[0].work.open(t.Context(), i, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = load.Produce{
			Address: address, Topic: s.(*producing).topic.name, Partitions: 1, Connections: 1, InFlight: 1,
			Batch: damaged, Acks: 1, Requests: 1,
		}.Run(t.Context())
		if !errors.Is(err, c.want) {
			t.Errorf("%s, %s: got %v, expected %v", c.row, c.side, err, c.want)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}
