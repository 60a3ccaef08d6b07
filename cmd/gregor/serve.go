package main

import (
	"cmp"
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
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// shutdownTimeout is how long a clean shutdown waits for connections, unless something else is asked for.
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
	ready func(*server.Server, *server.Admin)
	// reload reads the configuration anew when it is told to; nil if nothing does.
	reload *reloader
	// shutdown is how long connections have to end; 0 for shutdownTimeout.
	shutdown time.Duration
}

// serve runs a broker until ctx ends, and shuts it down cleanly then.
func serve(ctx context.Context, s serving) error {
	admin, err := s.openAdmin(ctx)
	if err != nil {
		return err
	}
	if admin != nil {
		defer admin.Close()
	}
	if s.reload != nil {
		defer s.reload.listen(s.cfg)()
	}
	running, err := server.Start(ctx, server.Options{
		Config: s.cfg, FS: s.fs, Log: s.log, OpenFiles: raiseOpenFiles(s.log), Admin: admin,
	})
	if err != nil {
		return err
	}
	s.sayReady(running, admin)
	if s.reload != nil {
		s.reload.run(ctx, running)
	}
	<-ctx.Done()
	return s.stop(ctx, running)
}

// openAdmin opens the admin pages, if the configuration has any.
func (s *serving) openAdmin(ctx context.Context) (*server.Admin, error) {
	cfg := s.cfg.Admin()
	if cfg.Address == "" {
		return nil, nil
	}
	return server.OpenAdmin(ctx, server.AdminOptions{
		Address: cfg.Address, Profiles: cfg.Profiles, Log: s.log, Version: build().Version, Commit: build().Commit,
	})
}

// sayReady says that clients are served, to everybody who wants to know.
func (s *serving) sayReady(running *server.Server, admin *server.Admin) {
	pages := ""
	if admin != nil {
		pages = admin.Addr().String()
	}
	s.log.Info("ready", "address", joinAddresses(running.Addresses()), "log_dirs", strings.Join(s.cfg.LogDirs, ","),
		"admin", pages, "congestion_control", strings.Join(running.Congestion(), ","),
		"ready_ms", time.Since(s.began).Milliseconds(), "cluster_id", running.Broker().ClusterID(),
		"node_id", running.Broker().NodeID(), "version", build().Version)
	tell(s.log, notifyReady)
	if s.ready != nil {
		s.ready(running, admin)
	}
}

// stop shuts the broker down cleanly.
func (s *serving) stop(ctx context.Context, running *server.Server) error {
	s.log.Info("shutting down", "cause", context.Cause(ctx).Error())
	tell(s.log, notifyStopping)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(s.shutdown, shutdownTimeout))
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
		debug.SetGCPercent(200)
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
