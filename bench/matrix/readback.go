//go:build linux

package matrix

import (
	"context"

	"github.com/gregor-log/gregor/bench/load"
)

// A log up to readWhole bytes is read back as a whole after a sample, of a larger one the first and the last readPart
// bytes of each partition: whoever loses something loses it at an end, or everywhere.
const (
	readWhole = 64 << 20
	readPart  = 16 << 20
)

// readBack compares the log with what was acknowledged: so many copies of a batch.
func (p *producing) readBack(ctx context.Context, b load.Batch, acknowledged int64) error {
	ends, err := p.topic.checkEnds(p.work.parts(), acknowledged*int64(b.Records))
	if err != nil || ends == nil {
		return err
	}
	v := load.Verify{
		Address: p.address, Topic: p.topic.name, Batch: b, Ends: ends, Whole: readWhole, Part: readPart,
	}
	_, err = v.Run(ctx)
	return err
}
