package world

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// checkIndexes holds the index files against the log. Those of the last segment are written when it is sealed: until
// then, which whole says is not so, they may be missing and may say what was cut off.
func (m *logImage) checkIndexes(whole bool) error {
	for i := range m.segments {
		last := i == len(m.segments)-1
		if last && !whole {
			return nil
		}
		s := &m.segments[i]
		if !s.files[segment.IndexSuffix] || !s.files[segment.TimeIndexSuffix] {
			return fmt.Errorf("%w: segment %d of %s has no indexes", errImage, s.base, m.dir)
		}
		if err := m.checkOffsets(s); err != nil {
			return fmt.Errorf("%w: offset index of segment %d of %s: %w", errImage, s.base, m.dir, err)
		}
		if err := m.checkTimes(s); err != nil {
			return fmt.Errorf("%w: time index of segment %d of %s: %w", errImage, s.base, m.dir, err)
		}
	}
	return nil
}

// checkOffsets makes sure that each entry names the last offset of a batch of the segment and where it begins, in
// ascending order.
func (m *logImage) checkOffsets(s *imageSegment) error {
	content, err := vfs.ReadFile(m.fs, m.path(s.base, segment.IndexSuffix))
	if err != nil {
		return err
	}
	if len(content)%8 != 0 {
		return fmt.Errorf("got %d bytes, expected entries of 8", len(content))
	}
	batches := m.batches[s.first:s.last]
	for n := 0; len(content) > 0; content, n = content[8:], n+1 {
		offset := s.base + base.Offset(binary.BigEndian.Uint32(content))
		position := int64(binary.BigEndian.Uint32(content[4:]))
		for len(batches) > 0 && batches[0].position < position {
			batches = batches[1:]
		}
		if len(batches) == 0 || batches[0].position != position || batches[0].bytes.LastOffset() != offset {
			return fmt.Errorf("entry %d says that a batch up to offset %d begins at %d, and none does", n, offset,
				position)
		}
		batches = batches[1:]
	}
	return nil
}

// checkTimes makes sure that each entry names the largest timestamp so far and the last offset of the batch that has
// it, in ascending order, and the last entry that of the whole segment.
func (m *logImage) checkTimes(s *imageSegment) error {
	content, err := vfs.ReadFile(m.fs, m.path(s.base, segment.TimeIndexSuffix))
	if err != nil {
		return err
	}
	if len(content)%12 != 0 {
		return fmt.Errorf("got %d bytes, expected entries of 12", len(content))
	}
	batches := m.batches[s.first:s.last]
	largest, at := base.NoTimestamp, base.NoOffset
	for n := 0; len(content) > 0; content, n = content[12:], n+1 {
		ts := int64(binary.BigEndian.Uint64(content))
		offset := s.base + base.Offset(binary.BigEndian.Uint32(content[8:]))
		for len(batches) > 0 && largest < ts {
			if t := batches[0].bytes.MaxTimestamp(); t > largest {
				largest, at = t, batches[0].bytes.LastOffset()
			}
			batches = batches[1:]
		}
		if largest != ts || at != offset {
			return fmt.Errorf("entry %d says that timestamp %d is at offset %d, and %d is at %d", n, ts, offset,
				largest, at)
		}
	}
	for _, b := range batches {
		if b.bytes.MaxTimestamp() > largest {
			return fmt.Errorf("the last entry has timestamp %d, and the batch at offset %d has %d", largest,
				b.bytes.BaseOffset(), b.bytes.MaxTimestamp())
		}
	}
	return nil
}
