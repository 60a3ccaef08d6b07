//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
)

// Options says what a server is made of.
type Options struct {
	// Config is the broker's configuration; it names the listeners and the log directories.
	Config *config.Broker
	// FS is what the log directories are on.
	FS vfs.FS
	// Log takes events. If it is one of config.Loggers, clients may alter their levels.
	Log *slog.Logger
	// OpenFiles is how many files may be open, the process's limit; 0 stands for a safe small number.
	OpenFiles int
	// Admin are the pages that are to tell of the server; nil for none. The caller closes them after the server.
	Admin *Admin
}

// Server is a broker on sockets.
type Server struct {
	cfg    *config.Broker
	log    *slog.Logger
	clock  env.Clock
	broker *broker.Broker

	listeners []*listener
	limits    limits
	tasks     taskPool
	deadlines deadlines

	mu struct {
		sync.Mutex
		conns   map[*conn]struct{}
		closing bool
	}
	// active counts what must end before the broker is closed: accepters, readers, the timer.
	active sync.WaitGroup
	done   chan struct{}

	progress progress
	bytes    struct{ in, out atomic.Int64 }
	syncs    broker.Histogram // times, in nanoseconds
}

// listener is one open socket.
type listener struct {
	net.Listener
	cfg        config.Listener
	advertised *broker.Listener
	congestion string

	open            atomic.Int64
	opened, refused atomic.Uint64
}

// Start opens the listeners, then the broker, then serves. It returns when clients are served.
func Start(ctx context.Context, o Options) (*Server, error) {
	loggers := config.LoggersOf(o.Log)
	o.Log = loggers.Logger("root")
	s := &Server{cfg: o.Config, clock: env.NewClock(), done: make(chan struct{})}
	s.log = loggers.Logger(config.ServerLogger)
	s.mu.conns = make(map[*conn]struct{})
	s.limits.init(o.Config)
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	s.progress.enter(recovering)
	if o.Admin != nil {
		o.Admin.server.Store(s)
	}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.closeListeners())
	}
	s.serve()
	s.progress.enter(serving)
	return s, nil
}

// open opens the broker with the addresses that the listeners got.
func (s *Server) open(o Options) error {
	rand, err := env.NewSource()
	if err != nil {
		return fmt.Errorf("random source: %w", err)
	}
	advertised := s.advertised()
	var effects broker.Effects
	s.broker, err = broker.Open(broker.Options{
		FS: o.FS, Config: o.Config, Advertised: advertised, Rand: rand, Log: o.Log, Now: s.clock.Now(),
		Parallel:  s.progress.counted(parallel(int(o.Config.RecoveryThreads) * len(o.Config.LogDirs))),
		OpenFiles: sealedFiles(o.OpenFiles),
	}, &effects)
	if err != nil {
		return err
	}
	for _, l := range s.listeners {
		l.advertised = s.broker.Listener(l.cfg.Name)
	}
	s.tasks.start(s)
	s.deadlines.start(s)
	s.carryOut(&effects)
	return nil
}

// sealedFiles returns how many sealed segments may be open of so many files in all: the rest is for active segments and
// connections.
func sealedFiles(limit int) int {
	const least = 64
	return max(limit/8, least)
}

// parallel returns a runner that uses n goroutines.
func parallel(n int) func(count int, work func(int)) {
	return func(count int, work func(int)) {
		var next atomic.Int64
		var group sync.WaitGroup
		for range min(max(n, 1), count) {
			group.Go(func() {
				for i := next.Add(1) - 1; i < int64(count); i = next.Add(1) - 1 {
					work(int(i))
				}
			})
		}
		group.Wait()
	}
}

// serve accepts connections.
func (s *Server) serve() {
	for _, l := range s.listeners {
		s.log.Info("listening", "listener", l.cfg.Name, "address", l.Addr().String(),
			"advertised", fmt.Sprintf("%s:%d", l.advertised.Host, l.advertised.Port),
			"congestion_control", l.congestion)
		s.active.Go(func() { s.accept(l) })
	}
	if s.cfg.MaxIdleMs > 0 {
		s.active.Go(s.sweepIdle)
	}
}

// Broker returns the broker that is served.
func (s *Server) Broker() *broker.Broker {
	return s.broker
}

// Addresses returns the addresses that the listeners are bound to, in the order of the configuration.
func (s *Server) Addresses() []net.Addr {
	found := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		found[i] = l.Addr()
	}
	return found
}

// Congestion returns the congestion control of the listeners' connections, in the order of the configuration.
func (s *Server) Congestion() []string {
	found := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		found[i] = l.congestion
	}
	return found
}

// now returns the instant for the next step.
func (s *Server) now() base.Instant {
	return s.clock.Now()
}

// carryOut does what a step, or several, asked for.
func (s *Server) carryOut(e *broker.Effects) {
	for _, c := range e.Ready {
		c.Owner.(*conn).flush()
	}
	for _, c := range e.Close {
		c.Owner.(*conn).closeWhenSent()
	}
	for _, t := range e.Tasks {
		s.tasks.submit(t)
	}
	s.deadlines.arm(e.Deadline)
	e.Reset()
}

// Shutdown ends the server cleanly: no more connections and requests are taken, what is under way ends, and the broker
// is closed. When ctx ends first, connections are closed with what they still had to say; tasks are waited for.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.mu.closing {
		s.mu.Unlock()
		return nil
	}
	s.mu.closing = true
	conns := make([]*conn, 0, len(s.mu.conns))
	for c := range s.mu.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.progress.enter(stopping)
	close(s.done)
	err := s.closeListeners()
	for _, c := range conns {
		c.stopReading()
	}
	s.wait(ctx, conns)
	return errors.Join(err, s.broker.Close())
}

// wait waits for the readers, the timer and the tasks to end. When ctx ends, it closes the connections under them.
func (s *Server) wait(ctx context.Context, conns []*conn) {
	ended := make(chan struct{})
	go func() {
		s.active.Wait()
		s.deadlines.stop()
		s.tasks.stop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		s.log.Warn("shutdown closes connections", "cause", ctx.Err().Error())
		for _, c := range conns {
			c.close()
		}
		<-ended
	}
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// sweepIdle closes connections that were idle for connections.max.idle.ms.
func (s *Server) sweepIdle() {
	idle := time.Duration(s.cfg.MaxIdleMs) * time.Millisecond
	ticker := time.NewTicker(min(max(idle/4, time.Millisecond), 10*time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
		}
		now := s.now().Mono
		s.mu.Lock()
		var over []*conn
		for c := range s.mu.conns {
			if now.Sub(base.Mono(c.active.Load())) > idle && c.side.Backlog() == 0 {
				over = append(over, c)
			}
		}
		s.mu.Unlock()
		for _, c := range over {
			c.close()
		}
	}
}
