//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
)

// loopTopic is the topic that raw loops know. All topics have names as long as it, so that all frames are as long.
const loopTopic = "bench-loop"

// topic is a topic of a broker that was created for a row and that nobody else uses.
type topic struct {
	name    string
	conn    *load.Conn // nil for a raw loop, which knows no topics
	address string
	own     bool // the broker goes with its files
	// room is how many bytes another's broker had left before the topic was filled, if that is to be so again.
	room int64
}

// newTopic creates a topic with a new name; of a raw loop it returns the one that it knows.
func newTopic(ctx context.Context, i *peer.Instance, loop bool, partitions int32, configs map[string]string) (*topic,
	error) {
	if loop {
		return &topic{name: loopTopic}, nil
	}
	conn, err := load.Dial(ctx, i.Address)
	if err != nil {
		return nil, err
	}
	t := &topic{
		name: newName(), conn: conn, address: i.Address, own: !i.Foreign,
	}
	if err := conn.CreateTopic(ctx, t.name, partitions, configs); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return t, nil
}

// ErrLost reports a log that does not hold what was acknowledged.
var ErrLost = errors.New("acknowledged records are not in the log")

// checkEnds compares the ends of a topic's logs with what was acknowledged, and returns them. A raw loop has
// none.
func (t *topic) checkEnds(partitions int32, records int64) (ends []int64, err error) {
	if t.conn == nil {
		return nil, nil
	}
	if ends, err = t.conn.EndOffsets(t.name, partitions); err != nil {
		return nil, err
	}
	var have int64
	for _, end := range ends {
		have += end
	}
	if have != records {
		return nil, fmt.Errorf("%w: got %d, expected %d", ErrLost, have, records)
	}
	return ends, nil
}

// drop deletes the topic of a broker that goes on without us, on a connection of its own: the other one is closed when
// the run is interrupted, and nothing may be left behind then either.
func (t *topic) drop() error {
	if t.conn == nil {
		return nil
	}
	err := t.conn.Close()
	if t.own {
		return err
	}
	if errors.Is(err, net.ErrClosed) {
		err = nil // it was interrupted
	}
	patience := 30 * time.Second // thousands of partitions take a while
	if t.room > 0 {
		patience = 2 * time.Minute // Kafka keeps files for one (log.segment.delete.delay.ms)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, derr := load.Dial(ctx, t.address)
	if derr != nil {
		return errors.Join(err, derr)
	}
	defer conn.Close()
	if derr = conn.DeleteTopic(t.name); derr == nil {
		derr = t.awaitRoom(ctx, conn)
	}
	return errors.Join(err, derr)
}
