package commitlog

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Errors of the end of a move.
var (
	// ErrMoveUnsettled reports that the copy has its name and that nobody knows whether the disk has it too. The log is
	// offline. Its two directories hold the same, and whichever a restart finds is whole.
	ErrMoveUnsettled = errors.New("the name of a moved log is not known to be durable")
	// ErrMoveLeft reports that the old directory of the log's last move is still there.
	ErrMoveLeft = errors.New("the old directory of the last move is left")
)

// Finish gives the copy its name, final, in the directory where it is, and has the log live there; appends wait
// meanwhile. entered is called before they go on. Then, before anybody may end the log, retire is to take the log's old
// directory away, durably, and the mark of the move goes. Where it fails, left says so; it is called again before the
// next move, from BeginMove, and must know itself what it has done already.
//
// On an error the log lives where it was, but for ErrMoveUnsettled: entered was called then as well. The copy's
// directory must be durable by the name that it has.
func (m *Move) Finish(final string, entered func(), retire func() error) (left, err error) {
	l := m.log
	l.deleting.Lock()
	defer l.deleting.Unlock()
	if err := m.change(final, entered); err != nil {
		return nil, err
	}
	l.retire = retire
	return l.endMove(), nil
}

// endMove finishes what is left of the move that brought the log where it is. The lock deleting is held.
func (l *Log) endMove() error {
	if l.retire != nil {
		if err := l.retire(); err != nil {
			return fmt.Errorf("%w: %w", ErrMoveLeft, err)
		}
		l.retire = nil
	}
	err := RemoveMoved(l.fs, l.Dir())
	if errors.Is(err, errMarkUnsynced) {
		return l.fail(err)
	}
	return err
}

// change copies the last bytes and changes over.
func (m *Move) change(final string, entered func()) error {
	l := m.log
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.unusable(); err != nil {
		return err
	}
	for more := int64(1); more > 0; {
		var err error
		if more, err = m.copyLocked(1 << 62); err != nil {
			return err
		}
	}
	if err := m.tidy(); err != nil {
		return err
	}
	if err := m.sync(); err != nil {
		return err
	}
	if err := l.fs.Rename(m.future, final); err != nil {
		return fmt.Errorf("finish move: %w", err)
	}
	if err := l.fs.SyncDir(path.Dir(final)); err != nil {
		// Were the log to go on, in either directory, the disk might have the other name alone, or both, after a loss
		// of power.
		entered()
		return l.fail(fmt.Errorf("%w: %w", ErrMoveUnsettled, err))
	}
	m.enter(final)
	entered()
	return nil
}

// tidy removes from the copy what the log does not have any more, and adds the leader epochs and the producers.
func (m *Move) tidy() error {
	l := m.log
	l.mu.Lock()
	lines, first := l.mu.epochs.lines(), l.mu.segments[0].BaseOffset()
	l.mu.Unlock()
	if err := m.write(EpochsFile, formatCheckpoint(lines)); err != nil {
		return err
	}
	own, err := l.fs.List(l.Dir())
	if err != nil {
		return fmt.Errorf("finish move: %w", err)
	}
	for _, e := range own {
		if strings.HasSuffix(e.Name, segment.SnapshotSuffix) && !e.Dir {
			if err := m.copyFile(e.Name); err != nil {
				return err
			}
		}
	}
	have, err := l.fs.List(m.future)
	if err != nil {
		return fmt.Errorf("finish move: %w", err)
	}
	for _, e := range have {
		b, suffix, ok := segment.ParseName(e.Name)
		if !ok || b >= first || suffix == segment.SnapshotSuffix {
			continue
		}
		if err := l.fs.Remove(path.Join(m.future, e.Name)); err != nil {
			return fmt.Errorf("finish move: %w", err)
		}
		delete(m.dirty, e.Name)
		delete(m.copied, b)
	}
	return nil
}

// enter makes the new directory the log's. All that it holds is synced, so that nothing of what a SyncJob may be about
// to sync in the old one is missing. The locks deleting and write are held.
func (m *Move) enter(final string) {
	l := m.log
	l.mu.Lock()
	l.dir.Store(&final)
	for _, s := range l.mu.segments {
		s.Relocate(final)
	}
	l.mu.synced = max(l.mu.synced, l.mu.end)
	l.mu.appendedAt = 0
	l.mu.namesDirty, l.mu.parentDirty, l.mu.metaDirty, l.mu.epochsDirty = false, false, false, false
	trash := l.mu.trash
	l.mu.trash = nil
	l.mu.Unlock()
	for _, t := range trash {
		t.segment.Close() // its files go with the old directory
	}
}

// RemoveMoved takes the mark of a move from a directory, durably. One without a mark is left alone.
func RemoveMoved(fs vfs.FS, dir string) error {
	err := fs.Remove(path.Join(dir, MovedFile))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end move: %w", err)
	}
	if err := fs.SyncDir(dir); err != nil {
		return fmt.Errorf("%w: %w", errMarkUnsynced, err)
	}
	return nil
}

// errMarkUnsynced reports that the directory could not be synced after the mark was gone.
var errMarkUnsynced = errors.New("the mark of a move may come back")

// WasMoved reports whether a directory has the mark of a move.
func WasMoved(fs vfs.FS, dir string) (bool, error) {
	_, err := fs.Stat(path.Join(dir, MovedFile))
	if isNotExist(err) {
		return false, nil
	}
	return err == nil, err
}
