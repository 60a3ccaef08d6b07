//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
)

// loopTopic is the topic that raw loops know. All topics have names as long as it, so that all frames are as long.
const loopTopic = "bench-loop"

// topic is a topic of a broker that was created for a row and that nobody else uses.
type topic struct {
	name string
	conn *load.Conn // nil for a raw loop, which knows no topics
	own  bool       // the broker goes with its files
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
	t := &topic{name: fmt.Sprintf("bench-%04x", rand.N(1<<16)), conn: conn, own: !i.Foreign}
	if err := conn.CreateTopic(ctx, t.name, partitions, configs); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return t, nil
}

// drop deletes the topic of a broker that goes on without us.
func (t *topic) drop() error {
	if t.conn == nil {
		return nil
	}
	var err error
	if !t.own {
		err = t.conn.DeleteTopic(t.name)
	}
	return errors.Join(err, t.conn.Close())
}
