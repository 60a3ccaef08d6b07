//go:build unix

package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// A real client produces and consumes, on files and in memory, and finds everything again after a clean restart.
func TestRealClient(t *testing.T) {
	for _, store := range []string{"files", "memory"} {
		t.Run(store, func(t *testing.T) {
			dir := ""
			if store == "files" {
				dir = t.TempDir()
			}
			s := start(t, dir, config.KV{Name: "num.partitions", Value: "4"})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cl, err := kgo.NewClient(kgo.SeedBrokers(s.Addresses()[0].String()), kgo.ConsumeTopics("first"),
				kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			if _, err := kadm.NewClient(cl).CreateTopic(ctx, 4, 1, nil, "first"); err != nil {
				t.Fatal(err)
			}
			const n = 10_000
			for i := range n {
				r := &kgo.Record{Topic: "first", Value: fmt.Appendf(nil, "value %d", i)}
				cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := cl.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			seen := make(map[string]int)
			for len(seen) < n {
				fetches := cl.PollFetches(ctx)
				if err := fetches.Err(); err != nil {
					t.Fatal(err)
				}
				fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
			}
			for v, times := range seen {
				if times != 1 {
					t.Fatalf("%s came %d times", v, times)
				}
			}
		})
	}
}

// Many requests in one write are answered in their order, also where one of them waits and the next need not.
func TestPipelinedRepliesKeepTheirOrder(t *testing.T) {
	s := start(t, "")
	c := dial(t, s)
	c.createTopic("t")
	var all []byte
	first := c.corr + 1
	waiting := c.frame(fetchRequest("t", 0, 300, 1, 1<<20), 12)
	all = append(all, waiting...)
	for range 50 {
		all = append(all, c.frame(kmsg.NewPtrApiVersionsRequest(), 2)...)
		all = append(all, c.frame(kmsg.NewPtrMetadataRequest(), 9)...)
	}
	c.write(all)
	for want := first; want <= c.corr; want++ {
		if got, _ := c.read(); got != want {
			t.Fatalf("got correlation id %d, expected %d", got, want)
		}
	}
}

// A frame may come one byte at a time, or many in one piece cut anywhere.
func TestFramesComeInAnyPieces(t *testing.T) {
	s := start(t, "")
	c := dial(t, s)
	frame := c.frame(kmsg.NewPtrApiVersionsRequest(), 2)
	for i := range frame {
		c.write(frame[i : i+1])
	}
	c.read()
	rng := rand.New(rand.NewSource(1))
	var all []byte
	for range 200 {
		all = append(all, c.frame(kmsg.NewPtrMetadataRequest(), 1)...)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(all) > 0 {
			n := min(1+rng.Intn(300), len(all))
			if _, err := c.conn.Write(all[:n]); err != nil {
				return
			}
			all = all[n:]
		}
	}()
	for want := c.corr - 199; want <= c.corr; want++ {
		if got, _ := c.read(); got != want {
			t.Fatalf("got correlation id %d, expected %d", got, want)
		}
	}
	<-done
}

// Large batches go in and come out whole: through several read buffers, and by sendfile or from memory.
func TestLargeFrames(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := start(t, dir)
		c := dial(t, s)
		c.createTopic("t", "max.message.bytes", "20000000")
		value := make([]byte, 9_000_000)
		rand.New(rand.NewSource(2)).Read(value)
		res := c.ask(produceRequest("t", -1, records(t, value)), 9).(*kmsg.ProduceResponse)
		if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatalf("produce: code %d", code)
		}
		fetched := c.ask(fetchRequest("t", 0, 100, 1, 1<<30), 12).(*kmsg.FetchResponse)
		b, _, err := batch.Parse(fetched.Topics[0].Partitions[0].RecordBatches)
		if err != nil {
			t.Fatal(err)
		}
		it := b.Records(batch.DefaultMaxInflated)
		if !it.Next() || !bytes.Equal(it.Record().Value, value) {
			t.Fatalf("the value came back changed: %v", it.Err())
		}
		it.Close()
	}
}

// A frame above socket.request.max.bytes, or of a negative length, ends its connection and no other.
func TestBadLengthsCloseTheConnection(t *testing.T) {
	s := start(t, "", config.KV{Name: "socket.request.max.bytes", Value: "100000"})
	good := dial(t, s)
	for _, length := range []uint32{100_001, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		bad := dial(t, s)
		bad.write(binary.BigEndian.AppendUint32(nil, length))
		bad.closed()
		good.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	}
}

// Connections that begin a large frame and fall silent cost what they have sent, not what they have claimed.
func TestHalfFramesCostWhatTheyAre(t *testing.T) {
	s := start(t, "")
	before := heap()
	for range 100 {
		c := dial(t, s)
		c.write(binary.BigEndian.AppendUint32(nil, 100<<20))
		c.write(make([]byte, 1000))
	}
	good := dial(t, s)
	good.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	if grown := heap() - before; grown > 64<<20 {
		t.Fatalf("100 half frames cost %d bytes", grown)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A client that asks and never reads is not served for ever, holds up nobody, and gets everything once it reads.
func TestSlowReader(t *testing.T) {
	s := start(t, t.TempDir())
	slow, good := dial(t, s), dial(t, s)
	good.createTopic("t")
	value := make([]byte, 900_000)
	if code := good.ask(produceRequest("t", 1, records(t, value)),
		9).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("produce: code %d", code)
	}
	const asked = 300
	first := slow.corr + 1
	written := make(chan error, 1)
	var all []byte
	for range asked {
		all = append(all, slow.frame(fetchRequest("t", 0, 100, 1, 1<<20), 12)...)
		all = append(all, slow.frame(kmsg.NewPtrMetadataRequest(), 9)...)
	}
	go func() {
		_, err := slow.conn.Write(all)
		written <- err
	}()
	for range 100 {
		good.ask(kmsg.NewPtrMetadataRequest(), 9)
	}
	for want := first; want < first+2*asked; want++ {
		if got, _ := slow.read(); got != want {
			t.Fatalf("got correlation id %d, expected %d", got, want)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// A waiting fetch is answered by an append on another connection, at once.
func TestAppendWakesFetch(t *testing.T) {
	s := start(t, "")
	c, p := dial(t, s), dial(t, s)
	p.createTopic("t")
	fetch := fetchRequest("t", 0, 25_000, 1, 1<<20)
	c.write(c.frame(fetch, 12))
	began := time.Now()
	p.ask(produceRequest("t", 1, records(t, []byte("now"))), 9)
	res := c.decode(fetch).(*kmsg.FetchResponse)
	if len(res.Topics[0].Partitions[0].RecordBatches) == 0 || time.Since(began) > 20*time.Second {
		t.Fatalf("got %d bytes after %v", len(res.Topics[0].Partitions[0].RecordBatches), time.Since(began))
	}
}

// Waits end at their time without any other input: the driver keeps the broker's deadlines.
func TestDeadlines(t *testing.T) {
	s := start(t, "")
	c := dial(t, s)
	c.createTopic("t")
	for _, ms := range []int32{1, 20, 5} {
		res := c.ask(fetchRequest("t", 0, ms, 1, 1<<20), 12).(*kmsg.FetchResponse)
		if n := len(res.Topics[0].Partitions[0].RecordBatches); n != 0 {
			t.Fatalf("got %d bytes", n)
		}
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := start(t, "", config.KV{Name: "connections.max.idle.ms", Value: "50"})
	dial(t, s).closed()
}

func TestConnectionLimits(t *testing.T) {
	s := start(t, "", config.KV{Name: "max.connections.per.ip", Value: "2"})
	one, two := dial(t, s), dial(t, s)
	one.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	two.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	dial(t, s).closed()
	one.conn.Close()
	// The place is free once the server has seen the end of the first connection.
	for deadline := time.Now().Add(patience); ; {
		c := dial(t, s)
		c.write(c.frame(kmsg.NewPtrApiVersionsRequest(), 2))
		if _, err := io.ReadFull(c.conn, make([]byte, 4)); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// max.connections makes further clients wait until one goes.
func TestMaxConnectionsWaits(t *testing.T) {
	s := start(t, "", config.KV{Name: "max.connections", Value: "1"})
	one, two := dial(t, s), dial(t, s)
	two.write(two.frame(kmsg.NewPtrApiVersionsRequest(), 2))
	one.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	one.conn.Close()
	two.read()
}

// acks=0 gets no response, and an error closes the connection, which is all that tells the client.
func TestNoAcks(t *testing.T) {
	s := start(t, "")
	c := dial(t, s)
	c.createTopic("t")
	c.write(c.frame(produceRequest("t", 0, records(t, []byte("silent"))), 9))
	c.ask(kmsg.NewPtrApiVersionsRequest(), 2)
	c.write(c.frame(produceRequest("nowhere", 0, records(t, []byte("lost"))), 9))
	c.closed()
}

// A directory that another broker uses is refused, and the other goes on.
func TestSecondBrokerOnOneDirectory(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Start(t.Context(), server.Options{
		Config: cfg, FS: vfs.NewOS(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if !errors.Is(err, commitlog.ErrDirLocked) {
		t.Fatalf("got %v, expected ErrDirLocked", err)
	}
	dial(t, s).ask(kmsg.NewPtrApiVersionsRequest(), 2)
}

// A port in use is an error that names the listener.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://" + l.Addr().String()}, {Name: "log.dirs", Value: t.TempDir()},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Start(t.Context(), server.Options{
		Config: cfg, FS: vfs.NewOS(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("listener PLAINTEXT")) {
		t.Fatalf("got %v", err)
	}
}

// A clean stop while clients are busy leaves the mark of a clean stop, and everything that was acknowledged.
func TestShutdownUnderLoad(t *testing.T) {
	dir := t.TempDir()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{Config: cfg, FS: vfs.NewOS(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s, err := server.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.createTopic("t")
	acked := make(chan int64, 1)
	go func() {
		var n int64
		defer func() { acked <- n }()
		for {
			c.corr++
			req := produceRequest("t", -1, records(t, []byte("x")))
			req.SetVersion(9)
			frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, c.corr)
			if _, err := c.conn.Write(frame); err != nil {
				return
			}
			head := make([]byte, 4)
			if _, err := io.ReadFull(c.conn, head); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, c.conn, int64(binary.BigEndian.Uint32(head))); err != nil {
				return
			}
			n++
		}
	}()
	waitFor(t, func() bool { return fileSize(filepath.Join(dir, "t-0", "00000000000000000000.log")) > 10_000 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	n := <-acked
	if _, err := os.Stat(filepath.Join(dir, commitlog.CleanShutdownFile)); err != nil {
		t.Fatalf("no mark of a clean stop: %v", err)
	}
	again := start(t, dir)
	c = dial(t, again)
	req := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = "t"
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp = -1
	rt.Partitions = append(rt.Partitions, part)
	req.Topics = append(req.Topics, rt)
	end := c.ask(req, 6).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset
	if end < n {
		t.Fatalf("%d acknowledged, the log ends at %d", n, end)
	}
}

func fileSize(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// waitFor polls a condition that only other goroutines can make true.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("waited in vain")
		}
	}
}
