package main

import (
	"context"
	"errors"
	"net"
	"sync"
)

// network is a member's way to the broker, which can be cut and held up: cut is what a broker sees of a client that was
// killed, hold is what it sees of one that was stopped for a while and goes on.
type network struct {
	dial dialing

	mu struct {
		sync.Mutex
		cut   bool
		held  chan struct{}
		conns map[*wire]struct{}
	}
}

// dialing makes a connection.
type dialing func(ctx context.Context, network, address string) (net.Conn, error)

// errCut reports a member whose network was cut.
var errCut = errors.New("the network of this member is cut")

func newNetwork(dial dialing) *network {
	n := &network{dial: dial}
	n.mu.conns = make(map[*wire]struct{})
	return n
}

// wire is one connection.
type wire struct {
	net.Conn
	of *network
}

// connect is a dialing.
func (n *network) connect(ctx context.Context, kind, address string) (net.Conn, error) {
	n.wait()
	c, err := n.dial(ctx, kind, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.cut {
		_ = c.Close() // nobody has used it
		return nil, errCut
	}
	w := &wire{c, n}
	n.mu.conns[w] = struct{}{}
	return w, nil
}

// cut ends all connections and allows no further ones.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.cut = true
	for w := range n.mu.conns {
		_ = w.Conn.Close() // it is to end anyhow
	}
}

// hold holds up everything until release is called.
func (n *network) hold() (release func()) {
	held := make(chan struct{})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.held = held
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.mu.held = nil
		close(held)
	}
}

// wait waits while everything is held up.
func (n *network) wait() {
	n.mu.Lock()
	held := n.mu.held
	n.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Read implements net.Conn. What comes while everything is held up waits.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.of.wait()
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	w.of.wait()
	return w.Conn.Write(p)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.of.mu.Lock()
	delete(w.of.mu.conns, w)
	w.of.mu.Unlock()
	return w.Conn.Close()
}
