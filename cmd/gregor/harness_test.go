package main

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// ending is how a command ended.
type ending struct {
	code      int
	out, errs string
}

// gregor runs a command in this process, with stdin.
func gregor(t *testing.T, in string, args ...string) ending {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	code := run(ctx, args, strings.NewReader(in), &out, &errs)
	return ending{code, out.String(), errs.String()}
}

// ok runs a command that ends well and returns its stdout.
func ok(t *testing.T, in string, args ...string) string {
	t.Helper()
	r := gregor(t, in, args...)
	if r.code != 0 {
		t.Fatalf("gregor %s: got exit code %d: %s%s", strings.Join(args, " "), r.code, r.out, r.errs)
	}
	return r.out
}

// startBroker runs a broker in memory, to which all commands of the test talk, and returns its address.
func startBroker(t *testing.T, settings ...config.KV) string {
	t.Helper()
	cfg, _, err := config.ParseBroker(append([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: memoryData},
		{Name: "group.initial.rebalance.delay.ms", Value: "0"}, {Name: "offsets.topic.num.partitions", Value: "2"},
	}, settings...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(context.Background(), server.Options{
		Config: cfg, Log: slog.New(slog.DiscardHandler),
		FS: vfs.NewMem(vfs.MemOptions{Now: func() int64 { return time.Now().UnixMilli() }}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	address := s.Addresses()[0].String()
	t.Setenv("GREGOR_BROKERS", address)
	return address
}

// masks replace what differs from run to run by what always stands in golden files.
var masks = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`\b1[0-9]{12}\b`), "1700000000000"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "11111111-2222-3333-4444-555555555555"},
	{regexp.MustCompile(`[0-9.]+ [KMGT]iB  +[0-9.]+ [KMGT]iB\n`), "11.8 GiB  11.8 GiB\n"},
	{regexp.MustCompile(`("port":)[0-9]+`), "${1}9092"},
	{regexp.MustCompile(`("(?:volume|usable)_bytes":)[0-9]+`), "${1}12670154752"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "127.0.0.1:9092"},
	{regexp.MustCompile(`((?:ready|waited|shutdown)_ms":)[0-9]+`), "${1}3"},
	{regexp.MustCompile(`waited=[0-9]+ms`), "waited=3ms"},
	{regexp.MustCompile(`(after|within) [0-9]+ ms`), "$1 3 ms"},
	{regexp.MustCompile(`\b(crc"?: ?)[0-9]+`), "${1}1234567890"},
	{regexp.MustCompile(`"time":"[^"]*"`), `"time":"2026-01-02T03:04:05.678Z"`},
	{regexp.MustCompile(`(?m)^(gregor|commit|go|system)   .*$`), "$1   ..."},
	{regexp.MustCompile(`gregor [^ ]+ is ready`), "gregor v0.1.0 is ready"},
}

// ids are topic and cluster ids, and words of their length.
var ids = regexp.MustCompile(`\b[A-Za-z0-9_-]{22}\b`)

// mask makes output comparable.
func mask(text string) string {
	text = ids.ReplaceAllStringFunc(text, func(id string) string {
		if strings.ToLower(id) == id {
			return id // a word with underscores
		}
		return "J5kQ2mXvTtq0rXb3cWz1Ag"
	})
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.by)
	}
	return text
}

// words splits a command line at blanks; single quotes hold words together.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			out = append(out, strings.Fields(part)...)
		} else {
			out = append(out, part)
		}
	}
	return out
}
