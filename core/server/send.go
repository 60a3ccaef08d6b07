//go:build unix

package server

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// sender sends a connection's replies in order. Whoever completes a reply calls flush, which sends what the socket
// takes without waiting; where it takes no more, a goroutine goes on until everything is sent.
type sender struct {
	c  *conn
	mu struct {
		sync.Mutex
		outgoing
		blocked  bool // by a full socket, at the last send
		draining bool // a goroutine waits for the socket and sends
		closing  bool // close when everything is sent
		dropped  bool
		fault    error
	}
	// send is sendLocked in the form that the socket wants, made once.
	send func(fd uintptr) bool
	// clock is touch in the form that the broker wants, made once.
	clock func() base.Mono
	// wake tells the reader that there is room again.
	wake chan struct{}
}

// outgoing is what is being sent: replies not yet begun, bytes gathered from them, and a span that follows the bytes.
type outgoing struct {
	queue   []*wire.Reply
	current *wire.Reply // whose parts are being gathered
	part    int         // the next of them
	buf     *[]byte     // gathered bytes, from a pool; nil while nothing is to be sent
	gather  []byte      // the part of buf that is not sent
	span    *wire.Span
	sent    int64 // of span
	stalls  vfs.Stalls
}

const (
	// gatherSize is how many bytes are gathered into one send.
	gatherSize = 64 << 10
	// smallSpan is the size up to which a span is gathered too, rather than sent by itself: a read costs less than
	// a send of its own.
	smallSpan = 16 << 10
)

func (o *sender) init(c *conn) {
	o.c = c
	o.send = func(fd uintptr) bool {
		o.mu.blocked = o.sendLocked(int(fd))
		return true
	}
	o.clock = c.touch
	o.wake = make(chan struct{}, 1)
}

// flush takes the replies that are ready and sends what the socket takes.
func (o *sender) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushLocked()
}

func (o *sender) flushLocked() {
	o.mu.queue = o.c.side.TakeTimed(o.mu.queue, o.clock)
	if o.mu.dropped || o.mu.fault != nil {
		o.mu.discard()
		return
	}
	if o.mu.draining {
		return
	}
	o.mu.blocked = false
	err := o.c.raw.Write(o.send)
	o.endLocked(err, o.mu.blocked)
}

// endLocked goes on after a send: to wait for the socket, to close it, or to do nothing.
func (o *sender) endLocked(err error, blocked bool) {
	if err != nil {
		o.mu.fault = err
	}
	switch {
	case o.mu.fault != nil || o.mu.dropped: // drop leaves to a drain what that is sending
		o.mu.discard()
		o.c.close()
	case blocked:
		o.mu.draining = true
		go o.drain()
	case o.mu.closing:
		o.c.close()
	}
	o.signalLocked()
}

// drain sends as the socket takes it, until everything is sent.
func (o *sender) drain() {
	err := o.c.raw.Write(func(fd uintptr) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.c.touch()
		blocked := !o.mu.dropped && o.sendLocked(int(fd))
		o.signalLocked()
		return !blocked
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.draining = false
	// What came in since the last send is not lost: whoever brought it saw draining and left it here.
	blocked := err == nil && o.mu.fault == nil && !o.mu.dropped && o.mu.pending()
	o.endLocked(err, blocked)
}

// sendLocked sends until nothing is left or the socket is full, which it reports.
func (o *sender) sendLocked(fd int) (blocked bool) {
	for o.mu.fill() {
		n, err := o.mu.sendOnce(fd)
		if n > 0 {
			o.c.s.bytes.out.Add(n)
		}
		switch {
		case err == nil || errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return true
		default:
			o.mu.fault = err
			return false
		}
	}
	return false
}

// await waits while the client has too much to take, and reports false if the connection or the server ends. Where only
// the last replies are left to send it waits for that, as the reader closes the socket when it ends.
func (o *sender) await(done <-chan struct{}) bool {
	for {
		o.mu.Lock()
		closing := o.mu.closing
		ended := o.mu.dropped || o.mu.fault != nil || closing && !o.mu.draining
		crowded := o.mu.waiting() > mostWaitingBytes || o.c.side.Backlog() >= mostRequests
		o.mu.Unlock()
		switch {
		case ended:
			return false
		case closing:
			<-o.wake // at the latest when somebody closes the socket under the sender
			continue
		case !crowded:
			return true
		}
		select {
		case <-o.wake:
		case <-done:
			return false
		}
	}
}

func (o *sender) signalLocked() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// closeWhenSent closes the connection after what there is to send, replies included that others are about to take.
func (o *sender) closeWhenSent() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.closing = true
	o.flushLocked()
}

// drop gives up everything that is not sent.
func (o *sender) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.dropped = true
	if !o.mu.draining {
		o.mu.discard()
	}
	o.signalLocked()
}

// pending reports whether anything is left to send.
func (g *outgoing) pending() bool {
	return len(g.queue) > 0 || g.current != nil || len(g.gather) > 0
}

// waiting returns the bytes of memory that wait to be sent.
func (g *outgoing) waiting() int {
	n := len(g.gather)
	for _, r := range g.queue {
		n += r.BufferSize()
	}
	return n
}

// fill gathers parts of replies up to gatherSize bytes or the next span. It reports whether there is anything to send.
func (g *outgoing) fill() bool {
	if len(g.gather) > 0 || g.span != nil {
		return true
	}
	if g.buf != nil {
		g.gather = (*g.buf)[:0]
	}
	for g.span == nil && len(g.gather) < gatherSize {
		if !g.nextReply() {
			break
		}
		bytes, span := g.current.Part(g.part)
		g.part++
		switch {
		case span == nil:
			g.append(bytes)
		case !g.gatherSpan(span):
			g.span, g.sent = span, 0
		}
	}
	if len(g.gather) == 0 && g.span == nil {
		g.releaseBuffer()
		return false
	}
	return true
}

// nextReply makes sure that current has a part left. It reports false when there are no more.
func (g *outgoing) nextReply() bool {
	if g.current != nil && g.part < g.current.Parts() {
		return true
	}
	if g.current != nil {
		g.current.Release()
		g.current = nil
	}
	if len(g.queue) == 0 {
		return false
	}
	g.current, g.part = g.queue[0], 0
	n := copy(g.queue, g.queue[1:])
	g.queue[n] = nil
	g.queue = g.queue[:n]
	return true
}

func (g *outgoing) append(p []byte) {
	if g.buf == nil {
		g.buf = borrow(gatherSize)
		g.gather = (*g.buf)[:0]
	}
	g.gather = append(g.gather, p...)
}

// gatherSpan reads a small span, or one that the kernel cannot send, into the gathered bytes. A large one of those goes
// in pieces: it stays the span. It reports false for a span to be sent by itself.
func (g *outgoing) gatherSpan(span *wire.Span) bool {
	if span.Length > smallSpan {
		return false
	}
	g.append(nil)
	at := len(g.gather)
	g.gather = append(g.gather, make([]byte, span.Length)...)
	if n, err := span.File.ReadAt(g.gather[at:], span.Offset); int64(n) < span.Length {
		// The file is shorter than when the span was made, or cannot be read: let the send fail on it.
		_ = err
		g.gather = g.gather[:at]
		return false
	}
	return true
}

// sendOnce makes one system call's worth of progress.
func (g *outgoing) sendOnce(fd int) (int64, error) {
	if len(g.gather) > 0 {
		n, err := send(fd, g.gather, g.span != nil)
		if n > 0 {
			g.gather = g.gather[n:]
		}
		return int64(n), err
	}
	left := g.span.Length - g.sent
	if d, ok := g.span.File.(vfs.Descriptor); ok {
		begin := g.stalls.Before()
		n, err := sendFile(fd, d.Fd(), g.span.Offset+g.sent, left)
		g.stalls.After(begin)
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF // the file ends before the span: never wait for bytes that cannot come
		}
		g.advance(n)
		return n, err
	}
	return 0, g.readSpan(left)
}

// readSpan gathers the next piece of a span whose file is not the kernel's.
func (g *outgoing) readSpan(left int64) error {
	g.append(nil)
	n := min(left, int64(cap(*g.buf)))
	piece := (*g.buf)[:n]
	if got, err := g.span.File.ReadAt(piece, g.span.Offset+g.sent); int64(got) < n {
		return errors.Join(io.ErrUnexpectedEOF, err)
	}
	g.gather = piece
	g.advance(n)
	return nil
}

func (g *outgoing) advance(n int64) {
	if n <= 0 {
		return
	}
	g.sent += n
	if g.sent == g.span.Length {
		g.span.Release()
		g.span = nil
	}
}

func (g *outgoing) releaseBuffer() {
	if g.buf != nil {
		giveBack(g.buf)
	}
	g.buf, g.gather = nil, nil
}

// discard gives up everything.
func (g *outgoing) discard() {
	if g.current != nil {
		g.current.Release()
	}
	for i, r := range g.queue {
		r.Release()
		g.queue[i] = nil
	}
	g.queue, g.current, g.span = g.queue[:0], nil, nil
	g.releaseBuffer()
}
