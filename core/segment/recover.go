package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// Damage says what Recover found at the end of the valid part of a log.
type Damage struct {
	// Position is the first byte that is not part of a valid batch, and Lost how many bytes follow from there.
	Position, Lost int64
	// Next is the offset that a batch at Position should begin with, at least.
	Next base.Offset
	// Cause says what was wrong with the bytes at Position.
	Cause error
	// Later is the base offset of the first valid batch beyond the damage, and LaterAt its position; LaterAt is -1 if
	// there is none, so that the damage is a torn tail.
	Later   base.Offset
	LaterAt int64
	// Hole says that the damaged bytes hold a whole sector of zeros: the mark that loss of power leaves where a write
	// never reached the disk while a later one did.
	Hole bool
}

// Torn reports that the damage is what an unsynced tail may look like after loss of power: a hole where a write was
// lost, or nothing valid after it. With followed, valid batches follow in a later segment; then the file must have
// ended early. Anything else is corruption of bytes that once were whole.
func (d *Damage) Torn(followed bool) bool {
	if d.Hole {
		return true
	}
	return d.LaterAt < 0 && (!followed || errors.Is(d.Cause, batch.ErrShort))
}

// String describes the damage in one line.
func (d *Damage) String() string {
	if d.LaterAt < 0 {
		return fmt.Sprintf("%d bytes from position %d (offset %d on) are no valid batch: %v", d.Lost, d.Position,
			d.Next, d.Cause)
	}
	return fmt.Sprintf("%d bytes from position %d (offset %d on): %v; a valid batch of offset %d follows at %d",
		d.Lost, d.Position, d.Next, d.Cause, d.Later, d.LaterAt)
}

// largestLog is the largest log of a segment: index entries have 31 bits for a position.
const largestLog = 1<<31 - 1

// recoverChunk is how much of a log is read at once when it is validated, in bytes; a batch beyond it is read whole.
const recoverChunk = 1 << 20

// Recover reads the whole log, checks every batch (length, CRC-32C, ascending offsets) and rebuilds the indexes in
// memory; the segment is one that can be appended to, or sealed, afterwards. visit is called for each valid batch in
// order; the batch is valid during the call. A nil *Damage means that the file is whole; otherwise the segment ends, in
// memory, before the damage, and the caller decides whether to TruncateTo that or to leave the file alone. A message of
// an older format is batch.ErrOldMagic, wherever it stands.
func (s *Segment) Recover(visit func(b batch.Batch, pos int64) error) (*Damage, error) {
	s.mu.Lock()
	f, err := s.useLocked()
	interval := s.mu.cfg.IndexIntervalBytes
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer s.Unpin()
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("recover %s: %w", s.name, err)
	}
	if size > largestLog {
		return nil, fmt.Errorf("%w: %s: got %d bytes, expected at most %d", ErrCorrupt, s.name, size, int64(largestLog))
	}
	w := window{file: f, size: size}
	found, next := emptyContent(s.base), s.base
	dense := next // the offset after the batches that follow each other without a gap
	var damage *Damage
	for found.size < size {
		b, err := w.batchAt(found.size, next, s.base)
		if errors.Is(err, errRead) {
			return nil, fmt.Errorf("recover %s: %w", s.name, err)
		}
		if err != nil {
			damage = &Damage{Position: found.size, Lost: size - found.size, Next: next, Cause: err, LaterAt: -1}
			if err := s.checkOld(found.size, size); err != nil {
				return nil, err
			}
			if err := s.describe(&w, damage, dense); err != nil {
				return nil, err
			}
			break
		}
		if err := visit(b, found.size); err != nil {
			return nil, err
		}
		found.add(b, int64(len(b)), s.base, interval)
		if dense == b.BaseOffset() {
			dense = b.NextOffset()
		}
		next = b.NextOffset()
	}
	s.mu.Lock()
	s.mu.content = found
	s.mu.dirty, s.mu.sealed = true, false
	s.mu.tail.reset()
	s.mu.bookmarks.forget()
	s.mu.Unlock()
	return damage, nil
}

// describe looks beyond the damage: for a valid batch that follows, and for the holes that loss of power leaves. dense
// is the offset up to which there was no gap: base offsets are not covered by a CRC, so a batch before the damage may
// have claimed a wrong one, and those after it only seem to go back.
func (s *Segment) describe(w *window, d *Damage, dense base.Offset) error {
	end := w.size
	for pos := d.Position; pos+batch.HeaderSize <= w.size; pos++ {
		ok, err := w.plausible(pos)
		if err != nil {
			return fmt.Errorf("recover %s: %w", s.name, err)
		}
		if !ok {
			continue
		}
		least := dense
		if pos == d.Position {
			least = math.MinInt64 // here a batch begins, so its own offset need not speak for it
		}
		b, err := w.validAt(pos, least)
		if errors.Is(err, errRead) {
			return fmt.Errorf("recover %s: %w", s.name, err)
		}
		if err == nil {
			d.Later, d.LaterAt, end = b.BaseOffset(), pos, pos
			break
		}
		if w.wasted > 4*w.size+1<<30 {
			// Bytes made to look like headers everywhere: nobody can say that nothing valid follows.
			d.Later, d.LaterAt, end = d.Next, pos, pos
			break
		}
	}
	if sector := (d.Position/vfs.SectorSize + 1) * vfs.SectorSize; end == d.Position && sector <= end+batch.Overhead {
		end = sector // the batch is whole, but its base offset may have lain in a sector that was lost
	}
	hole, err := w.hole(d, end)
	d.Hole = hole
	if err != nil {
		return fmt.Errorf("recover %s: %w", s.name, err)
	}
	return nil
}

// TruncateTo cuts the log off before pos, the beginning of a batch whose first offset is next, and drops what the
// indexes say beyond it. The segment must be the active one or have been recovered.
func (s *Segment) TruncateTo(pos int64, next base.Offset) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadLocked(); err != nil {
		return err
	}
	f, err := s.useLocked()
	if err != nil {
		return err
	}
	defer func() { s.mu.pins-- }()
	if err := f.Truncate(pos); err != nil {
		return fmt.Errorf("truncate %s to %d: %w", s.name, pos, err)
	}
	x := s.mu.indexes
	x.offsets, x.times = x.offsets.cut(next, s.base), x.times.cut(next, s.base)
	s.mu.dirty, s.mu.size = true, pos
	s.mu.tail.reset()
	s.mu.bookmarks.forget()
	if pos == 0 {
		s.mu.firstTime, s.mu.firstTimeKnown = base.NoTimestamp, true
	}
	return s.remeasureLocked(f)
}

// remeasureLocked finds the largest timestamp of a log that was cut off: that of the last time index entry, or of a
// batch since the last offset index entry.
func (s *Segment) remeasureLocked(f vfs.File) error {
	times := s.mu.indexes.times.last(s.base)
	from := s.mu.indexes.lastIndexed(s.base)
	err := scanHeaders(f, s.name, from, s.mu.size, 0, func(p Place, b batch.Batch) (bool, error) {
		if ts := b.MaxTimestamp(); ts > times.Timestamp {
			times = timeEntry{Timestamp: ts, Offset: p.Last}
		}
		return true, nil
	})
	s.mu.times, s.mu.timesKnown = times, true
	return err
}

// errRead marks an error of the file, not of its content.
var errRead = errors.New("read error")

// window reads a log forward through one buffer.
type window struct {
	file  vfs.File
	size  int64
	buf   []byte
	start int64
	// wasted counts the bytes whose CRC did not match, to bound the search for a batch after damage.
	wasted int64
}

// bytes returns n bytes at pos, valid until the next call. The range lies inside the file.
func (w *window) bytes(pos, n int64) ([]byte, error) {
	if pos < w.start || pos+n > w.start+int64(len(w.buf)) {
		want := min(max(n, recoverChunk), w.size-pos)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.start = w.buf[:want], pos
		got, err := w.file.ReadAt(w.buf, pos)
		if err != nil && (!errors.Is(err, io.EOF) || int64(got) < n) {
			w.buf = w.buf[:0]
			return nil, fmt.Errorf("%w: at %d: got %d of %d bytes: %w", errRead, pos, got, want, err)
		}
		w.buf = w.buf[:got]
	}
	return w.buf[pos-w.start:][:n], nil
}

// batchAt returns the batch at pos if it is valid: whole, its CRC right, its offsets at least next and expressible.
func (w *window) batchAt(pos int64, next, first base.Offset) (batch.Batch, error) {
	head, err := w.bytes(pos, min(batch.HeaderSize, w.size-pos))
	if err != nil {
		return nil, err
	}
	if _, err := batch.Size(head); err != nil {
		return nil, err
	}
	b := batch.Batch(head)
	if o := b.BaseOffset(); o < next || o-first > 1<<31-1 || b.LastOffsetDelta() < 0 || b.LastOffset()-first > 1<<31-1 {
		return nil, fmt.Errorf("%w: got base offset %d and delta %d, expected at least %d", ErrCorrupt, o,
			b.LastOffsetDelta(), next)
	}
	return w.validAt(pos, next)
}

// validAt returns the batch at pos, where a header lies, if it is whole, its CRC right and its base offset not below
// least.
func (w *window) validAt(pos int64, least base.Offset) (batch.Batch, error) {
	head, err := w.bytes(pos, batch.HeaderSize)
	if err != nil {
		return nil, err
	}
	// The offset is judged before the CRC: where a batch is looked for in a damaged file, it turns away almost all
	// bytes that look like a header by chance, and with them a CRC over up to the whole rest of the file.
	if o := batch.Batch(head).BaseOffset(); o < least {
		return nil, fmt.Errorf("%w: got base offset %d, expected at least %d", ErrCorrupt, o, least)
	}
	n, err := batch.Size(head)
	if err == nil && int64(n) > w.size-pos {
		err = fmt.Errorf("%w: got %d bytes, expected %d", batch.ErrShort, w.size-pos, n)
	}
	if err != nil {
		return nil, err
	}
	p, err := w.bytes(pos, int64(n))
	if err != nil {
		return nil, err
	}
	b := batch.Batch(p)
	if err := b.CheckCRC(); err != nil {
		w.wasted += int64(n)
		return nil, err
	}
	return b, nil
}

// plausible reports whether a batch header might begin at pos, by its magic and length alone.
func (w *window) plausible(pos int64) (bool, error) {
	head, err := w.bytes(pos, batch.HeaderSize)
	if err != nil {
		return false, err
	}
	if head[magicAt] != batch.Magic {
		return false, nil // almost all bytes are: no error is made up for each of them
	}
	n, err := batch.Size(head)
	return err == nil && int64(n) <= w.size-pos, nil
}

// magicAt is where in a batch its magic stands, which is the same in all formats.
const magicAt = 16

// hole reports whether the damaged bytes up to end look like sectors that were never written: zeros from the damage's
// position, or from the beginning of a sector, up to the end of that sector. The first bytes of a whole batch may be
// zeros too (its base offset is a large integer with a small value), so a short run there counts only if the base
// offset is not the one that was due.
func (w *window) hole(d *Damage, end int64) (bool, error) {
	for pos := d.Position; pos < end; pos = (pos/vfs.SectorSize + 1) * vfs.SectorSize {
		n := min((pos/vfs.SectorSize+1)*vfs.SectorSize, end) - pos
		p, err := w.bytes(pos, n)
		if err != nil {
			return false, err
		}
		if !isZero(p) {
			continue
		}
		if pos > d.Position || n >= batch.Overhead {
			return true, nil
		}
		head, err := w.bytes(pos, min(batch.Overhead, w.size-pos))
		if err != nil {
			return false, err
		}
		if len(head) < 8 || base.Offset(binary.BigEndian.Uint64(head)) != d.Next {
			return true, nil
		}
	}
	return false, nil
}
