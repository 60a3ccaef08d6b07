// Package segment keeps one segment of a partition's log: a run of record batches in one file, with two sparse indexes
// beside it. The bytes are Kafka's, so that its tools read them and its broker starts on them.
//
// # Files
//
// The name of each file is the offset of the segment's first record, its base offset, in 20 digits:
//
//	00000000000000368769.log        record batches (package batch), back to back, nothing between them
//	00000000000000368769.index      offset index: one entry about every index.interval.bytes of the log
//	00000000000000368769.timeindex  time index, written at the same moments
//	00000000000000368769.txnindex   aborted transactions; exists only where one was aborted
//
// An offset index entry, 8 bytes big-endian, says where to begin to look for an offset:
//
//	 0        4        8
//	+--------+--------+
//	| offset | start  |   offset: last offset of a batch, relative to the base offset
//	+--------+--------+   start:  position in the .log where that batch begins
//
// An entry is made before a batch is counted when more than index.interval.bytes lie between it and the entry before,
// so the first batch of a segment never has one; it needs none, as it begins at position 0.
//
// A time index entry, 12 bytes, says up to where all timestamps are known to be no larger:
//
//	 0                 8        12
//	+-----------------+--------+
//	| timestamp       | offset |   timestamp: largest of the segment so far, Unix milliseconds
//	+-----------------+--------+   offset:    last offset of the batch that holds it, relative to the base offset
//
// Both are strictly increasing. When the segment is sealed (rolled or closed), a last time entry for the largest
// timestamp is always added.
//
// # What is in memory
//
// The indexes of the segment that is being appended to live in memory and reach their files when it is sealed: after a
// crash they are rebuilt from the log in any case. A sealed segment opens its file and loads its indexes when somebody
// reads it, and gives both back when Residents needs the room, so that a log of a thousand segments costs a thousand
// small structs and no more. The exact positions of the last batches appended are kept too, so that a consumer at the
// tail is served without a look into the file.
//
// # Concurrency
//
// One writer at a time: Append, Seal, TruncateTo, Recover and Rename belong to the holder of the partition's lock.
// Locate, LocateTime, Span and ReadAt may run at any time beside the writer and beside each other.
package segment

import (
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// Errors of segments, wrapped with the file's name and what was got and expected.
var (
	// ErrCorrupt reports bytes in a .log that are not a valid batch although valid ones follow, or that lie below what
	// was known to be synced.
	ErrCorrupt = errors.New("log segment is corrupt")
	// ErrFull reports an append of an offset that the segment's 32-bit relative offsets cannot express.
	ErrFull = errors.New("offset does not fit the segment")
	// ErrUnreadable reports records that are not what their batch's header says, although they are the bytes that were
	// appended: nobody looked at them then.
	ErrUnreadable = errors.New("unreadable records")
	// ErrBadIndex reports an index file whose size or content is impossible.
	ErrBadIndex = errors.New("index file is corrupt")
)

// Config is what the topic's configuration says about a segment.
type Config struct {
	// IndexBytes is segment.index.bytes, the largest size of either index file.
	IndexBytes int32
	// IndexIntervalBytes is index.interval.bytes, the least number of log bytes between two index entries.
	IndexIntervalBytes int32
}

// Segment is one segment. See the package comment for who may call what when.
type Segment struct {
	fs        vfs.FS
	name      string // 20 digits
	base      base.Offset
	residents *Residents

	mu struct {
		sync.Mutex
		content
		dir    string
		cfg    Config
		suffix string   // "", ".deleted" or ".swap"
		file   vfs.File // nil while not resident
		pins   int      // spans and calls that use file now
		sealed bool
		tail   tail
		// bookmarks are where readers that lag behind the tail have come to.
		bookmarks bookmarks
		evict     bool // close the file when the last pin goes
		gone      bool // closed or removed: no file is opened any more
		dirty     bool // the index files are behind memory
		// former are files of a directory that the segment has left; they are closed when no pin is left.
		former []vfs.File
	}
}

// content is what is known of a segment's log: the part that an append, a rebuild and a recovery all make up alike.
type content struct {
	// size is the length of the valid log, in bytes.
	size int64
	// indexes is nil while a sealed segment is not resident; never nil while active.
	indexes *indexes
	// times is the largest timestamp so far and the last offset of its batch. timesKnown is false for a sealed segment
	// of which nobody asked yet.
	times      timeEntry
	timesKnown bool
	// firstTime is the largest timestamp of the first batch, for time-based rolling.
	firstTime      int64
	firstTimeKnown bool
}

// emptyContent is the content of a segment with nothing in it.
func emptyContent(b base.Offset) content {
	return content{
		indexes: &indexes{}, times: timeEntry{Timestamp: base.NoTimestamp, Offset: b}, timesKnown: true,
		firstTime: base.NoTimestamp, firstTimeKnown: true,
	}
}

// add accounts one batch of the given size at the end of the log: Kafka's LogSegment.append. It reports whether an
// index entry was made.
func (c *content) add(b batch.Batch, size int64, first base.Offset, interval int32) bool {
	pos, last := c.size, b.LastOffset()
	if ts := b.MaxTimestamp(); ts > c.times.Timestamp {
		c.times = timeEntry{Timestamp: ts, Offset: last}
	}
	if pos == 0 {
		c.firstTime, c.firstTimeKnown = b.MaxTimestamp(), true
	}
	c.size += size
	if pos-c.indexes.lastIndexed(first) <= int64(interval) {
		return false
	}
	c.indexes.addOffset(first, last, pos)
	c.indexes.addTime(first, c.times)
	return true
}

// Name returns the file name of the segment with the given base offset and suffix (".log", ".index", ...).
func Name(b base.Offset, suffix string) string {
	return fmt.Sprintf("%020d%s", int64(b), suffix)
}

// Create makes an empty segment that is appended to. Its .log file exists when Create returns; neither it nor its name
// is durable.
func Create(fs vfs.FS, dir string, b base.Offset, cfg Config, r *Residents) (*Segment, error) {
	s := newSegment(fs, dir, b, cfg, r)
	f, err := fs.Open(path.Join(dir, s.name+LogSuffix), vfs.Truncate)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	s.mu.file = f
	s.mu.content = emptyContent(b)
	s.mu.dirty = true
	return s, nil
}

// Open takes up an existing segment of size bytes as sealed. It reads no file.
func Open(fs vfs.FS, dir string, b base.Offset, size int64, cfg Config, r *Residents) *Segment {
	s := newSegment(fs, dir, b, cfg, r)
	s.mu.size = size
	s.mu.sealed = true
	s.mu.times = timeEntry{Timestamp: base.NoTimestamp, Offset: b}
	s.mu.firstTime, s.mu.firstTimeKnown = base.NoTimestamp, size == 0
	return s
}

// OpenSwap is Open of a segment that compaction has finished and that still has .swap names. FinishSwap gives it its
// own.
func OpenSwap(fs vfs.FS, dir string, b base.Offset, size int64, cfg Config, r *Residents) *Segment {
	s := Open(fs, dir, b, size, cfg, r)
	s.mu.suffix = SwapSuffix
	return s
}

func newSegment(fs vfs.FS, dir string, b base.Offset, cfg Config, r *Residents) *Segment {
	s := &Segment{fs: fs, name: Name(b, ""), base: b, residents: r}
	s.mu.dir, s.mu.cfg = dir, cfg
	return s
}

// BaseOffset returns the offset of the first record that the segment can hold.
func (s *Segment) BaseOffset() base.Offset {
	return s.base
}

// Size returns the length of the segment's log in bytes.
func (s *Segment) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.size
}

// SetConfig replaces the configuration; it holds from the next append on.
func (s *Segment) SetConfig(cfg Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.cfg = cfg
}

// IndexesFull reports that one of the indexes has no room for another entry, so that the log must roll.
func (s *Segment) IndexesFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.mu.indexes
	if x == nil {
		return false
	}
	entries := int(s.mu.cfg.IndexBytes) / offsetEntrySize
	timeEntries := int(s.mu.cfg.IndexBytes) / timeEntrySize
	return x.offsets.len() >= entries || x.times.len() >= timeEntries-1
}

// path returns the name of one of the segment's files, with the suffix that it has now.
func (s *Segment) path(suffix string) string {
	return path.Join(s.mu.dir, s.name+suffix+s.mu.suffix)
}

// useLocked pins the segment's file, opening it if needed. Every success is paired with unpin.
func (s *Segment) useLocked() (vfs.File, error) {
	if s.mu.file == nil {
		if err := s.goneLocked(); err != nil {
			return nil, err
		}
		mode := vfs.ReadWrite
		f, err := s.fs.Open(s.path(LogSuffix), mode)
		if errors.Is(err, vfs.ErrReadOnly) {
			f, err = s.fs.Open(s.path(LogSuffix), vfs.Read)
		}
		if err != nil {
			return nil, fmt.Errorf("open segment: %w", err)
		}
		s.mu.file = f
	}
	s.mu.pins++
	s.mu.evict = s.mu.gone
	return s.mu.file, nil
}

// goneLocked refuses to open a file of a segment that is closed or removed: its name may be another segment's by now.
func (s *Segment) goneLocked() error {
	if s.mu.gone {
		return fmt.Errorf("segment %s was closed: %w", s.name, vfs.ErrNotExist)
	}
	return nil
}

// Unpin gives up the use of the segment's file that a span stands for.
func (s *Segment) Unpin() {
	s.mu.Lock()
	s.mu.pins--
	if s.mu.pins < 0 {
		base.Fail("segment %s unpinned once too often", s.name)
	}
	s.leaveLocked()
	idle := s.mu.pins == 0 && s.mu.sealed
	if idle && s.mu.evict {
		s.unloadLocked()
		idle = false
	}
	s.mu.Unlock()
	if idle {
		s.residents.touch(s)
	}
}

// Unload closes the file and drops the indexes of a sealed segment, now or when its last pin goes.
func (s *Segment) Unload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.sealed {
		return
	}
	if s.mu.pins > 0 {
		s.mu.evict = true
		return
	}
	s.unloadLocked()
}

func (s *Segment) unloadLocked() {
	s.closeFileLocked()
	if s.mu.sealed {
		s.mu.indexes = nil
		s.mu.bookmarks.forget()
	}
	s.mu.evict = false
}

// closeFileLocked closes the file, if nobody uses it.
func (s *Segment) closeFileLocked() {
	if s.mu.file != nil && s.mu.pins == 0 {
		// The file was only read since it was last synced or rewritten: closing it cannot lose anything, and there is
		// nobody to tell.
		_ = s.mu.file.Close()
		s.mu.file = nil
	}
}

// Relocate has the segment's files looked for in another directory from now on, which holds the same bytes. Pinned
// spans go on in the files that they have.
func (s *Segment) Relocate(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.dir = dir
	if s.mu.file != nil {
		s.mu.former = append(s.mu.former, s.mu.file)
		s.mu.file = nil
		s.leaveLocked()
	}
}

// leaveLocked closes the files of former directories, if nobody uses them.
func (s *Segment) leaveLocked() {
	if s.mu.pins > 0 {
		return
	}
	for _, f := range s.mu.former {
		_ = f.Close() // its bytes are elsewhere, synced
	}
	s.mu.former = nil
}

// ReadAt fills p from position pos of the log; it is for tools and recovery, not for fetches.
func (s *Segment) ReadAt(p []byte, pos int64) (int, error) {
	s.mu.Lock()
	f, err := s.useLocked()
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	defer s.Unpin()
	return f.ReadAt(p, pos)
}
