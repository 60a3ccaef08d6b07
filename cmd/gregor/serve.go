package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// shutdownTimeout is how long a clean shutdown waits for connections and tasks.
const shutdownTimeout = 30 * time.Second

// errUnclean reports a broker that was told to stop and could not do so cleanly: the next start recovers its logs.
var errUnclean = errors.New("the broker did not stop cleanly")

// serving says how to run a broker in this process.
type serving struct {
	cfg *config.Broker
	fs  vfs.FS
	log *slog.Logger
	// began is when the command began, for the time to ready.
	began time.Time
	// ready is called once clients are served.
	ready func(*server.Server)
}

// serve runs a broker until ctx ends, and shuts it down cleanly then.
func serve(ctx context.Context, s serving) error {
	watch := &readyHandler{Handler: s.log.Handler()}
	o := server.Options{Config: s.cfg, FS: s.fs, Log: slog.New(watch), OpenFiles: raiseOpenFiles(s.log)}
	running, err := server.Start(ctx, o)
	if err != nil {
		return err
	}
	s.log.Info("ready", "address", joinAddresses(running.Addresses()), "log_dirs", strings.Join(s.cfg.LogDirs, ","),
		"congestion_control", watch.congestion(), "ready_ms", time.Since(s.began).Milliseconds(),
		"cluster_id", running.Broker().ClusterID(), "node_id", running.Broker().NodeID(), "version", build().Version)
	if s.ready != nil {
		s.ready(running)
	}
	<-ctx.Done()
	s.log.Info("shutting down", "cause", context.Cause(ctx).Error())
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	began := time.Now()
	if err := running.Shutdown(limited); err != nil {
		return fmt.Errorf("%w: %w", errUnclean, err)
	}
	s.log.Info("stopped", "shutdown_ms", time.Since(began).Milliseconds())
	return nil
}

func joinAddresses(addresses []net.Addr) string {
	texts := make([]string, len(addresses))
	for i, a := range addresses {
		texts[i] = a.String()
	}
	return strings.Join(texts, ",")
}

// tuneProcess sets what of the Go runtime a broker wants otherwise than most programs. The usual environment variables
// win.
func tuneProcess(memory bool) {
	// A closed stderr must not end the broker.
	signal.Ignore(syscall.SIGPIPE)
	if os.Getenv("GOMAXPROCS") == "" {
		// A goroutine that waits in a file's read, write or sync keeps its processor for a while: two more than there
		// are cores keep the others busy meanwhile.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
	// The heap is small beside the page cache, so a collection may wait until it has grown a lot; unless the records
	// are on it.
	if os.Getenv("GOGC") == "" && !memory {
		debug.SetGCPercent(400)
	}
	if total := physicalMemory(); os.Getenv("GOMEMLIMIT") == "" && total > 0 {
		debug.SetMemoryLimit(total / 4 * 3)
	}
}

// raiseOpenFiles raises the soft limit of open files to the hard one and returns it; 0 if it is not known.
func raiseOpenFiles(log *slog.Logger) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("limit of open files is not known", "cause", err.Error())
		return 0
	}
	if limit.Cur < limit.Max {
		raised := unix.Rlimit{Cur: limit.Max, Max: limit.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
			log.Warn("limit of open files stays", "limit", limit.Cur, "cause", err.Error())
		} else {
			limit = raised
		}
	}
	const most = 1 << 30
	return int(min(limit.Cur, most))
}

// readyHandler passes the server's log on and keeps what it says of its sockets' congestion control.
type readyHandler struct {
	slog.Handler
	mu    sync.Mutex
	found []string
}

// congestionKey is the attribute of the line in which the server tells of a listener.
const congestionKey = "congestion_control"

// Handle implements slog.Handler.
func (h *readyHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == congestionKey {
			h.mu.Lock()
			h.found = append(h.found, a.Value.String())
			h.mu.Unlock()
		}
		return true
	})
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// Enabled implements slog.Handler: lines are looked at whether they are shown or not.
func (h *readyHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// congestion returns the congestion control of the listeners, in their order.
func (h *readyHandler) congestion() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.found, ",")
}
