package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestServes: what is produced is there to consume, on the address that was said, until the end.
func TestServes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", out) }()
	line, err := bufio.NewReader(in).ReadString('\n')
	address, said := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !said {
		t.Fatalf("got %q, %v", line, err)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, kgo.StringRecord("value")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := c.PollFetches(ctx).Records(); len(got) != 1 || string(got[0].Value) != "value" {
		t.Errorf("got %v", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
