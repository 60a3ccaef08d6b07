//go:build unix

package server_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of these tests; none is expected to take a hundredth of it.
const patience = 30 * time.Second

// start runs a server on a free port until the test ends. Its log directory is in memory unless a directory is given.
func start(t testing.TB, dir string, more ...config.KV) *server.Server {
	t.Helper()
	var fs vfs.FS = vfs.NewMem(vfs.MemOptions{})
	if dir != "" {
		fs = vfs.NewOS()
	} else {
		dir = "/data"
	}
	return startOn(t, fs, dir, slog.New(slog.NewTextHandler(io.Discard, nil)), more...)
}

// startOn is start on a file system and with a log of the caller's.
func startOn(t testing.TB, fs vfs.FS, dir string, log *slog.Logger, more ...config.KV) *server.Server {
	t.Helper()
	pairs := append([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
		{Name: "num.partitions", Value: "1"},
	}, more...)
	cfg, _, err := config.ParseBroker(pairs)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(t.Context(), server.Options{Config: cfg, FS: fs, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

// client is a raw connection that speaks frames.
type client struct {
	t    testing.TB
	conn *net.TCPConn
	corr int32
}

func dial(t *testing.T, s *server.Server) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, conn: c.(*net.TCPConn)}
}

// frame encodes a request and counts its correlation id.
func (c *client) frame(req kmsg.Request, version int16) []byte {
	c.corr++
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, c.corr)
}

func (c *client) write(p []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next response's correlation id and what follows it.
func (c *client) read() (int32, []byte) {
	c.t.Helper()
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.conn, head); err != nil {
		c.t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head))
	if _, err := io.ReadFull(c.conn, body); err != nil {
		c.t.Fatal(err)
	}
	return int32(binary.BigEndian.Uint32(body)), body[4:]
}

// ask sends one request and decodes its response.
func (c *client) ask(req kmsg.Request, version int16) kmsg.Response {
	c.t.Helper()
	c.write(c.frame(req, version))
	return c.decode(req)
}

func (c *client) decode(req kmsg.Request) kmsg.Response {
	c.t.Helper()
	_, body := c.read()
	if req.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
		body = body[1:]
	}
	res := req.ResponseKind()
	res.SetVersion(req.GetVersion())
	if err := res.ReadFrom(body); err != nil {
		c.t.Fatal(err)
	}
	return res
}

// closed waits for the server to close the connection and fails if anything else comes.
func (c *client) closed() {
	c.t.Helper()
	n, err := c.conn.Read(make([]byte, 1))
	if n != 0 {
		c.t.Fatalf("got bytes, expected the connection to be closed")
	}
	if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
		c.t.Fatal("the connection stayed open")
	}
}

func (c *client) createTopic(name string, configs ...string) {
	c.t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	for i := 0; i < len(configs); i += 2 {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{
			Name: configs[i], Value: &configs[i+1],
		})
	}
	req.Topics = append(req.Topics, topic)
	if code := c.ask(req, 7).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode; code != 0 {
		c.t.Fatalf("create %s: code %d", name, code)
	}
}

// records builds a batch of values.
func records(t *testing.T, values ...[]byte) []byte {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for _, v := range values {
		b.Append(time.Now().UnixMilli(), nil, v)
	}
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func produceRequest(topic string, acks int16, set []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks, 10_000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	rt.Partitions = append(rt.Partitions, kmsg.ProduceRequestTopicPartition{Records: set})
	req.Topics = append(req.Topics, rt)
	return req
}

func fetchRequest(topic string, offset int64, maxWait, minBytes, maxBytes int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = maxWait, minBytes, maxBytes
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = topic
	part := kmsg.NewFetchRequestTopicPartition()
	part.FetchOffset, part.PartitionMaxBytes = offset, maxBytes
	rt.Partitions = append(rt.Partitions, part)
	req.Topics = append(req.Topics, rt)
	return req
}
