//go:build linux

package matrix_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/gregortest"
)

// TestWarm keeps two brokers under load of a row that writes and of one that reads, and leaves nothing behind.
func TestWarm(t *testing.T) {
	const each = 300 * time.Millisecond
	b := gregortest.Start(t)
	peers := []peer.Peer{{Name: "one", Address: b.Addr()}, {Name: "other", Address: gregortest.Start(t).Addr()}}
	o := matrix.Options{Dir: t.TempDir(), Peers: peers}
	for _, name := range []string{"produce-64k", "fetch-64k"} {
		answered, err := matrix.Warm(t.Context(), row(t, name), o, each)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range peers {
			if answered[p.Name] < 1 {
				t.Errorf("%s: got no answer of %s", name, p.Name)
			}
		}
	}
	c, err := load.Dial(t.Context(), b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer, err := c.Ask(kmsg.NewPtrMetadataRequest())
	if err != nil {
		t.Fatal(err)
	}
	if left := answer.(*kmsg.MetadataResponse).Topics; len(left) > 0 {
		t.Errorf("got topics %v, expected none", left)
	}
}
