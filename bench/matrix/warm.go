//go:build linux

package matrix

import (
	"context"
	"errors"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// Warm has each peer do a row's work for so long and keeps no figure of it: a broker on a JVM is slow until its code is
// compiled. It returns how many requests each peer answered, by name. Rows that start their sides warm nothing.
func Warm(ctx context.Context, row *Row, o Options, each time.Duration) (answered map[string]int64, err error) {
	o.Window = load.Window{For: each}
	r := &run{Options: o, row: row, into: new(result.Measurement), kept: make(map[string]*side)}
	defer func() { err = errors.Join(err, r.end()) }()
	answered = make(map[string]int64)
	for _, p := range o.Peers {
		t, err := r.take(ctx, p, false)
		if err != nil {
			return nil, err
		}
		answered[p.Name] = t.Requests
	}
	return answered, nil
}
