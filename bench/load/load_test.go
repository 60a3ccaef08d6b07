//go:build linux

package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/core/batch"
)

const topic = "load-test"

// serve runs a raw loop until the test ends.
func serve(t *testing.T, o limit.Options) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := limit.Serve(ctx, "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		s.Wait()
	})
	return s.Address()
}

// short is a window that ends soon.
var short = load.Window{Warm: time.Millisecond, For: 30 * time.Millisecond}

func TestBatchesAreValidAndExact(t *testing.T) {
	for _, size := range []int{1000, 4096, 16 << 10, 64 << 10, 1 << 20} {
		for _, record := range []int{10, 100, 1024} {
			if record > size/2 {
				continue
			}
			b, err := load.NewBatch(size, record, 1)
			if err != nil {
				t.Errorf("%d bytes, records of %d: %v", size, record, err)
				continue
			}
			got, err := batch.Produced(b.Bytes)
			if err != nil || len(got) != size || int(got.Count()) != b.Records {
				t.Errorf("%d bytes, records of %d: got %d bytes, %d records, %v", size, record, len(got), got.Count(),
					err)
			}
			if _, err := batch.Validate(got, batch.Rules{Now: 1, AfterMaxMs: 1000, BeforeMaxMs: 1000}); err != nil {
				t.Errorf("%d bytes, records of %d: %v", size, record, err)
			}
		}
	}
}

// TestStoreKeepsEveryFrame counts what the store loop wrote, in files no larger than asked for.
func TestStoreKeepsEveryFrame(t *testing.T) {
	for _, size := range []int{1000, 64 << 10, 1 << 20} {
		dir := t.TempDir()
		b, err := load.NewBatch(size, 500, 1)
		if err != nil {
			t.Fatal(err)
		}
		const files = 3 << 20
		p := load.Produce{
			Address: serve(t, limit.Options{Kind: limit.Store, Dir: dir, FileBytes: files}), Topic: topic,
			Partitions: 1, Connections: 2, InFlight: 3, Batch: b, Acks: 1, Window: short,
		}
		got, err := p.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var stored int64
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() > files {
				t.Errorf("file of %d bytes, expected at most %d", info.Size(), files)
			}
			stored += info.Size()
		}
		if got.All == 0 || got.Requests > got.All || stored/got.All < int64(size) || stored/got.All > int64(size)+200 {
			t.Errorf("%d requests of %d bytes, %d bytes stored", got.All, size, stored)
		}
		const inFlight = 2 * 3 // may be answered after the window
		late := got.Latency.TotalCount() - got.Requests
		if got.Bytes != got.Requests*int64(size) || late < 0 || late > inFlight {
			t.Errorf("got %d bytes and %d latencies of %d requests", got.Bytes, got.Latency.TotalCount(), got.Requests)
		}
	}
}

// TestDurableAnswersInOrder: the loop with a group commit keeps every frame, in one file or in one for each connection,
// and answers each connection in order.
func TestDurableAnswersInOrder(t *testing.T) {
	for files, frames := range map[int]int64{1: 150, 3: 50} {
		dir := t.TempDir()
		b, err := load.NewRecord(100, 1)
		if err != nil {
			t.Fatal(err)
		}
		p := load.Produce{
			Address: serve(t, limit.Options{Kind: limit.Durable, Dir: dir, Files: files}), Topic: topic, Partitions: 1,
			Connections: 3, InFlight: 5, Batch: b, Acks: 1, Requests: 50,
		}
		got, err := p.Run(t.Context())
		if err != nil || got.All != 150 {
			t.Fatalf("got %d requests, %v, expected 50 on each of 3 connections", got.All, err)
		}
		for i := range files {
			info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("durable-%d.log", i)))
			if err != nil || info.Size() < frames*int64(len(b.Bytes)) {
				t.Errorf("got %v, %v, expected %d frames of more than %d bytes", info, err, frames, len(b.Bytes))
			}
		}
	}
}

// TestRequestsAreCounted sends so many requests as were asked for, whatever the window is.
func TestRequestsAreCounted(t *testing.T) {
	b, err := load.NewRecord(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := load.Produce{
		Address: serve(t, limit.Options{Kind: limit.Discard}), Topic: topic, Partitions: 1, Connections: 2, InFlight: 5,
		Batch: b, Acks: 1, Requests: 7,
	}
	if got, err := p.Run(t.Context()); err != nil || got.All != 14 {
		t.Errorf("got %d requests, %v, expected 7 on each of 2 connections", got.All, err)
	}
}

// writeLog makes a file of batches as a log has them and returns how to send it.
func writeLog(t *testing.T, batches int64) limit.Source {
	t.Helper()
	const size = 8 << 10
	b, err := load.NewBatch(size, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "0.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range batches {
		batch.Batch(b.Bytes).SetBaseOffset(base.Offset(i * int64(b.Records)))
		if _, err := f.Write(b.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	return limit.Source{
		Path: path, Topic: topic, BatchBytes: size, BatchRecords: int64(b.Records), SpanBytes: 4 * size,
	}
}

func fetch(address string, s limit.Source, batches int64, every int) load.Fetch {
	return load.Fetch{
		Address: address, Topic: topic, Connections: 3, InFlight: 2, BatchBytes: s.BatchBytes,
		BatchRecords: s.BatchRecords, Batches: batches, SpanBatches: s.SpanBytes / s.BatchBytes, CheckEvery: every,
		Window: short,
	}
}

// TestSinkChecksWhatItReads reads a whole log again and again, with every response checked and with none.
func TestSinkChecksWhatItReads(t *testing.T) {
	const batches = 18 // four spans and a rest that is never asked for
	source := writeLog(t, batches)
	address := serve(t, limit.Options{Kind: limit.Spans, Source: source})
	for _, every := range []int{0, 1, 5} {
		got, err := fetch(address, source, batches, every).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Requests == 0 || got.Bytes != got.Requests*source.SpanBytes || (got.Checked == got.All) != (every == 1) {
			t.Errorf("every %d: got %+v", every, got)
		}
	}
}

// TestSinkFindsDamage changes a bit of the records, then the offset of a batch.
func TestSinkFindsDamage(t *testing.T) {
	for _, position := range []int64{7, 8<<10 + 7, 3*(8<<10) - 1} {
		source := writeLog(t, 4)
		f, err := os.OpenFile(source.Path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		_, err = f.ReadAt(b[:], position)
		b[0] ^= 1
		_, werr := f.WriteAt(b[:], position)
		if err := errors.Join(err, werr, f.Close()); err != nil {
			t.Fatal(err)
		}
		address := serve(t, limit.Options{Kind: limit.Spans, Source: source})
		if _, err := fetch(address, source, 4, 1).Run(t.Context()); !errors.Is(err, load.ErrAnswer) {
			t.Errorf("position %d: got %v, expected ErrAnswer", position, err)
		}
	}
}

// answering is a server that answers each Produce frame as told.
func answering(t *testing.T, answer func(ack []byte)) string {
	t.Helper()
	l, err := limit.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				frame := make([]byte, 1<<20)
				ack := make([]byte, 60)
				for {
					if _, err := io.ReadFull(c, frame[:4]); err != nil {
						return
					}
					n := int(frame[2])<<8 | int(frame[3])
					if _, err := io.ReadFull(c, frame[:n]); err != nil {
						return
					}
					clear(ack)
					ack[3] = 56
					copy(ack[4:8], frame[4:8])
					answer(ack)
					if _, err := c.Write(ack); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestProducerFindsBadAnswers hands it an error code, and an answer out of order.
func TestProducerFindsBadAnswers(t *testing.T) {
	b, err := load.NewRecord(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	const code = 4 + 4 + 1 + 1 + 1 + len(topic) + 1 + 4
	for _, c := range []struct {
		answer func([]byte)
		want   error
	}{
		{func([]byte) {}, nil},
		{func(ack []byte) { ack[code+1] = 3 }, load.ErrRefused},
		{func(ack []byte) { ack[7] = 77 }, load.ErrAnswer},
	} {
		p := load.Produce{
			Address: answering(t, c.answer), Topic: topic, Partitions: 1, Connections: 1, InFlight: 5, Batch: b,
			Acks: 1, Window: short,
		}
		if _, err := p.Run(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("got %v, expected %v", err, c.want)
		}
	}
}
