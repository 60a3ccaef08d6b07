package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
)

// reloader reads the configuration of a running broker anew on SIGHUP.
type reloader struct {
	log *slog.Logger
	// pairs reads the file.
	pairs func() ([]config.KV, error)
	// level changes the level of the log's lines; nil where a flag has fixed it.
	level func(string)

	signals chan os.Signal
	mu      struct {
		sync.Mutex
		cfg *config.Broker // the static configuration in force
	}
}

// listen begins to take signals, which would otherwise end the process; they wait until the broker runs.
func (r *reloader) listen(cfg *config.Broker) (stop func()) {
	r.mu.cfg = cfg
	r.signals = make(chan os.Signal, 1)
	signal.Notify(r.signals, syscall.SIGHUP)
	return func() { signal.Stop(r.signals) }
}

// run reloads at each signal until ctx ends.
func (r *reloader) run(ctx context.Context, s *server.Server) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.signals:
		}
		tell(r.log, notifyReloading())
		r.reload(s)
		tell(r.log, notifyReady)
	}
}

// reload takes over what has changed and may change. A file that is not valid changes nothing.
func (r *reloader) reload(s *server.Server) {
	pairs, err := r.pairs()
	if err != nil {
		r.log.Error("configuration not reloaded", "cause", err.Error())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next, taken, left, err := r.mu.cfg.Reload(pairs)
	if err != nil {
		r.log.Error("configuration not reloaded", "cause", err.Error())
		return
	}
	for _, name := range left {
		r.log.Warn("changed property waits for a restart", "property", name)
	}
	s.Broker().Reload(next)
	r.mu.cfg = next
	if r.level != nil {
		r.level(next.LogLevel())
	}
	r.log.Info("configuration reloaded", "changed", strings.Join(taken, ","), "waiting", strings.Join(left, ","))
}
