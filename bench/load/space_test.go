//go:build linux

package load_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/gregortest"
)

// TestAwaitRoom: a broker with enough room is not waited for, and one that does not get it is named.
func TestAwaitRoom(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c, err := load.Dial(t.Context(), gregortest.Start(t, gregortest.OnDisk()).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	usable, told, err := c.UsableBytes()
	if err != nil || !told || usable <= 0 {
		t.Fatalf("got %d, told %v, %v", usable, told, err)
	}
	if err := c.AwaitRoom(ctx, 1); err != nil {
		t.Error(err)
	}
	if err := c.AwaitRoom(ctx, math.MaxInt64); !errors.Is(err, load.ErrKept) {
		t.Errorf("got %v, expected ErrKept", err)
	}
}
