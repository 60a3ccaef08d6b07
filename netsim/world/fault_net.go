package world

import (
	"time"

	"github.com/gregor-log/gregor/netsim/clock"
)

// peersOf returns the ends of the clients that a fault of the network strikes.
func (f *activeFault) peersOf(w *World) []*peer {
	var found []*peer
	for i, c := range w.clients {
		if f.Client < 0 || f.Client == i {
			found = append(found, c.peers[f.Node])
		}
	}
	return found
}

// beginNet does what an entry says that concerns the network.
func (f *activeFault) beginNet(w *World) {
	for _, p := range f.peersOf(w) {
		switch f.Kind {
		case Hold, HoldUp, HoldDown:
			f.began = true
			if f.Kind != HoldDown {
				p.up.Hold()
			}
			if f.Kind != HoldUp {
				p.down.Hold()
			}
			w.land(f.Kind.String())
		case Slow:
			f.began = true
			p.down.Rate = f.N
			w.land(f.Kind.String())
		case Vanish:
			if p.conn != nil {
				w.land(f.Kind.String())
				p.client.vanish()
			}
		default:
			f.beginConn(w, p)
		}
	}
}

// beginConn does what an entry says that concerns one connection.
func (f *activeFault) beginConn(w *World, p *peer) {
	c := p.conn
	if c == nil {
		return
	}
	switch f.Kind {
	case ResetUp:
		c.up.Break(f.N) // it lands when the bytes have passed
	case ResetDown:
		c.down.Break(f.N)
	case Stall:
		w.land(f.Kind.String())
		c.up.Delay(f.For)
	case StallDown:
		w.land(f.Kind.String())
		c.down.Delay(f.For)
	}
}

// endNet ends a hold or a slow line. Where another entry holds the same path, that one's end releases nothing any more.
func (f *activeFault) endNet(w *World) {
	for _, p := range f.peersOf(w) {
		switch f.Kind {
		case Hold, HoldUp, HoldDown:
			if f.Kind != HoldDown {
				p.up.Release()
			}
			if f.Kind != HoldUp {
				p.down.Release()
			}
			w.resume(p)
		case Slow:
			p.down.Rate = p.down.usual.Rate
		}
	}
}

// resume lets what waited on a client's paths arrive.
func (w *World) resume(p *peer) {
	for _, c := range w.conns {
		if c == nil || c.peer != p {
			continue
		}
		if !p.up.Held() {
			c.up.Resume(w.now)
			c.arm(&c.up, evUp)
		}
		if !p.down.Held() {
			c.down.Resume(w.now)
			c.arm(&c.down, evDown)
		}
	}
}

// Heal ends all faults for good: paths are released, disks are well, machines have power, and processes that are down
// or have lost a partition to a failing disk are started again.
func (w *World) Heal() {
	w.healed = true
	for _, c := range w.clients {
		for _, p := range c.peers {
			*p.up.Path, *p.down.Path = p.up.usual, p.down.usual
			w.resume(p)
		}
	}
	for _, c := range w.conns {
		if c == nil {
			continue
		}
		c.up.Unbreak()
		c.down.Unbreak()
		if c.client == clientGhost && c.atServer() {
			c.resetUp()
		}
	}
	for _, n := range w.nodes {
		n.heal()
	}
}

// heal ends a node's faults.
func (n *Node) heal() {
	w := n.w
	n.disk.CalmAll()
	n.disk.CutAfter(0, 0)
	for _, f := range w.faults {
		if f.began && f.Kind == SlowSync && f.node(w) == n {
			n.opts.SyncMean -= time.Duration(f.N)
		}
		f.armed, f.began = false, false
	}
	if n.paused {
		n.resume()
	}
	n.powerOn()
	if n.state != stateDown && n.disk.Injected() > 0 {
		n.kill()
	}
	if n.state == stateDown {
		w.plan(w.now.Add(clock.Exponential(n.rand, restartDelay)), evStart, n.index, n.life)
	}
}

// Stop ends a node's process in good order, and does not start it again.
func (n *Node) Stop() {
	n.restart = 0
	n.stop()
}

// Start starts a node's process, unless it runs.
func (n *Node) Start() {
	if n.state == stateDown {
		n.w.plan(n.w.now, evStart, n.index, n.life)
	}
}

// Kill ends a node's process at once, and does not start it again.
func (n *Node) Kill() {
	n.kill()
}

// Stopped reports that the node's process has ended.
func (n *Node) Stopped() bool {
	return n.state == stateDown
}
