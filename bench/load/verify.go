//go:build linux

package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
)

// Verify reads a topic back that holds nothing but copies of one batch, and compares: each batch begins where the one
// before it ended, has the CRC that it says, and is the batch that was sent in all bytes but those that a leader sets
// (base offset and leader epoch).
type Verify struct {
	Address string
	Topic   string
	// Batch is what was sent to each partition.
	Batch Batch
	// Ends are the end offsets of the partitions.
	Ends []int64
	// Whole is up to how many bytes of all partitions are read as a whole; of more, the first and the last Part bytes
	// of each partition are. 0 is no bound.
	Whole, Part int64
	// Patience is how long an answer may take, 30 s if it is 0.
	Patience time.Duration
}

// Verified is what was read and found to be right.
type Verified struct {
	Batches, Bytes int64
}

// ErrLog reports a log that does not hold what was sent.
var ErrLog = errors.New("the log is not what was sent")

// Run reads and compares.
func (v Verify) Run(ctx context.Context) (Verified, error) {
	c, err := Dial(ctx, v.Address)
	if err != nil {
		return Verified{}, err
	}
	defer c.Close()
	r := &reader{load: &v, conn: c}
	total := int64(0)
	for partition, end := range v.Ends {
		if end < 0 || end%int64(v.Batch.Records) != 0 {
			return r.done, fmt.Errorf("%w: %s-%d: got end offset %d, expected batches of %d records", ErrLog, v.Topic,
				partition, end, v.Batch.Records)
		}
		total += r.bytes(end)
	}
	for partition, end := range v.Ends {
		part := end
		if v.Whole > 0 && total > v.Whole {
			size := int64(len(v.Batch.Bytes))
			part = min(end, max(v.Part/size, 1)*int64(v.Batch.Records))
		}
		tail := max(part, end-part)
		if err := errors.Join(r.read(int32(partition), 0, part), r.read(int32(partition), tail, end)); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = fmt.Errorf("%w: %w", ErrStalled, err)
			}
			return r.done, fmt.Errorf("read back %s-%d: %w", v.Topic, partition, err)
		}
	}
	return r.done, nil
}

// reader reads partitions from end to end.
type reader struct {
	load *Verify
	conn *Conn
	done Verified
}

// bytes returns how large the batches up to an offset are.
func (r *reader) bytes(end int64) int64 {
	return end / int64(r.load.Batch.Records) * int64(len(r.load.Batch.Bytes))
}

// read reads what a partition has from one offset, at which a batch begins, up to another.
func (r *reader) read(partition int32, next, end int64) error {
	for next < end {
		records, err := r.fetch(partition, next)
		if err != nil {
			return err
		}
		before := next
		for len(records) > 0 && next < end {
			b, rest, err := batch.Parse(records)
			if errors.Is(err, batch.ErrShort) {
				break // cut off by the size that was asked for
			}
			if err == nil {
				err = r.compare(b, next)
			}
			if err != nil {
				return fmt.Errorf("%w: offset %d: %w", ErrLog, next, err)
			}
			next, records = int64(b.NextOffset()), rest
			r.done.Batches++
			r.done.Bytes += int64(len(b))
		}
		if next == before {
			return fmt.Errorf("%w: got no batch at offset %d, expected them up to %d", ErrLog, next, end)
		}
	}
	return nil
}

// errDiffers reports a batch that is valid, but not the one that was sent.
var errDiffers = errors.New("another batch than the one that was sent")

// compare holds a batch against the one that was sent.
func (r *reader) compare(b batch.Batch, offset int64) error {
	if err := b.CheckCRC(); err != nil {
		return err
	}
	if got := int64(b.BaseOffset()); got != offset {
		return fmt.Errorf("%w: got base offset %d", errDiffers, got)
	}
	sent := batch.Batch(r.load.Batch.Bytes)
	epoch, was := b.LeaderEpoch(), b.BaseOffset()
	b.SetBaseOffset(sent.BaseOffset())
	b.SetLeaderEpoch(sent.LeaderEpoch())
	same := bytes.Equal(b, sent)
	b.SetBaseOffset(was)
	b.SetLeaderEpoch(epoch)
	if !same {
		return errDiffers
	}
	return nil
}

// fetch returns what stands at an offset.
func (r *reader) fetch(partition int32, offset int64) ([]byte, error) {
	const span, patience = 4 << 20, 30 * time.Second
	f := Fetch{Topic: r.load.Topic, SpanBatches: 1, BatchBytes: max(span, int64(len(r.load.Batch.Bytes)))}
	req := f.ask(offset)
	req.Topics[0].Partitions[0].Partition = partition
	if err := r.conn.tcp.SetDeadline(time.Now().Add(cmp.Or(r.load.Patience, patience))); err != nil {
		return nil, err
	}
	answer, err := r.conn.Ask(req)
	if err != nil {
		return nil, err
	}
	res := answer.(*kmsg.FetchResponse)
	p, err := only(res)
	if err != nil {
		return nil, err
	}
	if got := res.Topics[0].Topic; got != f.Topic || p.Partition != partition {
		return nil, fmt.Errorf("%w: got %s-%d, expected %s-%d", ErrAnswer, got, p.Partition, f.Topic, partition)
	}
	return p.RecordBatches, nil
}

// only returns the one partition that was asked for.
func only(res *kmsg.FetchResponse) (*kmsg.FetchResponseTopicPartition, error) {
	if err := refused(res.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("%w: got %d topics in a Fetch response, expected one partition of one", ErrAnswer,
			len(res.Topics))
	}
	p := &res.Topics[0].Partitions[0]
	if err := refused(p.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return p, nil
}
