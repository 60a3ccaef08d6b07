//go:build unix

package server_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

var rewrite = flag.Bool("rewrite", false, "write docs/metrics.md's table anew")

// openAdmin opens admin pages until the test ends.
func openAdmin(t *testing.T, o server.AdminOptions) *server.Admin {
	t.Helper()
	o.Address, o.Log, o.Version, o.Commit = "127.0.0.1:0", slog.New(slog.DiscardHandler), "v1", "c"
	a, err := server.OpenAdmin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// get reads a page; host is what the request says that it asks for, empty for the address.
func get(t *testing.T, a *server.Admin, page, host string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Addr().String()+page, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// expect reads a page and wants its code and parts of its text.
func expect(t *testing.T, a *server.Admin, page string, code int, parts ...string) {
	t.Helper()
	got, text := get(t, a, page, "")
	if got != code {
		t.Errorf("%s: got %d, expected %d: %s", page, got, code, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: got %q, expected %q in it", page, text, part)
		}
	}
}

// startWith starts a server with admin pages and a topic, and returns a function that stops it.
func startWith(t *testing.T, a *server.Admin, fs vfs.FS, dir string) (*server.Server, func() error, error) {
	t.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(context.Background(), server.Options{
		Config: cfg, FS: fs, Log: slog.New(slog.DiscardHandler), Admin: a,
	})
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return s.Shutdown(ctx)
	}
	return s, stop, err
}

// While logs are being recovered the process lives, is not ready and says how far it has come; then it is ready, until
// it stops.
func TestHealthWhileRecovering(t *testing.T) {
	a := openAdmin(t, server.AdminOptions{})
	expect(t, a, "/livez", 200)
	expect(t, a, "/readyz", 503, "not ready: process: starting")
	mem := vfs.NewMem(vfs.MemOptions{})
	s, stop, err := startWith(t, a, mem, "/data")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.createTopic("t")
	c.ask(produceRequest("t", 1, records(t, []byte("a"))), 9)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	expect(t, a, "/readyz", 503, "stopping")
	if err := mem.Remove("/data/" + commitlog.CleanShutdownFile); err != nil {
		t.Fatal(err)
	}

	held, reached := make(chan struct{}), make(chan struct{}, 100)
	fs := vfs.NewFaults(mem, nil)
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpOpen && strings.HasSuffix(op.Name, "/t-0/00000000000000000000.log") {
			reached <- struct{}{}
			<-held
		}
		return vfs.Decision{}
	})
	type started struct {
		stop func() error
		err  error
	}
	done := make(chan started, 1)
	go func() {
		_, stop, err := startWith(t, a, fs, "/data")
		done <- started{stop, err}
	}()
	<-reached
	expect(t, a, "/livez", 200)
	expect(t, a, "/readyz", 503, "not ready: partitions: recovering, 0 of 1 done")
	expect(t, a, "/readyz?verbose", 503, "[+] metadata: replayed\n", "[-] partitions: recovering, 0 of 1 done\n",
		"[-] listeners: not served yet\n")
	expect(t, a, "/metrics", 200, "\ngregor_broker_ready 0\n")
	close(held)
	second := <-done
	if second.err != nil {
		t.Fatal(second.err)
	}
	expect(t, a, "/livez", 200)
	expect(t, a, "/readyz", 200, "ready\n")
	expect(t, a, "/readyz?verbose", 200, "[+] metadata: replayed up to offset ",
		"[+] partitions: 1 online, 0 offline\n", "[+] listeners: PLAINTEXT 127.0.0.1:")
	expect(t, a, "/metrics", 200, "\ngregor_broker_ready 1\n")
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}
}

// A partition that cannot be served is named, and the others go on being served.
func TestHealthWithAPartitionOffline(t *testing.T) {
	a := openAdmin(t, server.AdminOptions{})
	fs := vfs.NewFaults(vfs.NewMem(vfs.MemOptions{}), nil)
	s, stop, err := startWith(t, a, fs, "/data")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.createTopic("good")
	c.createTopic("bad")
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpWrite && path.Base(path.Dir(op.Name)) == "bad-0" {
			return vfs.Decision{Err: errors.New("broken")}
		}
		return vfs.Decision{}
	})
	c.ask(produceRequest("bad", 1, records(t, []byte("a"))), 9)
	expect(t, a, "/readyz?verbose", 200, "[+] partitions: 1 online, 1 offline (1 of bad)\n")
	expect(t, a, "/metrics", 200, `gregor_replicas{state="offline"} 1`,
		`gregor_request_errors_total{api="Produce",code="KAFKA_STORAGE_ERROR"} 1`)
	if err := stop(); err == nil {
		t.Error("a stop with a log that could not be written was clean")
	}
}

// Profiles are there only if they are asked for, and only for who asks this machine by its own name.
func TestProfiles(t *testing.T) {
	off, on := openAdmin(t, server.AdminOptions{}), openAdmin(t, server.AdminOptions{Profiles: true})
	expect(t, off, "/debug/pprof/", 404)
	expect(t, off, "/", 200, "/metrics")
	expect(t, on, "/debug/pprof/goroutine?debug=1", 200, "goroutine profile")
	if code, _ := get(t, on, "/debug/pprof/", "page.example:80"); code != http.StatusForbidden {
		t.Errorf("got %d for another site's host, expected to be refused", code)
	}
	if code, _ := get(t, on, "/debug/pprof/", "localhost"); code != http.StatusOK {
		t.Errorf("got %d for localhost", code)
	}
}

// busy has a server count a bit of everything.
func busy(t *testing.T, s *server.Server) {
	t.Helper()
	c := dial(t, s)
	c.createTopic("t", "flush.messages", "1")
	c.ask(produceRequest("t", -1, records(t, []byte("a"), []byte("b"))), 9)
	c.ask(produceRequest("nowhere", 1, records(t, []byte("a"))), 9)
	c.ask(fetchRequest("t", 0, 0, 1, 1<<20), 12)
	c.write(c.frame(fetchRequest("t", 2, 600_000, 1, 1<<20), 12))
	c.ask2nd(t, s)
	bad := dial(t, s)
	bad.write(unsupported())
	bad.closed()
}

// ask2nd asks on a second connection until the first one's fetch waits.
func (c *client) ask2nd(t *testing.T, s *server.Server) {
	t.Helper()
	second := dial(t, s)
	req := kmsg.NewPtrMetadataRequest()
	second.ask(req, 9)
}

// sample is a line of /metrics.
var sample = regexp.MustCompile(`(?m)^(gregor_[a-z_]+?)(_bucket|_sum|_count)?(\{.*\})? `)

// The metrics that are served are those of the page in the docs, no more and no fewer, and say what happened.
func TestMetrics(t *testing.T) {
	a := openAdmin(t, server.AdminOptions{})
	s, stop, err := startWith(t, a, vfs.NewMem(vfs.MemOptions{}), "/data")
	if err != nil {
		t.Fatal(err)
	}
	busy(t, s)
	waitFor(t, func() bool {
		_, text := get(t, a, "/metrics", "")
		return strings.Contains(text, `gregor_waiting_requests{api="Fetch"} 1`) &&
			strings.Contains(text, `gregor_connections{listener="PLAINTEXT"} 2`)
	})
	_, text := get(t, a, "/metrics?partitions=t", "")
	served := make(map[string]bool)
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		served[m[1]] = true
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `(gregor_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = true
		if !served[m[1]] {
			t.Errorf("%s is on the page and not served", m[1])
		}
	}
	for name := range served {
		if !listed[name] {
			t.Errorf("%s is served and not on the page", name)
		}
	}
	for _, want := range []string{
		`gregor_build_info{commit="c",go="go`, `gregor_requests_total{api="Produce"} 2`,
		`gregor_request_errors_total{api="Produce",code="UNKNOWN_TOPIC_OR_PARTITION"} 1`,
		`gregor_request_seconds_count{api="Produce"} 2`, `gregor_request_seconds_bucket{api="Produce",le="0.0001"} `,
		`gregor_request_seconds_count{api="Fetch"} 1`, `gregor_requests_total{api="Fetch"} 2`,
		"gregor_rejected_requests_total 1",
		`gregor_connections_opened_total{listener="PLAINTEXT"} 3`, "gregor_sync_records_count 1",
		"gregor_sync_records_sum 2", `gregor_topic_end_offsets{topic="t"} 2`, `gregor_topic_partitions{topic="t"} 1`,
		`gregor_partition_high_watermark{partition="0",topic="t"} 2`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there", want)
		}
	}
	if _, text := get(t, a, "/metrics", ""); strings.Contains(text, "gregor_partition_") {
		t.Error("single partitions are told without being asked for")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// The names of metrics are for good: dashboards and alerts rely on them. Whoever changes one on purpose writes the page
// anew with -rewrite and tells of it.
func TestMetricsPage(t *testing.T) {
	const name, begin, end = "../../docs/metrics.md", "<!-- metrics -->\n", "<!-- end of metrics -->\n"
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", name)
	}
	want := before + begin + server.MetricRows() + end + after
	if *rewrite {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(content) {
		got := strings.Split(string(content), "\n")
		for _, line := range strings.Split(want, "\n") {
			if !slices.Contains(got, line) {
				t.Errorf("%s lacks the line %s", name, line)
			}
		}
		t.Errorf("%s is not the table's: go test ./core/server -run TestMetricsPage -rewrite", name)
	}
}

// A step that hangs makes the process count as dead.
func TestLivezFindsAHang(t *testing.T) {
	a := openAdmin(t, server.AdminOptions{Patience: 20 * time.Millisecond})
	s, stop, err := startWith(t, a, vfs.NewMem(vfs.MemOptions{}), "/data")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, a, "/livez", 200, "live\n")
	release := s.HoldTimer()
	expect(t, a, "/livez", 503, "stands still")
	release()
	waitFor(t, func() bool { code, _ := get(t, a, "/livez", ""); return code == 200 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
