package fuzz

import (
	"bytes"
	"errors"
	"log/slog"
	"path"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// FuzzMetadataRecords takes any bytes for records of the metadata log, each behind a length of one byte. What decodes
// encodes to bytes that decode to the same; applied to a cluster's image a record is refused or leads to an image that
// keeps every invariant; and a broker that finds the records in its log starts or says why not.
func FuzzMetadataRecords(f *testing.F) {
	w := shared.get(f)
	m := start(f, w.disk.Clone(), 2)
	image := m.b.Image()
	m.end()
	var all []byte
	for r := range image.Records() {
		value, err := meta.AppendRecord(nil, r)
		must(f, err)
		f.Add(append([]byte{byte(len(value))}, value...))
		all = append(append(all, byte(len(value))), value...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, data []byte) {
		defer watch()()
		var values [][]byte
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			values = append(values, data[1:][:n])
			data = data[1+n:]
		}
		next, applied := image, len(values) > 0
		for _, value := range values {
			r, err := meta.DecodeRecord(value)
			if err != nil {
				if !errors.Is(err, meta.ErrCorruptRecord) && !errors.Is(err, meta.ErrUnsupportedRecord) {
					t.Fatal(err)
				}
				applied = false
				continue
			}
			sameAgain(t, r)
			position := meta.Position{Offset: next.Position().Offset + 1, Epoch: next.Position().Epoch}
			after, _, err := next.Apply(position, r)
			if err != nil {
				applied = false
				continue
			}
			must(t, errors.Join(after.CheckInvariants(), next.CheckSuccessor(after)))
			next = after
		}
		startOn(t, w.disk.Clone(), values, applied)
	})
}

// sameAgain encodes a record and decodes it again.
func sameAgain(t *testing.T, r meta.Record) {
	t.Helper()
	first, err := meta.AppendRecord(nil, r)
	if err != nil {
		if !errors.Is(err, meta.ErrRecordTooLarge) {
			t.Fatal(err)
		}
		return
	}
	again, err := meta.DecodeRecord(first)
	if err != nil {
		t.Fatalf("%+v: % x does not decode: %v", r, first, err)
	}
	second, err := meta.AppendRecord(nil, again)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%+v: got % x, %v, expected % x", r, second, err, first)
	}
}

// startOn starts a broker on a disk whose metadata log ends with some more records.
func startOn(t *testing.T, fs *vfs.Mem, values [][]byte, applied bool) {
	t.Helper()
	if len(values) == 0 {
		return
	}
	o := logOptions(fs)
	o.Dir, o.TopicID = path.Join("data", broker.MetadataPartition.String()), base.UUID{15: 1}
	o.Config.SegmentBytes, o.Config.IndexBytes = 1<<30, 10<<20
	l, _, err := commitlog.Open(o)
	must(t, err)
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for _, value := range values {
		b.Append(epoch, nil, value)
	}
	built, err := b.Build()
	must(t, err)
	_, err = l.Append(built, 100, epoch)
	must(t, errors.Join(err, l.Close()))
	cfg, err := settings()
	must(t, err)
	var effects broker.Effects
	opened, err := broker.Open(broker.Options{
		FS: fs, Config: cfg, Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}},
		Rand: env.NewSeeded(3, "fuzz"), Log: slog.New(slog.DiscardHandler), OpenFiles: 4,
		Now: base.Instant{Mono: 1, Wall: epoch}, Parallel: inTurn,
	}, &effects)
	if err != nil {
		// A broker may still not be able to register with the cluster that the records make.
		if applied && (errors.Is(err, meta.ErrRecordDoesNotFit) || errors.Is(err, meta.ErrCorruptRecord)) {
			t.Fatalf("records that apply one by one do not apply together: %v", err)
		}
		return
	}
	must(t, opened.Close())
}

func inTurn(n int, work func(int)) {
	for i := range n {
		work(i)
	}
}
