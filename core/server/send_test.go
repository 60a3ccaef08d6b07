//go:build unix

package server

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// pair returns a server's side of a connection, which nothing reads or serves, and the client's.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newConn(&Server{clock: env.NewClock()}, nil, accepted.(*net.TCPConn), broker.NewConn(nil, "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c, client
}

// pins counts how often a span's file was let go.
type pins int

func (p *pins) Unpin() {
	*p++
}

// spanReply returns a reply with n bytes of a file in it.
func spanReply(t *testing.T, n int64, pin wire.Pin) *wire.Reply {
	t.Helper()
	f, err := vfs.NewMem(vfs.MemOptions{}).Open("log", vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(n); err != nil {
		t.Fatal(err)
	}
	r := wire.NewReply(wire.RequestHeader{Key: 1, Version: 11})
	r.Records(wire.Span{File: f, Length: n, Pin: pin})
	r.Finish()
	return r
}

// A connection may be dropped at any moment of a send that waits for the socket. Its spans let go of their files, each
// once, whichever of the two comes first.
func TestDropLetsGoOfSpans(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*sender)
	}{
		{"while nobody sends", func(o *sender) { o.mu.draining = false; o.drop() }},
		{"while the send is about to go on", func(o *sender) { o.drop(); o.drain() }},
		{"after the send has failed", func(o *sender) { o.c.close(); o.drain(); o.drop() }},
		{"before the send fails", func(o *sender) { o.drop(); o.c.close(); o.drain() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := pair(t)
			var let pins
			c.out.mu.queue = []*wire.Reply{spanReply(t, 100_000, &let), spanReply(t, 1, &let)}
			if !c.out.mu.fill() { // a part is being sent
				t.Fatal("nothing to send")
			}
			c.out.mu.draining = true
			test.run(&c.out)
			if let != 2 {
				t.Errorf("%d of 2 spans let go of their files", let)
			}
		})
	}
}

// Who closes a connection for cause may be faster than who sends its last replies: they are sent all the same, once.
func TestCloseTakesTheLastReplies(t *testing.T) {
	st := newStepper(t)
	c, client := pair(t)
	st.conn = c.side
	st.request(kmsg.NewPtrApiVersionsRequest(), 0)
	c.closeWhenSent()
	c.flush()
	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) < wire.LengthSize || int(binary.BigEndian.Uint32(got)) != len(got)-wire.LengthSize {
		t.Errorf("got %d bytes, expected one reply", len(got))
	}
	st.effects.Reset()
	if err := st.s.broker.Close(); err != nil {
		t.Error(err)
	}
}
