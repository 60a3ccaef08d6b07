package commitlog

import (
	"fmt"
	"io"
	"path"
	"slices"
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// MovedFile marks a directory that a Move has made. As long as it is there, the same partition's directory in another
// log directory is what the move left behind: the mark is there before the directory gets the partition's name, and
// goes after the other one has lost it. What it says is for people.
const MovedFile = "moved-here"

// Move takes a log to another directory, byte for byte, while it is appended to and read: rounds of Copy until little
// is left, then Finish, which holds up appends for that little. After an error, or a crash, it is begun anew.
//
//	<dir A>/t-0/                 the log, until Finish
//	<dir B>/t-0.<id>-future/     its copy, with MovedFile in it
//	<dir B>/t-0/                 the log, from Finish on: a rename of the copy, all of which is synced
//	<dir A>/...                  whatever the owner makes of the old directory, before MovedFile goes
//
// Its methods exclude those that delete and end the log, and one another; call them from one goroutine.
type Move struct {
	log *Log
	// future is the copy's directory.
	future string
	// copied has what is in future of each segment, by base offset.
	copied map[base.Offset]copied
	// dirty are the names in future that are not synced.
	dirty  map[string]bool
	buffer []byte
	// failure is why the copy is of no use: a sync of it failed, and a later one says nothing.
	failure error
	// size is how many bytes of logs are in the copy, reached up to which offset.
	size, reached atomic.Int64
}

// copied is what a copy has of one segment.
type copied struct {
	of   *segment.Segment
	size int64 // of its log
	// whole says that its indexes were copied too: it is not appended to any more.
	whole bool
}

// copyChunk is how much is copied while the log's deletions wait.
const copyChunk = 1 << 20

// BeginMove makes the directory of a copy, which must not exist. What the move that brought the log where it is left
// undone comes first: its old directory is retired, and its mark goes. While that fails there is no other move, as two
// directories without a mark would be left: ErrMoveLeft.
func (l *Log) BeginMove(future string) (*Move, error) {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	if err := l.unusable(); err != nil {
		return nil, err
	}
	if err := l.endMove(); err != nil {
		return nil, err
	}
	m := &Move{
		log: l, future: future, copied: make(map[base.Offset]copied), dirty: make(map[string]bool),
	}
	m.reached.Store(int64(l.Start()))
	if err := l.fs.Mkdir(future); err != nil {
		return nil, fmt.Errorf("begin move: %w", err)
	}
	if err := m.write(MovedFile, []byte("moved from "+l.Dir()+"\n")); err != nil {
		return nil, err
	}
	if err := m.write(PartitionMetadataFile, formatMetadata(l.topicID)); err != nil {
		return nil, err
	}
	return m, nil
}

// Dir returns the copy's directory.
func (m *Move) Dir() string { return m.future }

// Copied returns how many bytes of logs are in the copy, and up to which offset. It may be called at any time.
func (m *Move) Copied() (int64, base.Offset) {
	return m.size.Load(), base.Offset(m.reached.Load())
}

// Copy copies what the log has and the copy has not, until limit bytes are copied or nothing is left, and syncs it. It
// reports whether it copied all there was. It fails once the log is closed or offline.
func (m *Move) Copy(limit int64) (bool, error) {
	for limit > 0 {
		n, err := m.copyOnce(min(limit, copyChunk))
		if err != nil {
			return false, err
		}
		if n == 0 {
			return true, m.sync()
		}
		limit -= n
	}
	return false, nil
}

// copyOnce copies at most limit bytes, and returns how many.
func (m *Move) copyOnce(limit int64) (int64, error) {
	m.log.deleting.Lock()
	defer m.log.deleting.Unlock()
	if err := m.log.unusable(); err != nil {
		return 0, err
	}
	return m.copyLocked(limit)
}

// copyLocked copies at most limit bytes of the log's segments, oldest first, and whatever belongs to those that are
// whole. The lock deleting is held.
func (m *Move) copyLocked(limit int64) (int64, error) {
	segments, end := m.log.segments(), m.log.End()
	var sum int64
	for i, s := range segments {
		n, err := m.copyLog(s, limit-sum)
		if sum += n; err != nil {
			return sum, err
		}
		if sum >= limit {
			m.reached.Store(max(m.reached.Load(), int64(s.BaseOffset())))
			return sum, nil
		}
		if i+1 < len(segments) && !m.copied[s.BaseOffset()].whole {
			if err := m.copyIndexes(s.BaseOffset()); err != nil {
				return sum, err
			}
		}
	}
	m.reached.Store(max(m.reached.Load(), int64(end)))
	return sum, nil
}

// copyLog copies at most limit bytes of one segment's log.
func (m *Move) copyLog(s *segment.Segment, limit int64) (int64, error) {
	b := s.BaseOffset()
	c, known := m.copied[b]
	mode := vfs.Create
	if known && c.of != s { // replaced by another of the same base offset
		m.size.Add(-c.size)
		c, known, mode = copied{}, false, vfs.Truncate
	}
	at, size := c.size, s.Size()
	if known && at >= size {
		return 0, nil
	}
	name := segment.Name(b, segment.LogSuffix)
	f, err := m.log.fs.Open(path.Join(m.future, name), mode)
	if err != nil {
		return 0, fmt.Errorf("copy segment: %w", err)
	}
	m.dirty[name] = true
	if m.buffer == nil {
		m.buffer = make([]byte, 1<<18)
	}
	begun := at
	for at < size && at-begun < limit {
		p := m.buffer[:min(int64(len(m.buffer)), size-at)]
		n, rerr := s.ReadAt(p, at)
		if n < len(p) {
			if rerr == nil {
				rerr = io.ErrUnexpectedEOF
			}
			err = rerr
			break
		}
		if _, err = f.WriteAt(p, at); err != nil {
			break
		}
		at += int64(n)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	m.copied[b] = copied{of: s, size: at}
	m.size.Add(at - begun)
	if err != nil {
		return at - begun, fmt.Errorf("copy segment %s: %w", name, err)
	}
	return at - begun, nil
}

// copyIndexes copies the index files of a segment that is not appended to any more, and the producers' state at its
// beginning. Those that are missing are made anew when they are needed.
func (m *Move) copyIndexes(b base.Offset) error {
	for _, suffix := range []string{
		segment.IndexSuffix, segment.TimeIndexSuffix, segment.TxnIndexSuffix, segment.SnapshotSuffix,
	} {
		if err := m.copyFile(segment.Name(b, suffix)); err != nil {
			return err
		}
	}
	c := m.copied[b]
	c.whole = true
	m.copied[b] = c
	return nil
}

func (m *Move) copyFile(name string) error {
	content, err := vfs.ReadFile(m.log.fs, path.Join(m.log.Dir(), name))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	return m.write(name, content)
}

func (m *Move) write(name string, content []byte) error {
	if err := writeNew(m.log.fs, path.Join(m.future, name), content); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	m.dirty[name] = true
	return nil
}

// sync makes durable what is in the copy. Where that fails, it fails for ever.
func (m *Move) sync() error {
	if m.failure == nil {
		m.failure = m.syncNames()
	}
	return m.failure
}

func (m *Move) syncNames() error {
	names := make([]string, 0, len(m.dirty))
	for name := range m.dirty {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		if err := syncName(m.log.fs, path.Join(m.future, name)); err != nil {
			return err
		}
	}
	if err := m.log.fs.SyncDir(m.future); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	clear(m.dirty)
	return nil
}

// Drop removes the copy's directory.
func (m *Move) Drop() error {
	return vfs.RemoveAll(m.log.fs, m.future)
}
