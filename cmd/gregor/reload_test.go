package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// manager is a service manager's socket for a test.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // a test's own directory may be too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	name := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return &manager{t: t, conn: conn}
}

// expect wants the next state that is told to begin with a text.
func (m *manager) expect(want string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	p := make([]byte, 1000)
	n, err := m.conn.Read(p)
	if err != nil || !strings.HasPrefix(string(p[:n]), want) {
		m.t.Fatalf("got %q and %v, expected %q", p[:n], err, want)
	}
}

// A broker tells its service manager when it is ready, reloads and stops. SIGHUP takes what may change, leaves what may
// not, and a file that is not valid changes nothing.
func TestReload(t *testing.T) {
	m := newManager(t)
	lines := []string{"listeners=PLAINTEXT://127.0.0.1:0", "log.dirs=" + t.TempDir(), "log.retention.ms=1000000",
		"gregor.admin.listener=127.0.0.1:0", "gregor.log.level=info"}
	file := propertiesFile(t, lines...)
	rewrite := func(lines ...string) {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		m.expect("RELOADING=1")
		m.expect("READY=1")
	}
	s := serveCommand(t, "broker", "-c", file)
	m.expect("READY=1")
	address := s.ready["address"].(string)
	rewrite(append(slices.Clone(lines), "log.retention.ms=2000000", "num.partitions=7", "gregor.log.level=debug")...)
	ok(t, "a\n", "produce", "t", "-b", address)
	rewrite(append(slices.Clone(lines), "log.retention.ms=soon")...)
	res, err := http.Get(fmt.Sprintf("http://%v/readyz?verbose", s.ready["admin"]))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err != nil || !strings.Contains(string(page), "[+] partitions: 1 online, 0 offline") {
		t.Errorf("got %s and %v", page, err)
	}
	s.interrupt(&interrupted{signal: syscall.SIGTERM})
	m.expect("STOPPING=1")
	if code := <-s.ended; code != 0 {
		t.Errorf("got exit code %d", code)
	}
	more := <-s.rest
	for _, want := range []map[string]any{
		{"msg": "changed property waits for a restart", "level": "WARN", "property": "num.partitions"},
		{"msg": "configuration reloaded", "changed": "gregor.log.level,log.retention.ms", "waiting": "num.partitions"},
		{"msg": "configuration not reloaded", "level": "ERROR"},
	} {
		if !slices.ContainsFunc(more, func(line map[string]any) bool {
			for key, value := range want {
				if line[key] != value {
					return false
				}
			}
			return true
		}) {
			t.Errorf("no line has %v: %v", want, more)
		}
	}
}

// Profiles on an address that others reach are refused at the start, and by --check-config.
func TestProfilesAreRefused(t *testing.T) {
	file := propertiesFile(t, "listeners=PLAINTEXT://127.0.0.1:0", "log.dirs="+t.TempDir(),
		"gregor.admin.listener=0.0.0.0:0", "gregor.admin.pprof=true")
	for _, more := range [][]string{nil, {"--check-config"}} {
		r := gregor(t, "", append([]string{"broker", "-c", file}, more...)...)
		if r.code != 2 || !strings.Contains(r.out+r.errs, "on a loopback address") {
			t.Errorf("%v: got %+v", more, r)
		}
	}
	if r := gregor(t, "", "broker", "-c", file, "--shutdown-timeout", "0s"); r.code != 2 {
		t.Errorf("got %+v, expected a usage error", r)
	}
}

// Secrets do not come into the log, and a level may change under a logger.
func TestLoggerHidesSecrets(t *testing.T) {
	var out bytes.Buffer
	log := cli.NewLogger(&out, "info")
	log.Info("x", "ssl.key.password", "hunter2", "sasl.jaas.config", "hunter2", "Secret", "hunter2", "user", "alice")
	log.Debug("below the level")
	cli.SetLevel(log, "debug")
	log.Debug("above the level")
	if text := out.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "below") ||
		!strings.Contains(text, "alice") || !strings.Contains(text, "above") {
		t.Errorf("got %s", text)
	}
}
