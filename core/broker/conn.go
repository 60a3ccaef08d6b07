package broker

import (
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// Listener is one address that clients connect to. Metadata answers with the address of the listener that the request
// came in on.
type Listener struct {
	Name string
	// Host and Port are the advertised address.
	Host string
	Port int32
}

// Conn is one client's connection as the broker sees it: the order of its requests and the replies that are ready.
type Conn struct {
	// Owner is the driver's own object for the connection.
	Owner any

	listener *Listener
	peer     string
	share    uint8 // of the counters

	mu struct {
		sync.Mutex
		// slots hold the requests that have no reply on its way yet, oldest first; head is the number of the oldest.
		slots []slot
		head  uint64
		// ready are the replies that may leave, in order.
		ready  []answer
		closed bool
		// refusing says that no more requests are served: the connection is closed when the last slot is gone.
		refusing bool
		// parked are the operations of this connection that wait for something.
		parked map[uint64]canceller
		// software is what ApiVersions told of the client.
		software string
	}
}

// slot is one request that is being served.
type slot struct {
	answer
	done bool
}

// answer is a request's reply, with what its time is counted by.
type answer struct {
	reply *wire.Reply // nil where no reply is due (acks=0)
	stats *apiStats
	began base.Mono
}

// canceller is an operation that waits and can be told that nobody wants its reply any more.
type canceller interface {
	cancel(b *Broker)
}

// NewConn makes the broker's side of a connection that came in on a listener. peer is the client's address without the
// port.
func NewConn(l *Listener, peer string) *Conn {
	return &Conn{listener: l, peer: peer, share: nextShare()}
}

// Peer returns the client's address.
func (c *Conn) Peer() string {
	return c.peer
}

// begin takes the number of the next request, which came at an instant and is counted in stats. It reports false if no
// more requests are served.
func (c *Conn) begin(stats *apiStats, at base.Mono) (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.refusing || c.mu.closed {
		return 0, false
	}
	c.mu.slots = append(c.mu.slots, slot{answer: answer{stats: stats, began: at}})
	return c.mu.head + uint64(len(c.mu.slots)) - 1, true
}

// refuseMore has later requests dropped, and the connection closed once those that it has are completed.
func (c *Conn) refuseMore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.refusing = true
}

// complete gives request seq its reply, or nil if none is due. Replies that may leave now become ready, and the
// connection is added to out: to be sent to, and to be closed if these are its last. The reply belongs to the
// connection.
func (c *Conn) complete(seq uint64, reply *wire.Reply, out *Effects) {
	c.mu.Lock()
	if c.mu.closed {
		c.mu.Unlock()
		if reply != nil {
			reply.Release()
		}
		return
	}
	s := &c.mu.slots[seq-c.mu.head]
	if s.done {
		base.Fail("request %d completed twice", seq)
	}
	s.reply, s.done = reply, true
	before := len(c.mu.ready)
	n := 0
	for n < len(c.mu.slots) && c.mu.slots[n].done {
		if a := c.mu.slots[n].answer; a.reply != nil {
			c.mu.ready = append(c.mu.ready, a)
		}
		c.mu.slots[n] = slot{}
		n++
	}
	c.mu.head += uint64(n)
	if n == len(c.mu.slots) {
		c.mu.slots = c.mu.slots[:0]
	} else {
		c.mu.slots = c.mu.slots[n:]
	}
	ready := len(c.mu.ready) > before
	last := c.mu.refusing && len(c.mu.slots) == 0
	c.mu.Unlock()
	if ready {
		out.Ready = append(out.Ready, c)
	}
	if last {
		out.Close = append(out.Close, c)
	}
}

// Take moves the replies that are ready to the end of dst and returns it. The caller sends them in that order and
// releases each. Takers of one connection must keep their turns until what they took is sent.
func (c *Conn) Take(dst []*wire.Reply) []*wire.Reply {
	return c.TakeTimed(dst, nil)
}

// TakeTimed is Take with a clock: the requests are said to have lasted until it is read, which is done once, and only
// if a reply is ready. Without one no times are counted.
func (c *Conn) TakeTimed(dst []*wire.Reply, clock func() base.Mono) []*wire.Reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	var now base.Mono
	if clock != nil && len(c.mu.ready) > 0 {
		now = clock()
	}
	for i := range c.mu.ready {
		a := &c.mu.ready[i]
		a.end(c.share, now)
		dst = append(dst, a.reply)
	}
	clear(c.mu.ready)
	c.mu.ready = c.mu.ready[:0]
	return dst
}

// Backlog returns how many requests of the connection are being served or have replies that were not taken.
func (c *Conn) Backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.mu.slots) + len(c.mu.ready)
}

// park notes that request seq waits.
func (c *Conn) park(seq uint64, op canceller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.parked == nil {
		c.mu.parked = make(map[uint64]canceller)
	}
	c.mu.parked[seq] = op
}

// unpark notes that request seq no longer waits.
func (c *Conn) unpark(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.mu.parked, seq)
}

// end drops what the connection still has: nobody reads it.
func (c *Conn) end(b *Broker) {
	c.mu.Lock()
	if c.mu.closed {
		c.mu.Unlock()
		return
	}
	c.mu.closed = true
	answers := c.mu.ready
	for _, s := range c.mu.slots {
		if s.reply != nil {
			answers = append(answers, s.answer)
		}
	}
	waiting := make([]canceller, 0, len(c.mu.parked))
	for seq := c.mu.head; seq < c.mu.head+uint64(len(c.mu.slots)); seq++ {
		if op, ok := c.mu.parked[seq]; ok {
			waiting = append(waiting, op)
		}
	}
	c.mu.ready, c.mu.slots, c.mu.parked = nil, nil, nil
	c.mu.Unlock()
	for _, op := range waiting {
		op.cancel(b)
	}
	for _, a := range answers {
		a.reply.Release()
	}
}
