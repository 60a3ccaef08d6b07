package world

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/netsim/clock"
)

// Actor decides what a client does. Its methods are called at events of the client, one at a time, and may call the
// client's.
type Actor interface {
	// Wake says that the time has come that WakeAt asked for.
	Wake()
	// Second comes once a second of the world, unasked.
	Second()
	// Connected says that a connection to a node is open.
	Connected(node int)
	// Answered brings the answer to a request. Both are the client's again when the call returns.
	Answered(r *Request, res kmsg.Response)
	// Lost says that a request will not be answered, and that nobody knows what became of it.
	Lost(r *Request)
	// Disconnected says that there is no connection to a node any more, after all Lost. Connect makes another.
	Disconnected(node int)
}

// Request is one request that was sent.
type Request struct {
	Node         int
	Key, Version int16
	Correlation  int32
	// Tag is the actor's own.
	Tag int64
	// Sent is when it was sent, and Deadline when its connection is given up if no answer came.
	Sent, Deadline clock.Time
	// Fence tells the answer's process from later ones, for the ledger.
	Fence Fence
}

// Client is a process that speaks to brokers over connections of its own, in real frames.
type Client struct {
	w     *World
	index int32
	name  string
	actor Actor
	peers []*peer
	// formatter writes frames, and answers are the messages that responses are decoded into, by API key.
	formatter *kmsg.RequestFormatter
	answers   [wire.MaxKey + 1]kmsg.Response
	free      []*Request
	frame     []byte

	// wakeAt is the actor's timer, planned the event that is planned for it and for deadlines; 0 for none.
	wakeAt, planned clock.Time
}

// peer is what a client has to do with one node.
type peer struct {
	client *Client
	node   *Node
	index  int
	up     pathEnd
	down   pathEnd
	// conn is the connection in use, nil for none.
	conn        *Conn
	correlation int32
	pending     []*Request
	in          []byte
	// due is the earliest deadline of what is pending, or of dialing; 0 for none.
	due clock.Time
}

// NewClient adds a client. Its number is the count of those before it.
func (w *World) NewClient(actor Actor) *Client {
	c := &Client{w: w, index: int32(len(w.clients)), actor: actor}
	c.name = fmt.Sprintf("c%d", c.index)
	c.formatter = kmsg.NewRequestFormatter(kmsg.FormatterClientID(c.name))
	for i, n := range w.nodes {
		c.peers = append(c.peers, &peer{
			client: c, node: n, index: i, up: w.pathOf(c.name, n.name), down: w.pathOf(n.name, c.name),
		})
	}
	w.clients = append(w.clients, c)
	return c
}

// Name returns the client's name, which is also its client id.
func (c *Client) Name() string { return c.name }

// Index returns the client's number.
func (c *Client) Index() int { return int(c.index) }

// Source returns a stream of chance that belongs to the client and a purpose.
func (c *Client) Source(purpose string) env.Source {
	return c.w.source("%s/%s", c.name, purpose)
}

// WakeAt has Actor.Wake called at an instant, instead of any asked for before; 0 calls it off.
func (c *Client) WakeAt(at clock.Time) {
	c.wakeAt = at
	c.arm()
}

// WakeIn is WakeAt a time from now.
func (c *Client) WakeIn(d time.Duration) {
	c.WakeAt(c.w.now.Add(max(d, 1)))
}

// arm plans the event for the earliest of all that the client waits for.
func (c *Client) arm() {
	at := c.wakeAt
	for _, p := range c.peers {
		if p.due != 0 && (at == 0 || p.due < at) {
			at = p.due
		}
	}
	if at == 0 || c.planned != 0 && c.planned <= at {
		return
	}
	c.planned = max(at, c.w.now)
	c.w.plan(c.planned, evWake, c.index, 0)
}

// wake is the client's timer.
func (c *Client) wake(e *event) {
	if e.at != c.planned {
		return
	}
	c.planned = 0
	something := false
	for _, p := range c.peers {
		if p.due != 0 && p.due <= c.w.now {
			something = p.expire() || something
		}
	}
	if c.wakeAt != 0 && c.wakeAt <= c.w.now {
		c.wakeAt, something = 0, true
		c.actor.Wake()
	}
	if something {
		c.w.count(e, nil, nil, uint64(c.w.stats.Requests))
	}
	c.arm()
}

func (c *Client) greet() {
	c.actor.Second()
}

// Connect opens a connection to a node, unless there is one. Actor.Connected follows, or Disconnected after timeout.
func (c *Client) Connect(node int, timeout time.Duration) {
	p := c.peers[node]
	if p.conn != nil {
		return
	}
	p.conn = c.w.newConn(p)
	p.due = c.w.now.Add(timeout)
	c.arm()
}

// Connection reports whether a connection to a node is open.
func (c *Client) Connection(node int) bool {
	p := c.peers[node]
	return p.conn != nil && p.conn.client == clientOpen
}

// Pending returns how many requests to a node wait for their answer.
func (c *Client) Pending(node int) int {
	return len(c.peers[node].pending)
}

// Ask sends a request, in the version that is set in it, over the open connection to a node. If it is to be answered,
// the answer comes within the timeout, or the connection is given up. It returns the request's correlation id, which is
// the client's own for as long as the world lasts.
func (c *Client) Ask(node int, req kmsg.Request, tag int64, timeout time.Duration, answered bool) int32 {
	p := c.peers[node]
	r := c.request()
	*r = Request{
		Node: node, Key: req.Key(), Version: req.GetVersion(), Correlation: p.correlation, Tag: tag, Sent: c.w.now,
		Deadline: c.w.now.Add(timeout), Fence: c.w.ledger.fence(p.node, p.conn.life),
	}
	p.correlation++
	c.frame = c.formatter.AppendRequest(c.frame[:0], req, r.Correlation)
	p.conn.up.Send(c.w.now, c.frame)
	p.conn.arm(&p.conn.up, evUp)
	c.w.stats.Requests++
	correlation := r.Correlation
	if !answered {
		c.free = append(c.free, r)
		return correlation
	}
	if c.answers[r.Key] == nil {
		c.answers[r.Key] = req.ResponseKind()
	}
	p.pending = append(p.pending, r)
	if p.due == 0 || r.Deadline < p.due {
		p.due = r.Deadline
		c.arm()
	}
	return correlation
}

func (c *Client) request() *Request {
	if n := len(c.free); n > 0 {
		r := c.free[n-1]
		c.free = c.free[:n-1]
		return r
	}
	return new(Request)
}

// Disconnect gives up the connection to a node. What was pending is lost.
func (c *Client) Disconnect(node int) {
	p := c.peers[node]
	conn := p.conn
	if conn == nil {
		return
	}
	conn.client = clientClosed
	conn.up.Finish(c.w.now)
	conn.arm(&conn.up, evUp)
	p.lost(conn)
}

// vanish forgets all connections without a word, as a machine does that loses its power.
func (c *Client) vanish() {
	for _, p := range c.peers {
		if conn := p.conn; conn != nil {
			conn.client = clientGhost
			conn.up.Drop()
			p.lost(conn)
		}
	}
}

// expire gives the connection up if something has waited too long. It reports whether it did.
func (p *peer) expire() bool {
	p.due = 0
	for _, r := range p.pending {
		if r.Deadline <= p.client.w.now {
			p.client.w.oracle.timeouts++
			p.client.Disconnect(p.index)
			return true
		}
		if p.due == 0 || r.Deadline < p.due {
			p.due = r.Deadline
		}
	}
	if p.conn != nil && p.conn.client == clientDialing {
		p.client.Disconnect(p.index)
		return true
	}
	return false
}

// connected takes up a connection that is open.
func (p *peer) connected(c *Conn) {
	p.due = 0
	p.in = p.in[:0]
	p.client.actor.Connected(p.index)
}

// lost gives up a connection that is closed.
func (p *peer) lost(c *Conn) {
	if p.conn != c {
		return
	}
	p.conn, p.due, p.in = nil, 0, p.in[:0]
	pending := p.pending
	p.pending = nil
	for _, r := range pending {
		p.client.actor.Lost(r)
	}
	p.client.free = append(p.client.free, pending...)
	p.client.actor.Disconnected(p.index)
}

// receive puts bytes together to frames, and hands on what they answer.
func (p *peer) receive(c *Conn, piece []byte) {
	w := p.client.w
	in := piece
	if len(p.in) > 0 {
		p.in = append(p.in, piece...)
		in = p.in
	}
	for len(in) >= wire.LengthSize {
		size := int(int32(binary.BigEndian.Uint32(in)))
		if size < 4 || size > 1<<30 {
			w.violate("bad-frame", "%s: got a frame of %d bytes", p.client.name, size)
			return
		}
		if len(in) < wire.LengthSize+size {
			break
		}
		frame := in[wire.LengthSize : wire.LengthSize+size]
		in = in[wire.LengthSize+size:]
		p.answer(c, frame)
		if p.conn != c {
			return // given up by whoever got the answer
		}
	}
	if len(in) == 0 {
		p.in = p.in[:0]
	} else if len(p.in) > 0 {
		p.in = p.in[:copy(p.in, in)]
	} else {
		p.in = append(p.in, in...)
	}
}

// answer hands one response to the actor.
func (p *peer) answer(c *Conn, frame []byte) {
	w := p.client.w
	if len(p.pending) == 0 {
		w.violate("unasked-answer", "%s: got a response of %d bytes, and no request waits", p.client.name, len(frame))
		return
	}
	r := p.pending[0]
	p.pending = p.pending[:copy(p.pending, p.pending[1:])]
	if len(p.pending) == 0 {
		p.due = 0
	}
	w.stats.Answers++
	if res := w.oracle.decode(p.client, r, frame); res != nil {
		p.client.actor.Answered(r, res)
	} else if p.conn == c {
		p.client.actor.Lost(r)
		p.client.Disconnect(p.index)
	}
	p.client.free = append(p.client.free, r)
}
