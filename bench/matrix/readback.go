//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"

	"github.com/gregor-log/gregor/bench/load"
)

// ErrLost reports a log that does not hold what was acknowledged.
var ErrLost = errors.New("acknowledged records are not in the log")

// A log up to readWhole bytes is read back as a whole after a sample, of a larger one the first and the last readPart
// bytes of each partition: whoever loses something loses it at an end, or everywhere.
const (
	readWhole = 64 << 20
	readPart  = 16 << 20
)

// readBack compares the log with what was acknowledged: so many copies of a batch.
func (p *producing) readBack(ctx context.Context, b load.Batch, acknowledged int64) error {
	if p.topic.conn == nil {
		return nil
	}
	ends, err := p.topic.conn.EndOffsets(p.topic.name, p.work.parts())
	if err != nil {
		return err
	}
	var have int64
	for _, end := range ends {
		have += end
	}
	if records := acknowledged * int64(b.Records); have != records {
		return fmt.Errorf("%w: got %d, expected %d", ErrLost, have, records)
	}
	v := load.Verify{
		Address: p.address, Topic: p.topic.name, Batch: b, Ends: ends, Whole: readWhole, Part: readPart,
	}
	_, err = v.Run(ctx)
	return err
}
