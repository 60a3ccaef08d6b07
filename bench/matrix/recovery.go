//go:build linux

package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/commitlog"
)

// recovery is a row of a broker that is killed while it works and started again on what it has left.
type recovery struct {
	bytes int64 // of the log when it is killed; chosen for each machine
}

const (
	recoveryBytes   = 10 << 30
	recoveryRounds  = 2 // each writes the log anew for every side
	recoveryBatch   = 1 << 20
	recoveryRecord  = 1024
	recoveryFlight  = 3
	recoveryShare   = 4 // a log takes at most this part of the free disk and of the memory
	recoveryKill    = 50 * time.Millisecond
	recoveryPatient = 15 * time.Minute
)

// recoveryConfigs leave as much of a log in one segment as can be, and have nothing flushed but what rolls.
var recoveryConfigs = map[string]string{
	"segment.bytes": "2147483647", "flush.messages": "9223372036854775807", "flush.ms": "9223372036854775807",
	"retention.bytes": "-1", "retention.ms": "-1",
}

func recoveryRows() []*Row {
	return []*Row{{
		Name: "recovery", What: "from exec, after a kill -9 in the middle of the load, to the first record that is " +
			"acknowledged in the partition which has the log",
		Unit: "s", Durability: "page-cache", life: &recovery{}, MostRounds: recoveryRounds,
		Settings: []result.Setting{
			setting("batch_bytes", recoveryBatch), setting("record_bytes", recoveryRecord), setting("partitions", 1),
			setting("connections", 1), setting("in_flight", recoveryFlight), setting("acks", 1),
			{Key: "segment_bytes", Value: recoveryConfigs["segment.bytes"]},
			{Key: "flush", Value: "never by count or time: what is not sealed is not flushed, and what is sealed is " +
				"read again too unless a recovery point was written behind it"},
			{Key: "checked", Value: "the log's end is not before what was acknowledged"},
			{Key: "limit", Value: "the same bytes, just written to a file: read once in order, with CRC-32C"},
		},
		Aims: []result.Aim{{Against: "kafka", AtMost: 0.1}},
	}}
}

var (
	_ bounded  = (*recovery)(nil)
	_ adapting = (*recovery)(nil)
)

// ErrNoSpace reports a machine on which no log fits that would say something.
var ErrNoSpace = errors.New("too little free disk or memory")

// adapt takes as large a log as the row wants, or a part of what the machine has.
func (w *recovery) adapt(o *Options) ([]result.Setting, error) {
	free, _, err := room(o.Dir)
	if err != nil {
		return nil, err
	}
	var memory unix.Sysinfo_t
	if err := unix.Sysinfo(&memory); err != nil {
		return nil, err
	}
	have := int64(memory.Totalram) * int64(memory.Unit)
	w.bytes = min(cmp.Or(o.LogBytes, recoveryBytes), free/recoveryShare, have/recoveryShare)
	w.bytes = w.bytes / recoveryBatch * recoveryBatch
	if w.bytes == 0 {
		return nil, fmt.Errorf("%w: got %d bytes of disk and %d of memory", ErrNoSpace, free, have)
	}
	return []result.Setting{{Key: "log_bytes", Value: strconv.FormatInt(w.bytes, 10)}}, nil
}

func (w *recovery) live(ctx context.Context, i *peer.Instance, _ load.Window) (got lived, err error) {
	b := birth{topic: newName(), create: true, configs: recoveryConfigs, patience: recoveryPatient}
	c, _, err := b.first(ctx, i)
	if err != nil {
		return got, err
	}
	const records = 1 // that the start has acknowledged
	acked, err := w.fill(ctx, i, b.topic)
	_ = c.Close() // the process has ended, and with it the connection
	if err != nil {
		return got, err
	}
	acked += records
	point, known, err := recoveryPoint(i.Dir(), b.topic)
	if err != nil {
		return got, err
	}
	b.create = false
	c, took, err := b.first(ctx, i)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	got.used.server, got.used.known = i.CPU()
	ends, err := c.EndOffsets(b.topic, 1)
	if err != nil {
		return got, err
	}
	if ends[0] < acked+records {
		return got, fmt.Errorf("%w: got the end %d, expected %d at least", ErrLost, ends[0], acked+records)
	}
	got.Requests, got.Records, got.Bytes, got.Elapsed = 1, records, w.bytes, took
	got.figure = took.Seconds()
	if known {
		got.settings = append(got.settings, result.Setting{
			Key: "unflushed", Value: fmt.Sprintf("from offset %d of %d: %.3g of the log", point, acked,
				1-float64(point)/float64(acked)),
		})
	}
	return got, nil
}

// fill has the log grow to its size, then goes on until the broker is killed in the middle. It returns how many records
// were acknowledged.
func (w *recovery) fill(ctx context.Context, i *peer.Instance, topic string) (int64, error) {
	b, err := load.NewBatch(recoveryBatch, recoveryRecord, time.Now().UnixMilli())
	if err != nil {
		return 0, err
	}
	p := load.Produce{
		Address: i.Address, Topic: topic, Partitions: 1, Connections: 1, InFlight: recoveryFlight, Batch: b, Acks: 1,
		Requests: w.bytes / recoveryBatch, Window: load.Window{Patience: recoveryPatient},
	}
	first, err := p.Run(ctx)
	if err != nil {
		return 0, err
	}
	p.Requests = 0
	p.Window = load.Window{Warm: recoveryKill, For: recoveryKill, During: func() func() {
		i.Kill()
		return func() {}
	}}
	second, err := p.Run(ctx)
	if errors.Is(err, load.ErrRefused) || errors.Is(err, load.ErrAnswer) || ctx.Err() != nil {
		return 0, err // any other error is that the broker is not there any more
	}
	return (first.All + second.All) * int64(b.Records), nil
}

// recoveryPoint returns the offset from which on the files say that a log is not known to be flushed: what is read
// again at the next start. It is not known of brokers that do not keep their logs as Kafka does.
func recoveryPoint(dir, topic string) (point base.Offset, known bool, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == topic+"-0":
			known = true
			return fs.SkipDir
		case d.Name() != commitlog.RecoveryPointFile:
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 { // Kafka makes it at its start and fills it later
			return err
		}
		entries, err := commitlog.ParseOffsets(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if at, found := commitlog.LookupOffset(entries, base.TopicPartition{Topic: topic}); found {
			point = at
		}
		return nil
	})
	return point, known, err
}

// raw writes as many bytes to a file as the log has, and reads them once.
func (w *recovery) raw(ctx context.Context, dir string) (got lived, err error) {
	f, err := os.CreateTemp(dir, "raw-")
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	b, err := load.NewBatch(recoveryBatch, recoveryRecord, time.Now().UnixMilli())
	if err != nil {
		return got, err
	}
	for at := int64(0); at < w.bytes; at += recoveryBatch {
		if _, err := f.WriteAt(b.Bytes, at); err != nil {
			return got, err
		}
		if ctx.Err() != nil {
			return got, context.Cause(ctx)
		}
	}
	took, err := limit.ReadOnce(ctx, f, w.bytes)
	if err != nil {
		return got, err
	}
	got.Requests, got.Records, got.Bytes, got.Elapsed = w.bytes/recoveryBatch, 0, w.bytes, took
	got.figure = took.Seconds()
	return got, nil
}
