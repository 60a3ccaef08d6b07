//go:build linux

package matrix

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// beyond has a produce row write more than the kernel keeps dirty. Until that limit a log is as fast as memory; from
// then on writers wait for the disk, and a broker is as fast as its disk only if it never stands still meanwhile.
//
// All sides write as much, so that the share that fits into memory is the same for all.
type beyond struct {
	limits dirtyLimits
	most   int64 // bytes a sample
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
		unprimed: true,
		What: "produce batches of 1 MB beyond what the kernel keeps dirty, so that the disk has to keep up; no side " +
			"begins before all is written back",
		Settings: []result.Setting{
			setting("batch_bytes", w.batch), setting("record_bytes", w.record), setting("connections", w.connections),
			setting("partitions", int(w.parts())), setting("in_flight", w.inFlight), setting("acks", int(w.acks)),
			{Key: "validation", Value: "full"}, {Key: "latency", Value: "closed loop"},
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
	free, err := freeBytes(o.Dir)
	if err != nil {
		return nil, err
	}
	w.beyond.limits, err = readDirtyLimits("/proc")
	w.beyond.most = min(sustainedTimes*w.beyond.limits.limit, free/sustainedShare)
	return nil, err
}

// begin has a sample begin with nothing dirty, and end when enough is written.
func (b *beyond) begin(over *load.Window) {
	if b == nil {
		return
	}
	unix.Sync()
	over.Warm, over.MostBytes = 0, b.most
}

// notes says where the limits were, and who wrote beyond them in each sample.
func (b *beyond) notes(m *result.Measurement) []result.Setting {
	var within []string
	all := []result.Setting{
		setting("dirty_limit_bytes", int(b.limits.limit)), setting("dirty_background_bytes", int(b.limits.background)),
		setting("most_bytes", int(b.most)),
	}
	for _, s := range m.Sides {
		if len(s.Samples) == 0 || s.Name == result.ClientAlone {
			continue
		}
		least := s.Samples[0].Bytes
		for _, x := range s.Samples {
			least = min(least, x.Bytes)
		}
		all = append(all, setting("written_bytes_"+s.Name, int(least)))
		if least <= b.limits.limit {
			within = append(within, s.Name)
		}
	}
	reached := "by all"
	if len(within) > 0 {
		reached = "not by " + strings.Join(within, ", ")
	}
	return append(all, result.Setting{Key: "dirty_limit_passed", Value: reached})
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
