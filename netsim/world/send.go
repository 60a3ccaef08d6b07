package world

import (
	"github.com/gregor-log/gregor/core/wire"
)

// outgoing is the replies that a connection has not sent: those not begun, and where the current one stands.
type outgoing struct {
	queue   []*wire.Reply
	current *wire.Reply
	part    int
	sent    int64 // of the part
}

// gatherSize is how many bytes are sent at once at most.
const gatherSize = 64 << 10

// takeReplies takes the replies that may leave.
func (c *Conn) takeReplies() {
	c.out.queue = c.side.Take(c.out.queue)
}

// waiting returns the bytes of memory that wait to be sent.
func (o *outgoing) waiting() int {
	n := 0
	for _, r := range o.queue {
		n += r.BufferSize()
	}
	return n
}

// pump sends as much as the connection's window takes, once a quarter of it is free: else each small piece that arrives
// would call for another as small (the silly window of RFC 1122, 4.2.3.4). The bytes of a span are read from its file
// only then.
func (c *Conn) pump() {
	n := c.node
	for c.atServer() && !c.failed {
		room := min(c.down.Room(), gatherSize)
		if room <= n.w.opts.Net.Window/4 {
			break
		}
		p := c.gather(n.w.buffer[:0], room)
		if len(p) == 0 {
			if c.closing && !c.failed {
				c.fail()
			}
			break
		}
		if hook := n.w.opts.Hooks.Reply; hook != nil {
			hook(n, p)
		}
		c.down.Send(c.w.now, p)
	}
	c.arm(&c.down, evDown)
}

// fail has the connection ended after the step.
func (c *Conn) fail() {
	c.failed = true
	c.node.failed = append(c.node.failed, c)
}

// endFailed ends the connections that could not go on, or have sent their last reply.
func (n *Node) endFailed() {
	for len(n.failed) > 0 {
		c := n.failed[0]
		n.failed = n.failed[1:]
		if c.failed {
			c.end(true)
		}
	}
}

// gather appends the next bytes of the replies to p, up to room of them in all.
func (c *Conn) gather(p []byte, room int) []byte {
	o := &c.out
	for len(p) < room && o.next(c.node) {
		bytes, span := o.current.Part(o.part)
		if span == nil {
			k := min(room-len(p), len(bytes)-int(o.sent))
			p = append(p, bytes[o.sent:int(o.sent)+k]...)
			o.advance(int64(k), int64(len(bytes)))
			continue
		}
		k := int(min(int64(room-len(p)), span.Length-o.sent))
		at := len(p)
		p = append(p, make([]byte, k)...)
		if got, err := span.File.ReadAt(p[at:], span.Offset+o.sent); got < k {
			// The file is shorter than when the span was made, or cannot be read: the reply cannot be finished.
			c.w.logf("node %d: connection %d ends: span of %d bytes at %d: got %d of %d: %v", c.node.opts.ID, c.id,
				span.Length, span.Offset, got, k, err)
			c.w.oracle.shortSpan(c, err)
			c.fail()
			return p[:at]
		}
		o.advance(int64(k), span.Length)
	}
	return p
}

// next makes sure that there is a current reply with a part left. It reports false at the end.
func (o *outgoing) next(n *Node) bool {
	for o.current == nil || o.part == o.current.Parts() {
		if o.current != nil {
			n.release(o.current)
			o.current = nil
		}
		if len(o.queue) == 0 {
			return false
		}
		o.current, o.part, o.sent = o.queue[0], 0, 0
		k := copy(o.queue, o.queue[1:])
		o.queue[k] = nil
		o.queue = o.queue[:k]
	}
	return true
}

func (o *outgoing) advance(n, size int64) {
	if o.sent += n; o.sent == size {
		o.part, o.sent = o.part+1, 0
	}
}

// release gives a reply back to the broker.
func (n *Node) release(r *wire.Reply) {
	if hook := n.w.opts.Hooks.Release; hook == nil || hook(n) {
		r.Release()
	}
}

// discard gives back everything.
func (o *outgoing) discard(n *Node) {
	if o.current != nil {
		n.release(o.current)
	}
	for _, r := range o.queue {
		n.release(r)
	}
	*o = outgoing{}
}
