//go:build linux

package load

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// Batch is a record batch to be sent again and again.
type Batch struct {
	// Bytes is the whole batch, header included, with a valid CRC.
	Bytes []byte
	// Records is the number of its records.
	Records int
	// Inflated is the size that it would have uncompressed, header included; 0 if it is not compressed.
	Inflated int
}

// ErrBatch reports a batch that cannot be built.
var ErrBatch = errors.New("no such batch")

// WriteLog writes a new file that holds the batch so many times, as a log has it: with the offsets from 0 on, and each
// by a write of its own. The page cache keeps what came with one write in larger pieces, and sends those for less.
func (b Batch) WriteLog(name string, times int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	p := slices.Clone(b.Bytes)
	for i := range times {
		batch.Batch(p).SetBaseOffset(base.Offset(i * b.Records))
		if _, err := f.Write(p); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// NewBatch builds an uncompressed batch of exactly size bytes, of records with values of about record bytes and no
// keys; the last one is as large as it takes. The records' time is timestamp, in Unix milliseconds.
func NewBatch(size, record int, timestamp int64) (Batch, error) {
	value := make([]byte, max(size, record))
	for i := range value {
		value[i] = byte('a' + i%23)
	}
	// Where the lengths of the last record leave out just this size, one record less leaves it more room.
	for count := fitting(value, size, record, timestamp); count > 0; count-- {
		last := record
		for range 4 {
			b, err := build(value, count, record, last, timestamp)
			if err != nil {
				return Batch{}, err
			}
			if len(b) == size {
				return Batch{Bytes: b, Records: count}, nil
			}
			last = min(max(last+size-len(b), 0), size)
		}
	}
	return Batch{}, fmt.Errorf("%w: %d bytes with records of %d", ErrBatch, size, record)
}

// fitting returns how many records fit.
func fitting(value []byte, size, record int, timestamp int64) int {
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for b.Size() <= size {
		b.Append(timestamp, nil, value[:record])
	}
	return b.Count() - 1
}

func build(value []byte, count, record, last int, timestamp int64) ([]byte, error) {
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for i := range count {
		n := record
		if i == count-1 {
			n = last
		}
		b.Append(timestamp, nil, value[:n])
	}
	return b.Build()
}

// NewRecord builds a batch of one record with a value of so many bytes.
func NewRecord(record int, timestamp int64) (Batch, error) {
	b, err := build(make([]byte, record), 1, record, record, timestamp)
	return Batch{Bytes: b, Records: 1}, err
}
