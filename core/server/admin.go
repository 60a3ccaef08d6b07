//go:build unix

package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"sync/atomic"
	"time"
)

// Admin is the pages for those who run a broker, over HTTP: /metrics, /livez, /readyz, and /debug/pprof where that is
// asked for. It is opened before the broker, so that it answers while logs are being recovered, and closed after it.
type Admin struct {
	o        AdminOptions
	listener net.Listener
	http     http.Server
	ended    chan struct{}
	// server is nil until Start has been called with the Admin.
	server atomic.Pointer[Server]
}

// AdminOptions says what the admin pages are made of.
type AdminOptions struct {
	// Address is the host:port to listen on; port 0 takes any that is free.
	Address string
	// Profiles adds /debug/pprof. The caller makes sure that Address is a loopback address then, as package config
	// does.
	Profiles bool
	// Patience is how long the broker may take to answer before its process counts as dead; 0 for a few seconds.
	Patience time.Duration
	// Log takes events.
	Log *slog.Logger
	// Version and Commit say what was built.
	Version, Commit string
}

// OpenAdmin opens the pages. Until a Server is started with them, they say that it is starting.
func OpenAdmin(ctx context.Context, o AdminOptions) (*Admin, error) {
	o.Patience = cmp.Or(o.Patience, patience)
	a := &Admin{o: o, ended: make(chan struct{})}
	var lc net.ListenConfig
	var err error
	if a.listener, err = lc.Listen(ctx, "tcp", o.Address); err != nil {
		return nil, fmt.Errorf("gregor.admin.listener: %w", err)
	}
	a.http = http.Server{
		Handler: a.pages(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(a.ended)
		if err := a.http.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("admin pages ended", "cause", err.Error())
		}
	}()
	o.Log.Info("admin pages open", "address", a.Addr().String(), "pprof", o.Profiles)
	return a, nil
}

// Addr returns the address that the pages are bound to.
func (a *Admin) Addr() net.Addr {
	return a.listener.Addr()
}

// Close closes the pages, once those that are being read are sent or a second is over.
func (a *Admin) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := a.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = a.http.Close()
	}
	<-a.ended
	return err
}

// index is the page that lists the others.
const index = `gregor

/metrics                   metrics in Prometheus' text format
/metrics?partitions=TOPIC  and those of each partition of a topic, or of all for "*"
/livez                     200 while the process works
/readyz                    200 while clients are served, else 503; ?verbose says why
`

// pages routes the requests.
func (a *Admin) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, index) })
	mux.HandleFunc("GET /livez", a.livez)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.Handle("GET /metrics", a.metrics())
	if a.o.Profiles {
		mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
		mux.HandleFunc("GET /debug/pprof/cmdline", local(pprof.Cmdline))
		mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
		mux.HandleFunc("GET /debug/pprof/symbol", local(pprof.Symbol))
		mux.HandleFunc("GET /debug/pprof/trace", local(pprof.Trace))
	}
	return mux
}

// local refuses requests that a page of another site had a browser on this machine send: they name another host.
func local(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			writeText(w, http.StatusForbidden, "ask for a loopback address\n")
			return
		}
		serve(w, r)
	}
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // nobody reads it if it fails
}

// goVersion is the toolchain, for the metric of the build.
func goVersion() string {
	return runtime.Version()
}
