//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
)

// listen opens all listeners. Multipath TCP is off: some socket options fail on its sockets or mean something else.
func (s *Server) listen(ctx context.Context) error {
	for _, cfg := range s.cfg.Listeners {
		l := &listener{cfg: cfg}
		lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { l.congestion = s.tune(int(fd), cfg) })
		}}
		lc.SetMultipathTCP(false)
		var err error
		l.Listener, err = lc.Listen(ctx, "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))))
		if err != nil {
			return errors.Join(fmt.Errorf("listener %s: %w", cfg.Name, err), s.closeListeners())
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// tune sets the options that accepted sockets inherit and returns the congestion control that they have. Buffer sizes
// are left to the system unless they are configured: a fixed one switches off its tuning.
func (s *Server) tune(fd int, cfg config.Listener) string {
	static := s.cfg.Layers().Static
	if _, ok := static["socket.send.buffer.bytes"]; ok && s.cfg.SendBuffer > 0 {
		err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, int(s.cfg.SendBuffer))
		s.option("SO_SNDBUF", err)
	}
	if _, ok := static["socket.receive.buffer.bytes"]; ok && s.cfg.ReceiveBuffer > 0 {
		err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, int(s.cfg.ReceiveBuffer))
		s.option("SO_RCVBUF", err)
	}
	return s.setCongestion(fd, cfg.Congestion)
}

// option reports a socket option that the system refused; the socket works without.
func (s *Server) option(name string, err error) {
	if err != nil {
		s.log.Warn("socket option refused", "option", name, "cause", err.Error())
	}
}

// advertised returns the addresses that clients are told. Where the configuration leaves the host or the port open,
// they are what the listener is bound to.
func (s *Server) advertised() []config.Endpoint {
	found := make([]config.Endpoint, len(s.cfg.Advertised))
	copy(found, s.cfg.Advertised)
	for i := range found {
		e := &found[i]
		for _, l := range s.listeners {
			if l.cfg.Name != e.Name {
				continue
			}
			if e.Port == 0 {
				e.Port = int32(l.Addr().(*net.TCPAddr).Port)
			}
		}
		if e.Host == "" {
			e.Host = hostName()
		}
	}
	return found
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	if _, err := net.LookupHost(name); err != nil {
		return "localhost"
	}
	return name
}

// accept takes connections until the listener is closed.
func (s *Server) accept(l *listener) {
	for {
		if !s.limits.await(l, s.done) {
			return
		}
		accepted, err := l.Accept()
		if err != nil {
			s.limits.give(l)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of files, most likely: the limits on connections are what helps; meanwhile let others end.
			s.log.Error("accept failed", "listener", l.cfg.Name, "cause", err.Error())
			if !s.pause() {
				return
			}
			continue
		}
		s.take(l, accepted.(*net.TCPConn))
	}
}

// take begins to serve a connection, unless its host has too many.
func (s *Server) take(l *listener, tcp *net.TCPConn) {
	peer, _, err := net.SplitHostPort(tcp.RemoteAddr().String())
	if err != nil {
		peer = tcp.RemoteAddr().String()
	}
	if !s.limits.enter(peer) {
		l.refused.Add(1)
		s.log.Info("connection refused", "peer", peer, "cause", "max.connections.per.ip")
		s.limits.give(l)
		_ = tcp.Close() // refused: nobody cares how it ends
		return
	}
	c, err := newConn(s, l, tcp, broker.NewConn(l.advertised, peer))
	if err != nil {
		s.log.Error("connection failed", "peer", peer, "cause", err.Error())
		s.limits.leave(peer)
		s.limits.give(l)
		_ = tcp.Close() // it never was served
		return
	}
	l.open.Add(1)
	l.opened.Add(1)
	s.mu.Lock()
	closing := s.mu.closing
	if !closing {
		s.mu.conns[c] = struct{}{}
		s.active.Add(1)
	}
	s.mu.Unlock()
	if closing {
		c.release()
		return
	}
	go func() {
		defer s.active.Done()
		c.read()
	}()
}

// limits holds connections to what the configuration allows: max.connections and its listeners' own make accepting
// wait, max.connections.per.ip refuses.
type limits struct {
	all       chan struct{} // nil without a limit
	listeners map[string]chan struct{}
	perIP     int32
	overrides map[string]int32
	mu        struct {
		sync.Mutex
		byIP map[string]int32
	}
}

// largestLimit is the number from which on a limit is none.
const largestLimit = 1 << 20

func (m *limits) init(cfg *config.Broker) {
	m.all = slots(cfg.MaxConnections)
	m.listeners = make(map[string]chan struct{})
	for _, l := range cfg.Listeners {
		m.listeners[l.Name] = slots(l.MaxConnections)
	}
	m.perIP = cfg.MaxConnectionsPerIP
	m.overrides = make(map[string]int32)
	for _, o := range cfg.IPLimits {
		addresses, err := net.LookupHost(o.Host)
		if err != nil {
			addresses = []string{o.Host}
		}
		for _, a := range addresses {
			m.overrides[a] = o.Connections
		}
	}
	m.mu.byIP = make(map[string]int32)
}

func slots(n int32) chan struct{} {
	if n >= largestLimit {
		return nil
	}
	return make(chan struct{}, max(n, 0))
}

// await waits for room for one more connection. It reports false when the server ends.
func (m *limits) await(l *listener, done <-chan struct{}) bool {
	for _, c := range []chan struct{}{m.listeners[l.cfg.Name], m.all} {
		if c == nil {
			continue
		}
		select {
		case c <- struct{}{}:
		case <-done:
			return false
		}
	}
	return true
}

// give gives the room for a connection back.
func (m *limits) give(l *listener) {
	for _, c := range []chan struct{}{m.listeners[l.cfg.Name], m.all} {
		if c != nil {
			<-c
		}
	}
}

// enter counts a connection from a host. It reports false if that would be too many.
func (m *limits) enter(ip string) bool {
	most, ok := m.overrides[ip]
	if !ok {
		most = m.perIP
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.byIP[ip] >= most {
		return false
	}
	m.mu.byIP[ip]++
	return true
}

func (m *limits) leave(ip string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.byIP[ip]--; m.mu.byIP[ip] == 0 {
		delete(m.mu.byIP, ip)
	}
}
