//go:build linux

package matrix

import (
	"context"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// beyond has a produce row write more than the kernel keeps dirty. Until that limit a log is as fast as memory; from
// then on writers wait for the disk, and a broker is as fast as its disk only if it never stands still meanwhile.
//
// What is written up to the limit does not count: the figure is that of the bytes behind it.
type beyond struct {
	limits dirtyLimits
	skip   int64 // bytes before a sample's window
	most   int64 // bytes in all
}

const (
	sustainedWindow = 20 * time.Second
	sustainedTimes  = 2 // the limit is written so many times
	sustainedRounds = 2 // each sample takes as long as all of another row
	sustainedShare  = 2 // of the room on the disk, at most this part is filled
)

func sustainedRows() []*Row {
	w := &produce{
		batch: 1 << 20, record: 1024, connections: 2, inFlight: 3, length: sustainedWindow, acks: 1, beyond: &beyond{},
	}
	return []*Row{{
		Name: "sustained", Unit: "mb_per_s", Durability: "page-cache", work: w, MostRounds: sustainedRounds,
		What: "produce batches of 1 MB beyond what the kernel keeps dirty, so that the disk has to keep up; no side " +
			"begins before all is written back, and what comes before that limit does not count",
		Settings: []result.Setting{
			setting("batch_bytes", w.batch), setting("record_bytes", w.record), setting("connections", w.connections),
			setting("partitions", int(w.parts())), setting("in_flight", w.inFlight), setting("acks", int(w.acks)),
			{Key: "validation", Value: "full"}, {Key: "latency", Value: "closed loop"},
			{Key: "limit", Value: "syncs each file of 1 GiB that it has left, as brokers flush a rolled segment"},
		},
		Aims: []result.Aim{{Against: "kafka", AtLeast: 1}, {Against: result.Limit, AtLeast: 0.95}},
	}}
}

var _ adapting = (*produce)(nil)

// adapt finds out how much is to be written.
func (w *produce) adapt(o *Options) ([]result.Setting, error) {
	if w.beyond == nil {
		return nil, nil
	}
	free, _, err := room(o.Dir)
	if err != nil {
		return nil, err
	}
	w.beyond.limits, err = readDirtyLimits("/proc")
	if err != nil {
		return nil, err
	}
	w.beyond.skip, w.beyond.most = w.beyond.limits.limit, sustainedTimes*w.beyond.limits.limit
	if w.beyond.most > free/sustainedShare {
		return nil, fmt.Errorf("%w: %s has %d bytes free, expected %d", ErrNoRoom, o.Dir, free,
			sustainedShare*w.beyond.most)
	}
	return nil, nil
}

// begin has a sample end when enough is written; it begins with nothing dirty, as all do (run.settle).
func (b *beyond) begin(over *load.Window) {
	if b == nil {
		return
	}
	over.Warm, over.SkipBytes, over.MostBytes = 0, b.skip, b.most-b.skip
}

// notes says where the limits were.
func (b *beyond) notes() []result.Setting {
	return []result.Setting{
		setting("dirty_limit_bytes", int(b.limits.limit)), setting("dirty_background_bytes", int(b.limits.background)),
		setting("bytes_before", int(b.skip)), setting("bytes_at_most", int(b.most)),
	}
}

// noteRoom asks another's broker how much room it has, for awaitRoom.
func (t *topic) noteRoom() (err error) {
	if t.conn != nil && !t.own {
		t.room, _, err = t.conn.UsableBytes()
	}
	return err
}

// awaitRoom waits until another's broker has about as much room as it had before: the files of a topic are on the disk
// that the next side is to have for itself.
func (t *topic) awaitRoom(ctx context.Context, conn *load.Conn) error {
	if t.room == 0 {
		return nil
	}
	// Others write to the disk as well, a little.
	const slack = 1 << 30
	return conn.AwaitRoom(ctx, t.room-slack)
}
