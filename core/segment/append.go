package segment

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// Append writes p, one or more whole batches with their final offsets, at the end of the log with one WriteAt, and
// accounts them in the indexes. Nothing of p is kept. After an error the segment's size is what it was, bytes beyond it
// are undefined, and the caller must take the log out of service.
func (s *Segment) Append(p []byte) error {
	if err := s.checkRange(p); err != nil {
		return err
	}
	s.mu.Lock()
	if s.mu.sealed {
		base.Fail("append to sealed segment %s", s.name)
	}
	f, err := s.useLocked()
	size := s.mu.size
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.Unpin()
	if n, err := f.WriteAt(p, size); err != nil {
		return fmt.Errorf("append to %s: wrote %d of %d bytes at %d: %w", s.name, n, len(p), size, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		b, rest, err := batch.Parse(p)
		if err != nil {
			base.Fail("append of unchecked bytes: %v", err)
		}
		s.mu.tail.add(tailEntry{
			first: int32(b.BaseOffset() - s.base), last: int32(b.LastOffset() - s.base),
			position: int32(s.mu.size), size: int32(len(b)),
		})
		if s.mu.add(b, int64(len(b)), s.base, s.mu.cfg.IndexIntervalBytes) {
			s.mu.dirty = true
		}
		p = rest
	}
	return nil
}

// checkRange makes sure that p is whole batches whose offsets fit the segment's relative 32-bit offsets.
func (s *Segment) checkRange(p []byte) error {
	for rest := p; len(rest) > 0; {
		b, after, err := batch.Parse(rest)
		if err != nil {
			return fmt.Errorf("append to %s: %w", s.name, err)
		}
		if b.BaseOffset() < s.base || b.LastOffset()-s.base > 1<<31-1 || b.LastOffset() < b.BaseOffset() {
			return fmt.Errorf("%w: got offsets %d to %d, base offset %d", ErrFull, b.BaseOffset(),
				b.LastOffset(), s.base)
		}
		rest = after
	}
	return nil
}

// lastIndexed returns the position of the last batch that has an index entry, or 0.
func (x *indexes) lastIndexed(b base.Offset) int64 {
	if n := x.offsets.len(); n > 0 {
		return x.offsets.at(n-1, b).Position
	}
	return 0
}

// Seal ends appending: it adds the last time index entry and writes both index files. Nothing is durable before Sync.
func (s *Segment) Seal() error {
	if err := s.writeIndexes(true); err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.sealed = true
	s.mu.tail = tail{}
	s.mu.Unlock()
	s.residents.touch(s)
	return nil
}

// Sealed reports that the segment is not appended to and that its index files are written.
func (s *Segment) Sealed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sealed
}

// Settle ends a segment that was recovered and that others follow. If its index files say what recovery made of the log
// it is sealed, and its memory given back; else its indexes stay in memory until Seal. Nothing is written.
func (s *Segment) Settle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sealed || s.mu.indexes == nil {
		return nil
	}
	s.mu.indexes.addTime(s.base, s.mu.times)
	for _, suffix := range []string{IndexSuffix, TimeIndexSuffix} {
		want := []byte(s.mu.indexes.offsets)
		if suffix == TimeIndexSuffix {
			want = s.mu.indexes.times
		}
		got, err := s.readFileLocked(suffix, int64(s.mu.cfg.IndexBytes))
		if err != nil && !isNotExist(err) && !errors.Is(err, ErrBadIndex) {
			return err
		}
		if err != nil || !bytes.Equal(got, want) {
			s.closeFileLocked()
			return nil
		}
	}
	s.mu.sealed, s.mu.dirty = true, false
	s.unloadLocked()
	return nil
}

// Reopen makes a sealed segment the one that is appended to again, as the last segment of a log that is loaded.
func (s *Segment) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadLocked(); err != nil {
		return err
	}
	if err := s.loadTimesLocked(); err != nil {
		return err
	}
	s.mu.sealed = false
	return nil
}

// FlushIndexes writes the index files of the active segment as they are, without ending it, for a copy of the directory
// that is to be complete.
func (s *Segment) FlushIndexes() error {
	return s.writeIndexes(false)
}

func (s *Segment) writeIndexes(last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.indexes == nil {
		return nil
	}
	if last && s.mu.times.Timestamp >= 0 && s.mu.timesKnown {
		before := s.mu.indexes.times.len()
		s.mu.indexes.addTime(s.base, s.mu.times)
		s.mu.dirty = s.mu.dirty || s.mu.indexes.times.len() != before
	}
	if !s.mu.dirty {
		return nil
	}
	if err := s.writeFile(IndexSuffix, s.mu.indexes.offsets); err != nil {
		return err
	}
	if err := s.writeFile(TimeIndexSuffix, s.mu.indexes.times); err != nil {
		return err
	}
	s.mu.dirty = false
	return nil
}

func (s *Segment) writeFile(suffix string, content []byte) error {
	f, err := s.fs.Open(s.path(suffix), vfs.Truncate)
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if len(content) > 0 {
		if _, err := f.WriteAt(content, 0); err != nil {
			_ = f.Close() // the write's error is the one to report
			return fmt.Errorf("write index %s%s: %w", s.name, suffix, err)
		}
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write index %s%s: %w", s.name, suffix, err)
	}
	return nil
}

// Sync makes the log durable up to its size at the call. Indexes and names are the caller's part: see SyncIndexes and
// vfs.FS.SyncDir of the directory.
func (s *Segment) Sync() error {
	s.mu.Lock()
	f, err := s.useLocked()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.Unpin()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", s.name, err)
	}
	return nil
}

// SyncIndexes makes the index files of a sealed segment durable.
func (s *Segment) SyncIndexes() error {
	for _, suffix := range []string{IndexSuffix, TimeIndexSuffix} {
		if err := s.syncFile(suffix); err != nil {
			return err
		}
	}
	return nil
}

func (s *Segment) syncFile(suffix string) error {
	s.mu.Lock()
	name := s.path(suffix)
	s.mu.Unlock()
	f, err := s.fs.Open(name, vfs.ReadWrite)
	if err != nil {
		return fmt.Errorf("sync index: %w", err)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync index %s: %w", name, err)
	}
	return nil
}

// MarkDeleted renames the segment's files to their .deleted names, from which Remove takes them later. Readers that
// hold the file keep it.
func (s *Segment) MarkDeleted() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	base.Assert(s.mu.suffix == "", "segment %s deleted twice", s.name)
	for _, suffix := range fileSuffixes {
		from := path.Join(s.mu.dir, s.name+suffix)
		err := s.fs.Rename(from, from+DeletedSuffix)
		if err != nil && (suffix == LogSuffix || !isNotExist(err)) {
			return fmt.Errorf("delete segment: %w", err)
		}
	}
	s.mu.suffix = DeletedSuffix
	return nil
}

// FinishSwap gives a segment that OpenSwap opened its own names. No segment of the same base offset may be left.
func (s *Segment) FinishSwap() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	base.Assert(s.mu.suffix == SwapSuffix, "segment %s has no swap names", s.name)
	for _, suffix := range fileSuffixes {
		to := path.Join(s.mu.dir, s.name+suffix)
		if err := s.fs.Rename(to+SwapSuffix, to); err != nil && (suffix == LogSuffix || !isNotExist(err)) {
			return fmt.Errorf("finish compaction: %w", err)
		}
	}
	s.mu.suffix = ""
	return nil
}

// Remove removes the segment's files, whatever suffix they have. A span that is pinned stays readable.
func (s *Segment) Remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, suffix := range fileSuffixes {
		if err := s.fs.Remove(s.path(suffix)); err != nil && !isNotExist(err) {
			return fmt.Errorf("remove segment: %w", err)
		}
	}
	s.mu.sealed, s.mu.gone = true, true // nothing is appended to what is gone, and its file may be closed
	if s.mu.pins == 0 {
		s.unloadLocked()
	} else {
		s.mu.evict = true
	}
	return nil
}

// Close closes the segment's file; pinned spans keep it until they are given up. Nothing opens it again: other calls
// answer vfs.ErrNotExist from then on.
func (s *Segment) Close() {
	s.mu.Lock()
	s.mu.sealed, s.mu.gone = true, true
	s.mu.Unlock()
	s.Unload()
}
