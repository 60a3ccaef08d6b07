package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// A producer snapshot, big-endian; its name is the offset that it holds the state of, exclusive:
//
//	 0         2            6           10
//	+---------+------------+-----------+----------------------+
//	| version | CRC-32C of | number of | entries of 46 bytes  |
//	|   = 1   | what follows| entries   |                      |
//	+---------+------------+-----------+----------------------+
//
//	 0            8       10          14          22           26          34                38              46
//	+------------+-------+-----------+-----------+------------+-----------+-----------------+---------------+
//	| producer   | epoch | last      | last      | offset     | timestamp | coordinator     | first offset  |
//	| id         |       | sequence  | offset    | delta      |           | epoch           | of open txn   |
//	+------------+-------+-----------+-----------+------------+-----------+-----------------+---------------+
//
// Only the last batch of each producer is in it; the dedup window fills again from the log after the snapshot.
const (
	snapshotVersion    = 1
	snapshotHeaderSize = 10
	snapshotEntrySize  = 46
)

// ErrBadSnapshot reports a producer snapshot that is not what was written.
var ErrBadSnapshot = errors.New("bad producer snapshot")

func (p *producers) encode() []byte {
	out := make([]byte, snapshotHeaderSize, snapshotHeaderSize+len(p.byID)*snapshotEntrySize)
	for _, id := range p.ids() {
		e := p.byID[id]
		last := batchEntry{lastSequence: base.NoSequence, lastOffset: base.NoOffset, timestamp: e.lastTimestamp}
		if b := e.last(); b != nil {
			last = *b
		}
		out = binary.BigEndian.AppendUint64(out, uint64(id))
		out = binary.BigEndian.AppendUint16(out, uint16(e.epoch))
		out = binary.BigEndian.AppendUint32(out, uint32(last.lastSequence))
		out = binary.BigEndian.AppendUint64(out, uint64(last.lastOffset))
		out = binary.BigEndian.AppendUint32(out, uint32(last.offsetDelta))
		out = binary.BigEndian.AppendUint64(out, uint64(e.lastTimestamp))
		out = binary.BigEndian.AppendUint32(out, uint32(e.coordinatorEpoch))
		out = binary.BigEndian.AppendUint64(out, uint64(e.txnFirstOffset))
	}
	binary.BigEndian.PutUint16(out, snapshotVersion)
	binary.BigEndian.PutUint32(out[6:], uint32(len(p.byID)))
	binary.BigEndian.PutUint32(out[2:], batch.Checksum(out[6:]))
	return out
}

// SnapshotEntry is one decoded entry of a producer snapshot.
type SnapshotEntry struct {
	ProducerInfo
	LastOffset  base.Offset
	OffsetDelta int32
}

// ParseSnapshot decodes the content of a producer snapshot.
func ParseSnapshot(content []byte) ([]SnapshotEntry, error) {
	if len(content) < snapshotHeaderSize {
		return nil, fmt.Errorf("%w: got %d bytes, expected at least %d", ErrBadSnapshot, len(content),
			snapshotHeaderSize)
	}
	if v := int16(binary.BigEndian.Uint16(content)); v != snapshotVersion {
		return nil, fmt.Errorf("%w: got version %d, expected %d", ErrBadSnapshot, v, snapshotVersion)
	}
	if got, want := binary.BigEndian.Uint32(content[2:]), batch.Checksum(content[6:]); got != want {
		return nil, fmt.Errorf("%w: got CRC %08x, expected %08x", ErrBadSnapshot, got, want)
	}
	n := int64(binary.BigEndian.Uint32(content[6:]))
	rest := content[snapshotHeaderSize:]
	if int64(len(rest)) != n*snapshotEntrySize {
		return nil, fmt.Errorf("%w: got %d bytes for %d entries, expected %d", ErrBadSnapshot, len(rest), n,
			n*snapshotEntrySize)
	}
	entries := make([]SnapshotEntry, n)
	for i := range entries {
		entries[i] = decodeSnapshotEntry(rest[i*snapshotEntrySize:])
	}
	return entries, nil
}

func decodeSnapshotEntry(p []byte) SnapshotEntry {
	be := binary.BigEndian
	return SnapshotEntry{
		ProducerInfo: ProducerInfo{
			ID:               base.ProducerID(be.Uint64(p)),
			Epoch:            base.ProducerEpoch(be.Uint16(p[8:])),
			LastSequence:     int32(be.Uint32(p[10:])),
			LastTimestamp:    int64(be.Uint64(p[26:])),
			CoordinatorEpoch: int32(be.Uint32(p[34:])),
			TxnFirstOffset:   base.Offset(be.Uint64(p[38:])),
		},
		LastOffset:  base.Offset(be.Uint64(p[14:])),
		OffsetDelta: int32(be.Uint32(p[22:])),
	}
}

// load takes up the entries of a snapshot.
func (p *producers) load(entries []SnapshotEntry) {
	for _, s := range entries {
		e := &producerEntry{
			epoch: s.Epoch, coordinatorEpoch: s.CoordinatorEpoch, txnFirstOffset: s.TxnFirstOffset,
			lastTimestamp: s.LastTimestamp,
		}
		if s.LastSequence >= 0 && s.LastOffset >= 0 && s.OffsetDelta >= 0 {
			e.add(batchEntry{
				lastSequence: s.LastSequence, lastOffset: s.LastOffset, offsetDelta: s.OffsetDelta,
				timestamp: s.LastTimestamp,
			})
		}
		p.byID[s.ID] = e
	}
}

// writeSnapshot writes the producer state as of offset; the next SyncJob syncs it. One that is lost or torn before that
// is made up for from the log. The write lock is held.
func (l *Log) writeSnapshot(offset base.Offset) error {
	return l.writeSnapshotAs(offset, l.write.producers.encode())
}

// writeSnapshotAs is writeSnapshot of a state that was encoded before.
func (l *Log) writeSnapshotAs(offset base.Offset, content []byte) error {
	name := path.Join(l.Dir(), segment.Name(offset, segment.SnapshotSuffix))
	if err := writeNew(l.fs, name, content); err != nil {
		return fmt.Errorf("write producer snapshot %s: %w", name, err)
	}
	l.mu.Lock()
	l.mu.namesDirty = true
	l.mu.snapshots = append(l.mu.snapshots, offset)
	l.mu.Unlock()
	return nil
}

// readSnapshot loads one snapshot into a fresh state.
func readSnapshot(fs vfs.FS, dir string, offset base.Offset) (*producers, error) {
	name := path.Join(dir, segment.Name(offset, segment.SnapshotSuffix))
	content, err := vfs.ReadFile(fs, name)
	if err != nil {
		return nil, fmt.Errorf("read producer snapshot: %w", err)
	}
	entries, err := ParseSnapshot(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := newProducers()
	p.load(entries)
	return p, nil
}
