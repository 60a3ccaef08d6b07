//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrKept reports a broker that keeps the files of what was deleted.
var ErrKept = errors.New("files of deleted topics are still there")

// UsableBytes returns how much room the volumes of a broker's log directories have left (KIP-827); false if it does not
// tell.
func (c *Conn) UsableBytes() (int64, bool, error) {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.SetVersion(4)
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{} // none; null would be all
	answer, err := c.Ask(req)
	if err != nil {
		return 0, false, err
	}
	res := answer.(*kmsg.DescribeLogDirsResponse)
	if err := refused(res.ErrorCode); err != nil {
		return 0, false, fmt.Errorf("describe log directories: %w", err)
	}
	usable, told := int64(0), false
	for _, d := range res.Dirs {
		if d.ErrorCode == 0 && d.UsableBytes >= 0 {
			usable, told = usable+d.UsableBytes, true
		}
	}
	return usable, told, nil
}

// AwaitRoom waits until a broker has so much room: a topic is deleted at once for clients, and its files when the
// broker comes to it.
func (c *Conn) AwaitRoom(ctx context.Context, bytes int64) error {
	const pause = 100 * time.Millisecond
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		usable, told, err := c.UsableBytes()
		if err != nil || !told || usable >= bytes {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: got room for %d bytes, expected %d: %w", ErrKept, usable, bytes, context.Cause(ctx))
		case <-again.C:
		}
	}
}
