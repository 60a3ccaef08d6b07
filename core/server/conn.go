//go:build unix

package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/wire"
)

// conn is one connection: the socket and the broker's side of it.
type conn struct {
	s    *Server
	l    *listener
	tcp  *net.TCPConn
	raw  syscall.RawConn
	side *broker.Conn
	out  sender
	// active is the instant of the last bytes in or out, as base.Mono.
	active atomic.Int64
	once   sync.Once

	// What follows is the reader's alone.
	in      buffer
	effects broker.Effects
	// largest is the size of the largest frame so far: up to it, the connection is trusted with a buffer at once.
	largest int
	// last is the size of the last frame.
	last int
	// garbled says that a length could not be: what follows it is no frame and is dropped until the connection ends.
	garbled bool
	// receive is readOnce in the form that the socket wants, made once; received and failed are its outcome.
	receive  func(fd uintptr) bool
	received int
	failed   error
}

// The most that one connection may have under way before it is no longer read.
const (
	mostRequests     = 1000
	mostWaitingBytes = 1 << 20
)

func newConn(s *Server, l *listener, tcp *net.TCPConn, side *broker.Conn) (*conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{s: s, l: l, tcp: tcp, raw: raw, side: side}
	side.Owner = c
	c.receive = c.readOnce
	c.out.init(c)
	c.touch()
	return c, nil
}

// touch notes that the connection is in use now, and returns the instant.
func (c *conn) touch() base.Mono {
	now := c.s.now().Mono
	c.active.Store(int64(now))
	return now
}

// read is the connection's reader: it serves requests until the connection ends.
func (c *conn) read() {
	err := c.serve()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.s.log.Debug("connection ended", "peer", c.side.Peer(), "cause", err.Error())
	}
	c.in.release()
	c.close()
	c.s.broker.Step(c.s.now(), broker.Input{Kind: broker.Closed, Conn: c.side}, &c.effects)
	c.s.carryOut(&c.effects)
	c.release()
}

// serve reads frames and steps the broker until an error.
func (c *conn) serve() error {
	for {
		if err := c.fill(); err != nil {
			return err
		}
		c.touch()
		if err := c.frames(); err != nil {
			return err
		}
		if !c.out.await(c.s.done) {
			return net.ErrClosed
		}
	}
}

// frames serves every whole frame of the buffer, then carries out the effects of all of them.
func (c *conn) frames() error {
	defer c.s.carryOut(&c.effects)
	for {
		p := c.in.bytes()
		if c.garbled {
			c.in.take(len(p))
			return nil
		}
		if len(p) < wire.LengthSize {
			return nil
		}
		size := int(int32(binary.BigEndian.Uint32(p)))
		if size < 0 || size > int(c.s.cfg.RequestMaxBytes) {
			c.refuse(size)
			continue
		}
		if len(p) < wire.LengthSize+size {
			return nil
		}
		c.last = wire.LengthSize + size
		c.largest = max(c.largest, c.last)
		frame := p[wire.LengthSize : wire.LengthSize+size]
		c.s.broker.Step(c.s.now(), broker.Input{Kind: broker.Frame, Conn: c.side, Frame: frame}, &c.effects)
		c.in.take(wire.LengthSize + size)
		if c.side.Backlog() >= mostRequests {
			c.s.carryOut(&c.effects)
			if !c.out.await(c.s.done) {
				return net.ErrClosed
			}
		}
	}
}

// refuse has the broker close the connection for a frame whose length cannot be, after the replies to those before it:
// a frame without a header is one that nobody can answer.
func (c *conn) refuse(size int) {
	c.s.log.Debug("bad frame length", "peer", c.side.Peer(), "got", size, "most", c.s.cfg.RequestMaxBytes)
	c.garbled = true
	c.s.broker.Step(c.s.now(), broker.Input{Kind: broker.Frame, Conn: c.side}, &c.effects)
}

// largeFrame is the size from which on a read ends with its frame: what lies behind it would have to be moved, and a
// large frame that begins where the one before began finds its bytes in the processor's cache.
const largeFrame = 32 << 10

// fill waits for bytes and reads them behind those that are there. It holds a buffer only while there are some.
func (c *conn) fill() error {
	err := c.raw.Read(c.receive)
	n, rerr := c.received, c.failed
	if err != nil {
		return err
	}
	if rerr != nil {
		return fmt.Errorf("read: %w", rerr)
	}
	if n <= 0 {
		return io.EOF
	}
	c.in.grow(n)
	c.s.bytes.in.Add(int64(n))
	return nil
}

// readOnce reads what there is. It reports false if there is nothing, and then holds no empty buffer.
func (c *conn) readOnce(fd uintptr) bool {
	wanted := c.wanted()
	room := c.in.room(wanted)
	if missing := wanted - len(c.in.bytes()); wanted > largeFrame && missing > 0 {
		room = room[:min(missing, len(room))]
	}
	for {
		c.received, c.failed = syscall.Read(int(fd), room)
		if c.failed != syscall.EINTR {
			break
		}
	}
	if c.failed == syscall.EAGAIN {
		c.in.releaseIfEmpty()
		return false
	}
	return true
}

// wanted returns how large the buffer may be made at once: what the frame that has begun needs, if the connection has
// shown before that it sends such frames, or as much as the last frame had.
func (c *conn) wanted() int {
	p := c.in.bytes()
	if len(p) < wire.LengthSize {
		return c.last
	}
	size := wire.LengthSize + int(int32(binary.BigEndian.Uint32(p)))
	return min(size, 2*c.largest)
}

// stopReading ends the reader after the frames that it has.
func (c *conn) stopReading() {
	// An error means that the socket is closed, which ends the reader too.
	_ = c.tcp.CloseRead()
}

// close closes the socket; the reader then ends.
func (c *conn) close() {
	_ = c.tcp.Close() // an error only says that it was closed before
}

// release forgets the connection.
func (c *conn) release() {
	c.once.Do(func() {
		c.close()
		c.out.drop()
		c.s.mu.Lock()
		delete(c.s.mu.conns, c)
		c.s.mu.Unlock()
		c.s.limits.leave(c.side.Peer())
		c.s.limits.give(c.l)
		c.l.open.Add(-1)
	})
}

// flush sends the replies that are ready.
func (c *conn) flush() {
	c.out.flush()
}

// closeWhenSent closes the connection once the replies that are ready, the last ones, are sent.
func (c *conn) closeWhenSent() {
	c.out.closeWhenSent()
}
