package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// servingCommand is a broker that runs as a command in this process.
type servingCommand struct {
	interrupt context.CancelCauseFunc
	ended     chan int
	// lines are those of stderr, read so far; ready is the one that says that clients are served.
	ready map[string]any
	out   *bufio.Reader
	rest  chan []map[string]any
}

// serveCommand starts a command that serves, and waits until it does.
func serveCommand(t *testing.T, args ...string) *servingCommand {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	// The system's pipe holds what a command prints, for the tests that do not read it.
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outRead.Close() })
	errRead, errWrite := io.Pipe()
	s := &servingCommand{interrupt: cancel, ended: make(chan int, 1), out: bufio.NewReader(outRead)}
	s.rest = make(chan []map[string]any, 1)
	go func() {
		code := run(ctx, args, nil, outWrite, errWrite)
		_ = outWrite.Close()
		_ = errWrite.Close()
		s.ended <- code
	}()
	lines := bufio.NewScanner(errRead)
	for lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if line["msg"] == "ready" {
			s.ready = line
			break
		}
	}
	if s.ready == nil {
		t.Fatalf("gregor %s: ended with exit code %d before it was ready", strings.Join(args, " "), <-s.ended)
	}
	go func() {
		var more []map[string]any
		for lines.Scan() {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				line = map[string]any{"text": lines.Text()}
			}
			more = append(more, line)
		}
		s.rest <- more
	}()
	return s
}

// stop ends the command as SIGTERM does, and wants a clean end.
func (s *servingCommand) stop(t *testing.T) {
	t.Helper()
	s.interrupt(&interrupted{signal: syscall.SIGTERM})
	if code := <-s.ended; code != 0 {
		t.Errorf("got exit code %d, expected a clean end", code)
	}
	if more := <-s.rest; len(more) < 2 || more[len(more)-1]["msg"] != "stopped" {
		t.Errorf("got the lines %v, expected stopped as the last", more)
	}
}

// propertiesFile writes a server.properties and returns its name.
func propertiesFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "server.properties")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBroker runs a broker from a file, stops it and starts it again.
func TestBroker(t *testing.T) {
	dir := t.TempDir()
	file := propertiesFile(t, "# Kafka's own", "node.id = 7", "listeners=PLAINTEXT://127.0.0.1:0", "num.partitions:2",
		"log.dirs=replaced", "auto.leader.rebalance.enable=false")
	args := []string{"broker", "-c", file, "--override", "log.dirs=" + dir, "--cluster-id", "J5kQ2mXvTtq0rXb3cWz1Ag"}
	s := serveCommand(t, args...)
	address, _ := s.ready["address"].(string)
	if s.ready["log_dirs"] != dir || s.ready["node_id"] != 7.0 || s.ready["cluster_id"] != "J5kQ2mXvTtq0rXb3cWz1Ag" ||
		s.ready["congestion_control"] == "" || s.ready["ready_ms"] == nil {
		t.Errorf("got the line %v", s.ready)
	}
	ok(t, "one\n", "produce", "kept", "-b", address)
	s.stop(t)
	if _, err := os.Stat(filepath.Join(dir, commitlog.CleanShutdownFile)); err != nil {
		t.Errorf("after the end: %v", err)
	}
	ok(t, "", "log", "verify", dir, "--deep")
	s = serveCommand(t, args...)
	address, _ = s.ready["address"].(string)
	if out := ok(t, "", "consume", "kept", "-e", "-b", address, "-f", "%v %p\\n"); !strings.HasPrefix(out, "one ") {
		t.Errorf("after the second start: got %q", out)
	}
	// A second broker is told so and changes nothing.
	before := listing(t, dir)
	if r := gregor(t, "", args...); r.code != 1 || !strings.Contains(r.errs, "in use by another broker") {
		t.Errorf("a second broker: got %+v", r)
	}
	if r := gregor(t, "", append(args, "--override", "listeners=PLAINTEXT://"+address)...); r.code != 1 ||
		!strings.Contains(r.errs, "address already in use") {
		t.Errorf("the same address: got %+v", r)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("a second broker has changed the directory:\n%s\nbefore\n%s", after, before)
	}
	s.stop(t)
	before = listing(t, dir)
	for want, change := range map[string]string{
		"belongs to another node":    "node.id=8",
		"belongs to another cluster": "gregor.cluster.id=AAAAAAAAAAAAAAAAAAAAAA",
	} {
		r := gregor(t, "", "broker", "-c", file, "--override", "log.dirs="+dir, "--override", change)
		if r.code != 1 || !strings.Contains(r.errs, want) {
			t.Errorf("%s: got %+v", change, r)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("a broker of another place has changed the directory:\n%s\nbefore\n%s", after, before)
	}
}

// TestUnusableDirectories tells what is wrong with a log directory, and leaves it alone.
func TestUnusableDirectories(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"file": "", "torn/meta.properties": "version=1\ncluster.id=", "old/meta.properties": "version=0\nbroker.id=1\n",
		"foreign/meta.properties": "version=1\ncluster.id=c\nnode.id=2\n", "partitions/orders-0/x.log": "",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := listing(t, root)
	file := propertiesFile(t, "listeners=PLAINTEXT://127.0.0.1:0", "node.id=1")
	for dir, want := range map[string]string{
		"file": "not a directory", "torn": "got cluster.id", "old": "version", "foreign": "belongs to another node",
		"partitions": "has no meta.properties but is not empty",
	} {
		dir = filepath.Join(root, dir)
		for _, args := range [][]string{{"broker", "-c", file, "--override", "log.dirs=" + dir}, {"dev", "--port", "0",
			"--data", dir}} {
			if r := gregor(t, "", args...); r.code != 1 || !strings.Contains(r.errs, want) ||
				!strings.Contains(r.errs, dir) || r.out != "" {
				t.Errorf("%s: got %+v, expected %q", dir, r, want)
			}
		}
	}
	if after := listing(t, root); after != before {
		t.Errorf("directories were changed:\n%s\nbefore\n%s", after, before)
	}
}

// listing describes all files of a directory: name, size, time.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(name + " " + info.ModTime().String() + " " + info.Mode().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCheckConfig reports what is wrong with a file, in words and in JSON.
func TestCheckConfig(t *testing.T) {
	for _, c := range []struct {
		lines []string
		code  int
		want  []string
	}{
		{[]string{"num.partitions=3"}, 0, []string{": ok"}},
		{[]string{"num.partitons=3"}, 2, []string{"error: ", "nearest is num.partitions"}},
		{[]string{"zookeeper.connect=x"}, 2, []string{"error: ", "removed in Kafka 4"}},
		{[]string{"auto.leader.rebalance.enable=false"}, 0, []string{"note: ", "no effect until", ": ok"}},
		{[]string{"num.partitions=x", "log.retention.ms=y"}, 2,
			[]string{"num.partitions", "log.retention.ms", "2 errors"}},
	} {
		file := propertiesFile(t, c.lines...)
		r := gregor(t, "", "broker", "-c", file, "--check-config")
		for _, want := range c.want {
			if r.code != c.code || !strings.Contains(r.out, want) || r.errs != "" {
				t.Errorf("%v: got %+v, expected %q", c.lines, r, want)
			}
		}
		r = gregor(t, "", "broker", "-c", file, "--check-config", "--format", "json")
		var report struct {
			Valid         bool
			Errors, Notes []checked
		}
		err := json.Unmarshal([]byte(r.out), &report)
		if err != nil || report.Valid != (c.code == 0) || r.code != c.code ||
			report.Valid != (len(report.Errors) == 0) {
			t.Errorf("%v: got %+v and %v", c.lines, r, err)
		}
	}
	file := propertiesFile(t, "listeners=PLAINTEXT://127.0.0.1:0", "log.dirs="+t.TempDir(), "num.partitons=3")
	s := serveCommand(t, "broker", "-c", file)
	s.stop(t)
	for _, args := range [][]string{{"--override", "novalue"}, {"--override", "num.partitions=x"}} {
		if r := gregor(t, "", append([]string{"broker", "-c", file}, args...)...); r.code != 2 {
			t.Errorf("%v: got %+v, expected exit code 2", args, r)
		}
	}
}

// TestDev greets, serves from memory and from a directory, and gives the commands for a first record.
func TestDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	for _, data := range []string{"memory:", "memory:64MiB", dir} {
		s := serveCommand(t, "dev", "--port", "0", "--data", data, "--log-level", "info", "--set", "num.partitions=3")
		address, _ := s.ready["address"].(string)
		var greeting []string
		for len(greeting) < 10 {
			line, err := s.out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			greeting = append(greeting, strings.TrimSpace(line))
		}
		if !strings.Contains(greeting[0], "is ready at "+address) {
			t.Errorf("got %q", greeting[0])
		}
		// Exactly what it says to do.
		produce, consume, describe := words(greeting[5]), words(greeting[6]), words(greeting[7])
		ok(t, produce[1]+"\n", produce[4:]...)
		if out := ok(t, "", consume[1:]...); out != "hello\n" {
			t.Errorf("%s: got %q, expected the first record", greeting[6], out)
		}
		if out := ok(t, "", describe[1:]...); !strings.Contains(out, "first") {
			t.Errorf("%s: got %q, expected the topic", greeting[7], out)
		}
		if pages, _ := s.ready["admin"].(string); greeting[1] != "Health and metrics: http://"+pages+"/" {
			t.Errorf("got %q and the admin pages at %v", greeting[1], s.ready["admin"])
		}
		s.stop(t)
	}
	ok(t, "", "log", "verify", dir)
	s := serveCommand(t, "dev", "--port", "0", "--log-level", "info", "--format", "json")
	line, err := s.out.ReadString('\n')
	var object struct{ Bootstrap, Data string }
	if err != nil || json.Unmarshal([]byte(line), &object) != nil || object.Bootstrap != s.ready["address"] {
		t.Errorf("got %s and %v", line, err)
	}
	s.stop(t)
}

// TestMemoryIsBounded fills the memory that a broker may use: the producer is told, and the broker lives on.
func TestMemoryIsBounded(t *testing.T) {
	s := serveCommand(t, "dev", "--port", "0", "--data", "memory:4MiB", "--log-level", "info")
	address, _ := s.ready["address"].(string)
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.AllowAutoTopicCreation(), kgo.DisableIdempotentWrite(),
		kgo.RecordRetries(2), kgo.DefaultProduceTopic("full"), kgo.MetadataMinAge(20*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	value := bytes.Repeat([]byte("x"), 500_000)
	for i := 0; err == nil && i < 100; i++ {
		err = client.ProduceSync(ctx, kgo.SliceRecord(value)).FirstErr()
	}
	if err == nil || ctx.Err() != nil {
		t.Errorf("got %v, expected the broker's refusal", err)
	}
	ok(t, "", "topic", "list", "-b", address)
	s.interrupt(&interrupted{signal: syscall.SIGTERM})
	if code := <-s.ended; code != 1 {
		t.Errorf("got exit code %d of a stop that was not clean, expected 1", code)
	}
	more := <-s.rest
	if !slices.ContainsFunc(more, func(line map[string]any) bool {
		text, _ := line["text"].(string)
		return strings.Contains(text, "did not stop cleanly") && strings.Contains(text, "no space left")
	}) {
		t.Errorf("got %v, expected the reason at the end", more)
	}
}

// TestLogCommands dumps and verifies what a broker left, damages it and repairs it.
func TestLogCommands(t *testing.T) {
	dir := t.TempDir()
	s := serveCommand(t, "dev", "--port", "0", "--data", dir, "--log-level", "info")
	address, _ := s.ready["address"].(string)
	ok(t, strings.Repeat("value\n", 1000), "produce", "t", "-b", address)
	if r := gregor(t, "", "log", "verify", dir); r.code != 1 || !strings.Contains(r.errs, "in use by a broker") {
		t.Errorf("a running broker's directory: got %+v", r)
	}
	s.stop(t)
	log := filepath.Join(dir, "t-0", "00000000000000000000.log")
	if out := ok(t, "", "log", "dump", log, "--print-data-log"); strings.Count(out, " payload: value\n") != 1000 {
		t.Errorf("got %d lines of the dump", strings.Count(out, "\n"))
	}
	if out := ok(t, "", "log", "dump", dir, "--format", "json"); !strings.Contains(out, `"TOPIC_RECORD"`) {
		t.Error("the metadata log's records are not decoded")
	}
	if r := gregor(t, "", "log", "dump", filepath.Join(dir, "missing")); r.code != 1 {
		t.Errorf("a missing file: got %+v", r)
	}
	if r := gregor(t, "", "log", "verify", t.TempDir()); r.code != 2 {
		t.Errorf("an empty directory: got %+v", r)
	}
	if r := gregor(t, "", "log", "verify", dir, "--dry-run"); r.code != 2 {
		t.Errorf("--dry-run alone: got %+v", r)
	}
	content, err := vfs.ReadFile(vfs.NewOS(), log)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(log, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 1, "corrupt-batch"},
		{[]string{"--format", "json"}, 1, `"problem_count":`},
		{[]string{"--repair"}, 2, "t-0"},
		{[]string{"--repair", "--dry-run"}, 1, "would repair t-0"},
		{[]string{"--repair", "--yes", "--format", "json"}, 0, `"lost_from_offset":`},
		{nil, 0, "ok"},
	} {
		r := gregor(t, "", append([]string{"log", "verify", dir}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.out+r.errs, c.want) {
			t.Errorf("%v: got %+v, expected exit code %d and %q", c.args, r, c.code, c.want)
		}
	}
}
