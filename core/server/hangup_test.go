//go:build unix

package server_test

import (
	"context"
	"io"
	"log/slog"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/vfs"
)

// refusals is a log that tells of each request for which its connection is to be closed.
type refusals chan struct{}

func (r refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r refusals) WithGroup(string) slog.Handler            { return r }

func (r refusals) Handle(_ context.Context, e slog.Record) error {
	if e.Message == "connection closed" {
		r <- struct{}{}
	}
	return nil
}

// await waits for a request to be refused.
func (r refusals) await(t *testing.T) {
	t.Helper()
	select {
	case <-r:
	case <-time.After(patience):
		t.Fatal("the request was not refused")
	}
}

// unsupported is a request that no broker knows, as a frame.
func unsupported() []byte {
	return []byte{0, 0, 0, 10, 3, 231, 0, 0, 0, 0, 0, 9, 255, 255}
}

// What a client asked for before the request that its connection is closed for is answered, even if it takes time.
func TestCloseForCauseWaitsForAcks(t *testing.T) {
	t.Run("unsupported request", func(t *testing.T) { closeWaitsForAcks(t, unsupported()) })
	t.Run("bad length", func(t *testing.T) { closeWaitsForAcks(t, []byte{255, 255, 255, 255, 0, 0, 0, 1, 0}) })
}

func closeWaitsForAcks(t *testing.T, bad []byte) {
	held, refused := make(chan struct{}), make(refusals, 1)
	fs := vfs.NewFaults(vfs.NewMem(vfs.MemOptions{}), nil)
	s := startOn(t, fs, "/data", slog.New(refused))
	let := sync.OnceFunc(func() { close(held) })
	t.Cleanup(let)
	c := dial(t, s)
	c.createTopic("t", "flush.messages", "1")
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpSync && path.Base(path.Dir(op.Name)) == "t-0" && strings.HasSuffix(op.Name, ".log") {
			<-held
		}
		return vfs.Decision{}
	})
	asked := produceRequest("t", -1, records(t, []byte("a")))
	c.write(append(c.frame(asked, 9), bad...))
	refused.await(t)
	let()
	if code := c.decode(asked).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Errorf("got error %d, expected none", code)
	}
	c.closed()
}

// A client that is slow to read gets every reply before its connection is closed for cause, to the last byte.
func TestCloseForCauseWaitsForASlowReader(t *testing.T) {
	refused := make(refusals, 1)
	s := startOn(t, vfs.NewOS(), t.TempDir(), slog.New(refused))
	c := dial(t, s)
	c.createTopic("t")
	value := make([]byte, 900_000)
	produced := c.ask(produceRequest("t", 1, records(t, value)), 9).(*kmsg.ProduceResponse)
	if code := produced.Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("produce: code %d", code)
	}
	const asked = 60
	first := c.corr + 1
	var all []byte
	for range asked {
		all = append(all, c.frame(fetchRequest("t", 0, 100, 1, 1<<20), 12)...)
	}
	c.write(append(all, unsupported()...))
	refused.await(t)
	for want := first; want < first+asked; want++ {
		if got, _ := c.read(); got != want {
			t.Fatalf("got correlation id %d, expected %d", got, want)
		}
	}
	if n, err := io.Copy(io.Discard, c.conn); n > 0 || err != nil {
		t.Fatalf("got %d more bytes (%v), expected the end", n, err)
	}
}
