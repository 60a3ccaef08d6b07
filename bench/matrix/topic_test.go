//go:build linux

package matrix

import (
	"context"
	"testing"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/gregortest"
)

// TestInterruptedRunsLeaveNothing: the topic on another's broker is deleted also when the run has been interrupted,
// which ends its connections.
func TestInterruptedRunsLeaveNothing(t *testing.T) {
	i := &peer.Instance{Name: "other", Address: gregortest.Start(t).Addr(), Foreign: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	made, err := newTopic(ctx, i, false, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := load.Dial(t.Context(), i.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.EndOffsets(made.name, 1); err != nil {
		t.Fatalf("the topic is not there: %v", err)
	}
	cancel()
	if err := made.drop(); err != nil {
		t.Error(err)
	}
	if ends, err := conn.EndOffsets(made.name, 1); err == nil {
		t.Errorf("the topic is left, with ends %v", ends)
	}
}
