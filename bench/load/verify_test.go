//go:build linux

package load_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/core/batch"
)

const verified = 40 // batches that tests read back

// filled returns a broker whose topic holds a batch so many times, and how to read it back.
func filled(t *testing.T) load.Verify {
	t.Helper()
	b, err := load.NewBatch(4<<10, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	v := load.Verify{Address: broker(t), Topic: topic, Batch: b, Ends: []int64{int64(verified * b.Records)}}
	p := load.Produce{
		Address: v.Address, Topic: topic, Partitions: 1, Connections: 1, InFlight: 5, Batch: b, Acks: 1,
		Requests: verified,
	}
	if _, err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return v
}

// fetched changes the batches in a Fetch response.
func fetched(t *testing.T, frame []byte, change func(batches []batch.Batch) []batch.Batch) []byte {
	const head = 9 // length, correlation id, no tags
	res := kmsg.NewPtrFetchResponse()
	res.SetVersion(12)
	if err := res.ReadFrom(frame[head:]); err != nil {
		t.Error(err)
		return frame
	}
	p := &res.Topics[0].Partitions[0]
	var batches []batch.Batch
	for rest := p.RecordBatches; len(rest) > 0; {
		b, after, err := batch.Parse(rest)
		if err != nil {
			t.Error(err)
			return frame
		}
		batches, rest = append(batches, b), after
	}
	p.RecordBatches = []byte{}
	for _, b := range change(batches) {
		p.RecordBatches = append(p.RecordBatches, b...)
	}
	out := res.AppendTo(slices.Clone(frame[:head]))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// TestVerify reads all, or the ends alone where there is more than is read as a whole.
func TestVerify(t *testing.T) {
	v := filled(t)
	size := int64(len(v.Batch.Bytes))
	for _, c := range []struct {
		whole, part, want int64
	}{
		{0, 0, verified}, {verified * size, 1, verified}, {verified*size - 1, 3 * size, 6}, {1, 0, 2},
		{1, 30 * size, verified},
	} {
		v.Whole, v.Part = c.whole, c.part
		if got, err := v.Run(t.Context()); err != nil || got.Batches != c.want || got.Bytes != c.want*size {
			t.Errorf("whole up to %d bytes, else %d: got %+v, %v, expected %d", c.whole, c.part, got, err, c.want)
		}
	}
}

// TestVerifyFindsDamage: a log that lost, repeated, reordered or changed a batch is found, also where its CRC says that
// it is as it should be.
func TestVerifyFindsDamage(t *testing.T) {
	v := filled(t)
	direct := v.Address
	for name, change := range map[string]func(b []batch.Batch) []batch.Batch{
		"nothing there": func([]batch.Batch) []batch.Batch { return nil },
		"one lost":      func(b []batch.Batch) []batch.Batch { return slices.Delete(b, 17, 18) },
		"one twice":     func(b []batch.Batch) []batch.Batch { return slices.Insert(b, 17, b[17]) },
		"two swapped": func(b []batch.Batch) []batch.Batch {
			b[17], b[18] = b[18], b[17]
			return b
		},
		"a bit flipped": func(b []batch.Batch) []batch.Batch {
			b[17][1000] ^= 1
			return b
		},
		"a bit flipped under a new CRC": func(b []batch.Batch) []batch.Batch {
			b[17][1000] ^= 1
			b[17].UpdateCRC()
			return b
		},
		"a length changed": func(b []batch.Batch) []batch.Batch {
			b[17][11]++
			return b
		},
		"another batch": func(b []batch.Batch) []batch.Batch {
			other, err := load.NewBatch(4<<10, 100, 2)
			if err != nil {
				t.Error(err)
			}
			at := b[17].BaseOffset()
			b[17] = other.Bytes
			b[17].SetBaseOffset(at)
			return b
		},
	} {
		v.Address = between(t, direct, func(_ int64, frame []byte) []byte { return fetched(t, frame, change) })
		if got, err := v.Run(t.Context()); !errors.Is(err, load.ErrLog) {
			t.Errorf("%s: got %+v, %v, expected ErrLog", name, got, err)
		}
	}
	v.Address = direct
	if _, err := v.Run(t.Context()); err != nil {
		t.Errorf("nothing changed: %v", err)
	}
}

// TestVerifyFindsEnds: a log that is longer or shorter than it says, an answer that says nothing and one that never
// comes.
func TestVerifyFindsEnds(t *testing.T) {
	v := filled(t)
	whole := v.Ends[0]
	for end, want := range map[int64]error{
		whole - 1: load.ErrLog, -int64(v.Batch.Records): load.ErrLog, whole + int64(v.Batch.Records): load.ErrLog,
	} {
		v.Ends = []int64{end}
		if _, err := v.Run(t.Context()); !errors.Is(err, want) {
			t.Errorf("end %d: got %v, expected %v", end, err, want)
		}
	}
	v.Ends, v.Patience = []int64{whole}, 200*time.Millisecond
	direct := v.Address
	v.Address = between(t, direct, func(int64, []byte) []byte { return nil })
	if _, err := v.Run(t.Context()); !errors.Is(err, load.ErrStalled) {
		t.Errorf("no answer: got %v, expected ErrStalled", err)
	}
	v.Address = between(t, direct, func(_ int64, frame []byte) []byte {
		return bytes.Replace(frame, []byte(topic), []byte("tset-daol"), 1)
	})
	if _, err := v.Run(t.Context()); !errors.Is(err, load.ErrAnswer) {
		t.Errorf("another topic: got %v, expected ErrAnswer", err)
	}
}
