package world

import (
	"encoding/binary"
	"slices"

	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/link"
)

// pathEnd is one direction between a client and a node, with its own chance.
type pathEnd struct {
	*link.Path
	usual link.Path
	rand  env.Source
}

// stream is one direction of a connection, with the event that is planned for its next piece.
type stream struct {
	*link.Stream
	path *pathEnd
	// planned is the event's instant, gen tells it from earlier ones; 0 for none.
	planned clock.Time
	gen     uint32
}

// Conn is one connection between a client and a node, both ends of it.
type Conn struct {
	w    *World
	id   int32
	peer *peer
	node *Node
	up   stream
	down stream

	// The client's end.
	client clientState

	// The server's end. life is the process that it belongs to.
	server  serverState
	life    uint32
	side    *broker.Conn
	in      []byte
	out     outgoing
	closing bool // end it once all is sent
	failed  bool // end it after the step
}

// clientState is the state of a connection's end at the client.
type clientState uint8

const (
	clientDialing clientState = iota
	clientOpen
	clientClosed
	// clientGhost is a machine that has forgotten the connection and is not there to say so.
	clientGhost
)

// serverState is the state of a connection's end at the node.
type serverState uint8

const (
	serverNone serverState = iota // not accepted yet, or over
	serverOpen
)

// newConn makes a connection that the client wishes for.
func (w *World) newConn(p *peer) *Conn {
	c := &Conn{w: w, id: int32(len(w.conns)), peer: p, node: p.node}
	c.up = stream{Stream: link.NewStream(p.up.Path, p.up.rand, w.opts.Net.Window), path: &p.up}
	c.down = stream{Stream: link.NewStream(p.down.Path, p.down.rand, w.opts.Net.Window), path: &p.down}
	w.conns = append(w.conns, c)
	w.plan(w.now.Add(p.up.Latency(p.up.rand)), evSyn, c.id, 0)
	return c
}

// arm plans the event for the next piece of a stream.
func (c *Conn) arm(s *stream, kind eventKind) {
	at, ok := s.Due()
	if !ok || s.path.Held() || s.planned != 0 && s.planned <= at {
		return
	}
	s.gen++
	s.planned = max(at, c.w.now)
	c.w.plan(s.planned, kind, c.id, s.gen)
}

// doConn does an event of a connection.
func (w *World) doConn(c *Conn, e *event) {
	switch e.kind {
	case evSyn:
		c.syn(e)
	case evOpened:
		c.opened(e)
	case evUp:
		c.arriveUp(e)
	case evDown:
		c.arriveDown(e)
	case evResetUp:
		c.arriveResetUp(e)
	case evResetDown:
		if c.down.path.Held() || c.client == clientClosed || c.client == clientGhost {
			return
		}
		w.count(e, nil, nil, 0)
		c.client = clientClosed
		c.peer.lost(c)
	}
	c.retire()
}

// retire forgets a connection that neither end knows any more, once nothing is on its way.
func (c *Conn) retire() {
	if c.server != serverNone || c.client != clientClosed && c.client != clientGhost {
		return
	}
	if _, ok := c.up.Due(); ok {
		return
	}
	if _, ok := c.down.Due(); !ok {
		c.w.conns[c.id] = nil
	}
}

// syn is the client's wish to connect, at the machine.
func (c *Conn) syn(e *event) {
	n := c.node
	if c.up.path.Held() || n.state == stateDark || n.postpone(e) {
		return
	}
	c.w.count(e, nil, n, 0)
	if n.state != stateUp {
		c.resetDown()
		return
	}
	c.server, c.life = serverOpen, n.life
	c.side = broker.NewConn(n.listener, c.peer.client.name)
	c.side.Owner = c
	c.w.plan(c.w.now.Add(c.down.path.Latency(c.down.path.rand)), evOpened, c.id, 0)
}

// opened is the machine's consent, at the client.
func (c *Conn) opened(e *event) {
	if c.down.path.Held() {
		return
	}
	c.w.count(e, nil, nil, 0)
	if c.client != clientDialing {
		c.resetUp()
		return
	}
	c.client = clientOpen
	c.peer.connected(c)
}

// resetDown sends a reset to the client, resetUp one to the node. A path that is held loses it.
func (c *Conn) resetDown() {
	c.w.plan(c.w.now.Add(c.down.path.Latency(c.down.path.rand)), evResetDown, c.id, 0)
}

func (c *Conn) resetUp() {
	c.w.plan(c.w.now.Add(c.up.path.Latency(c.up.path.rand)), evResetUp, c.id, 0)
}

func (c *Conn) arriveResetUp(e *event) {
	if c.up.path.Held() || !c.atServer() || c.node.postpone(e) {
		return
	}
	c.w.count(e, nil, c.node, 0)
	c.end(false)
}

// atServer reports whether the node's process knows the connection.
func (c *Conn) atServer() bool {
	return c.server == serverOpen && c.life == c.node.life
}

// arriveUp is bytes of the client, at the machine.
func (c *Conn) arriveUp(e *event) {
	if e.gen != c.up.gen {
		return
	}
	n := c.node
	if c.atServer() && n.postpone(e) {
		return
	}
	c.up.planned = 0
	p := c.up.Receive(c.w.now)
	if p.Kind == link.None {
		c.arm(&c.up, evUp)
		return
	}
	c.w.count(e, p.Bytes, n, uint64(p.Kind))
	switch {
	case n.state == stateDark:
	case !c.atServer():
		if p.Kind == link.Data && c.client != clientGhost {
			c.resetDown() // the machine knows of no such connection
		}
	case p.Kind == link.Data:
		c.in = append(c.in, p.Bytes...)
		c.read()
	default:
		c.end(false)
		if p.Kind == link.Reset {
			c.w.land("reset_up")
			c.resetDown()
		}
	}
	c.arm(&c.up, evUp)
}

// The most that one connection may have waiting to be sent before it is no longer read, in bytes.
const mostWaitingBytes = 1 << 20

// read serves the whole frames that have arrived, then carries out the effects of all of them.
func (c *Conn) read() {
	n := c.node
	for c.atServer() && !c.closing && !c.crowded() {
		if len(c.in) < wire.LengthSize {
			break
		}
		size := int(int32(binary.BigEndian.Uint32(c.in)))
		if size < 0 || size > int(n.cfg.RequestMaxBytes) {
			c.end(false)
			return
		}
		if len(c.in) < wire.LengthSize+size {
			break
		}
		if !c.serve(c.in[wire.LengthSize : wire.LengthSize+size]) {
			return
		}
		c.in = c.in[:copy(c.in, c.in[wire.LengthSize+size:])]
	}
	if c.atServer() {
		n.carryOut()
	}
}

// serve hands one frame to the broker. It reports false if the process was struck.
func (c *Conn) serve(frame []byte) bool {
	n, times := c.node, 1
	if c.w.opts.Served != nil {
		c.w.opts.Served(n, c.peer.client, frame)
	}
	if hook := c.w.opts.Hooks.Rewrite; hook != nil {
		frame = hook(n, frame)
	}
	if hook := c.w.opts.Hooks.Frame; hook != nil {
		times = hook(n, frame)
	}
	for left := times; left > 0; left-- {
		in := broker.Input{Kind: broker.Frame, Conn: c.side, Frame: frame}
		if left > 1 {
			in.Frame = slices.Clone(frame) // the broker writes into the frame that it is given
		}
		n.broker.Step(n.clock.Now(c.w.now), in, &n.effects)
		if n.disk.Struck() {
			n.struck()
			return false
		}
	}
	return true
}

// crowded reports that the connection has enough to do and is not read.
func (c *Conn) crowded() bool {
	return c.side.Backlog()+len(c.out.queue) >= c.node.opts.MostRequests || c.out.waiting() > mostWaitingBytes
}

// arriveDown is bytes of the broker, at the client.
func (c *Conn) arriveDown(e *event) {
	if e.gen != c.down.gen {
		return
	}
	c.down.planned = 0
	p := c.down.Receive(c.w.now)
	if p.Kind == link.None {
		c.arm(&c.down, evDown)
		return
	}
	c.w.count(e, p.Bytes, nil, uint64(p.Kind))
	switch {
	case c.client == clientGhost:
	case c.client == clientClosed:
		if c.server != serverNone {
			c.resetUp()
		}
	case p.Kind == link.Data:
		c.peer.receive(c, p.Bytes)
	default:
		if p.Kind == link.Reset {
			c.w.land("reset_down")
			c.resetUp()
		}
		c.client = clientClosed
		c.peer.lost(c)
	}
	if c.atServer() && !c.node.paused && c.client != clientGhost {
		c.pump()
		c.node.endFailed()
		if c.atServer() {
			c.read()
		}
	}
	c.arm(&c.down, evDown)
}

// end ends the connection at the node. A polite end tells the client, after all that is on its way.
func (c *Conn) end(polite bool) {
	if !c.atServer() {
		return
	}
	n := c.node
	c.out.discard(n)
	side := c.side
	c.forget()
	if polite {
		c.down.Finish(c.w.now)
		c.arm(&c.down, evDown)
	}
	n.step(broker.Input{Kind: broker.Closed, Conn: side})
}

// forget drops what the process knows of the connection, without a word to anyone.
func (c *Conn) forget() {
	c.server, c.side, c.in, c.out, c.closing, c.failed = serverNone, nil, nil, outgoing{}, false, false
}
