package segment

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// fileSuffixes are the files of one segment, in the order in which they are renamed and removed.
var fileSuffixes = []string{IndexSuffix, TimeIndexSuffix, TxnIndexSuffix, LogSuffix}

// Residents bounds how many sealed segments of a broker keep their file open and their indexes in memory: the least
// recently read one gives both back. Segments that are appended to are not counted. It is safe for concurrent use.
type Residents struct {
	limit int
	mu    struct {
		sync.Mutex
		order *list.List // of *Segment, most recently used first
		where map[*Segment]*list.Element
	}
}

// NewResidents returns a bound of limit sealed segments, at least 1.
func NewResidents(limit int) *Residents {
	r := &Residents{limit: max(limit, 1)}
	r.mu.order = list.New()
	r.mu.where = make(map[*Segment]*list.Element)
	return r
}

// touch notes the use of a sealed segment and unloads the one beyond the limit. The caller holds no segment's lock.
func (r *Residents) touch(s *Segment) {
	r.mu.Lock()
	if e, ok := r.mu.where[s]; ok {
		r.mu.order.MoveToFront(e)
	} else {
		r.mu.where[s] = r.mu.order.PushFront(s)
	}
	var victim *Segment
	if r.mu.order.Len() > r.limit {
		e := r.mu.order.Back()
		victim = e.Value.(*Segment)
		r.mu.order.Remove(e)
		delete(r.mu.where, victim)
	}
	r.mu.Unlock()
	if victim != nil {
		victim.Unload()
	}
}

// Forget drops a segment that is closed or removed.
func (r *Residents) Forget(s *Segment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.mu.where[s]; ok {
		r.mu.order.Remove(e)
		delete(r.mu.where, s)
	}
}

// loadLocked brings the indexes of a sealed segment into memory. Index files that are missing or impossible are made
// anew from the log.
func (s *Segment) loadLocked() error {
	usable, err := s.readIndexesLocked()
	if err != nil || usable {
		return err
	}
	return s.rebuildLocked()
}

// readIndexesLocked brings the indexes of a sealed segment into memory from their files. It reports false if those are
// missing or impossible.
func (s *Segment) readIndexesLocked() (bool, error) {
	if s.mu.indexes != nil {
		return true, nil
	}
	offsets, err := s.readFileLocked(IndexSuffix, int64(s.mu.cfg.IndexBytes))
	if err == nil {
		offsets, err = whole(offsets)(CheckOffsetIndex(offsets, s.base, s.mu.size))
	}
	times, terr := s.readTimesLocked()
	if err = errors.Join(err, terr); err != nil {
		if errors.Is(err, ErrBadIndex) || isNotExist(err) {
			return false, nil
		}
		return false, err
	}
	s.mu.indexes = &indexes{offsets: offsets, times: times}
	return true, nil
}

// readTimesLocked reads the time index of a sealed segment. One that is empty although the segment begins with a
// timestamp was never written whole.
func (s *Segment) readTimesLocked() (timeIndex, error) {
	times, err := s.readFileLocked(TimeIndexSuffix, int64(s.mu.cfg.IndexBytes))
	if err == nil {
		times, err = whole(times)(CheckTimeIndex(times, s.base))
	}
	if err != nil || len(times) > 0 || s.mu.size == 0 {
		return times, err
	}
	f, err := s.useLocked()
	if err != nil {
		return nil, err
	}
	defer func() { s.mu.pins-- }()
	err = scanHeaders(f, s.name, 0, s.mu.size, 0, func(_ Place, b batch.Batch) (bool, error) {
		if b.MaxTimestamp() > base.NoTimestamp {
			return false, fmt.Errorf("%w: got no entries, expected at least timestamp %d", ErrBadIndex,
				b.MaxTimestamp())
		}
		return false, nil
	})
	return times, err
}

// whole refuses an index of which a check cut off the end: the file of a sealed segment has no room to spare.
func whole(read []byte) func([]byte, error) ([]byte, error) {
	return func(checked []byte, err error) ([]byte, error) {
		if err == nil && len(checked) < len(read) {
			err = fmt.Errorf("%w: got %d bytes of zeros at its end", ErrBadIndex, len(read)-len(checked))
		}
		return checked, err
	}
}

// rebuildLocked makes the indexes of a sealed segment from the headers of its batches, and replaces their files, whole,
// since nobody syncs them later. Where that is not possible they are kept in memory alone.
func (s *Segment) rebuildLocked() error {
	f, err := s.useLocked()
	if err != nil {
		return err
	}
	defer func() { s.mu.pins-- }()
	found := emptyContent(s.base)
	err = scanHeaders(f, s.name, 0, s.mu.size, 0, func(p Place, b batch.Batch) (bool, error) {
		found.add(b, p.Size, s.base, s.mu.cfg.IndexIntervalBytes)
		return true, nil
	})
	if err != nil {
		return err
	}
	found.indexes.addTime(s.base, found.times)
	s.mu.content = found
	s.mu.bookmarks.forget()
	if s.mu.suffix == "" && !s.mu.gone {
		if vfs.WriteFileAtomic(s.fs, s.path(IndexSuffix), found.indexes.offsets) == nil {
			_ = vfs.WriteFileAtomic(s.fs, s.path(TimeIndexSuffix), found.indexes.times)
		}
	}
	return nil
}

// largestIndex bounds what is read of an index file, whatever the configuration said when it was written.
const largestIndex = 1 << 28

func (s *Segment) readFileLocked(suffix string, configured int64) ([]byte, error) {
	if err := s.goneLocked(); err != nil {
		return nil, err
	}
	f, err := s.fs.Open(s.path(suffix), vfs.Read)
	if err != nil {
		return nil, fmt.Errorf("load index: %w", err)
	}
	content, err := readAll(f, max(configured, largestIndex))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("load index %s: %w", s.path(suffix), err)
	}
	return content, nil
}

func readAll(f vfs.File, limit int64) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%w: got %d bytes, expected at most %d", ErrBadIndex, size, limit)
	}
	p := make([]byte, size)
	n, err := f.ReadAt(p, 0)
	if err != nil && (!errors.Is(err, io.EOF) || n < len(p)) {
		return nil, err
	}
	return p, nil
}

// loadTimesLocked learns the largest timestamp of a sealed segment from the end of its time index.
func (s *Segment) loadTimesLocked() error {
	if s.mu.timesKnown {
		return nil
	}
	if s.mu.indexes == nil {
		times, err := s.readTimesLocked()
		if err == nil {
			s.mu.times, s.mu.timesKnown = times.last(s.base), true
			return nil
		}
	}
	if err := s.loadLocked(); err != nil {
		return err
	}
	s.mu.times, s.mu.timesKnown = s.mu.indexes.times.last(s.base), true
	return nil
}

func isNotExist(err error) bool {
	return errors.Is(err, vfs.ErrNotExist)
}
