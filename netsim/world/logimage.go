package world

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// logImage is what the files of one partition's directory say, read from the bare disk without the broker's code for
// segments and logs: an opinion of its own on Kafka's formats.
type logImage struct {
	dir        string
	start, end base.Offset
	batches    []imageBatch
	segments   []imageSegment
	// snapshots are the producer snapshots' offsets, epochs the lines of leader-epoch-checkpoint.
	snapshots []base.Offset
	fs        vfs.FS
}

// imageSegment is one segment: its batches are those from first to last-1.
type imageSegment struct {
	base        base.Offset
	first, last int
	files       map[string]bool // by suffix
}

// imageBatch is one batch on the disk.
type imageBatch struct {
	bytes    batch.Batch
	position int64
}

func isShort(err error) bool { return errors.Is(err, batch.ErrShort) }

// errImage reports files that contradict each other.
var errImage = errors.New("files on the disk contradict each other")

// readLog reads the .log files of a partition's directory. The batches must follow each other without a gap, each with
// the right CRC, and each segment must begin at the offset that it is named after.
func readLog(fs vfs.FS, dir string) (*logImage, error) {
	entries, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	image := &logImage{dir: dir, fs: fs}
	for _, e := range entries {
		at, suffix, ok := segment.ParseName(e.Name)
		switch {
		case !ok || e.Dir || strings.HasSuffix(suffix, segment.DeletedSuffix):
		case suffix == segment.SnapshotSuffix:
			image.snapshots = append(image.snapshots, at)
		case suffix == segment.LogSuffix:
			image.segment(at).files[suffix] = true
		case suffix == segment.IndexSuffix || suffix == segment.TimeIndexSuffix:
			image.segment(at).files[suffix] = true
		}
	}
	sort.Slice(image.segments, func(i, j int) bool { return image.segments[i].base < image.segments[j].base })
	for i := range image.segments {
		if err := image.readSegment(i); err != nil {
			return nil, fmt.Errorf("%w: %s: segment %d: %w", errImage, dir, image.segments[i].base, err)
		}
	}
	if len(image.segments) == 0 {
		return nil, fmt.Errorf("%w: %s has no segment", errImage, dir)
	}
	return image, nil
}

// segment returns the segment of a base offset, which is added if it is not there.
func (m *logImage) segment(at base.Offset) *imageSegment {
	for i := range m.segments {
		if m.segments[i].base == at {
			return &m.segments[i]
		}
	}
	m.segments = append(m.segments, imageSegment{base: at, files: make(map[string]bool)})
	return &m.segments[len(m.segments)-1]
}

func (m *logImage) readSegment(i int) error {
	s := &m.segments[i]
	if !s.files[segment.LogSuffix] {
		return errors.New("got an index, expected a log beside it")
	}
	if i == 0 {
		m.start, m.end = s.base, s.base
	}
	if s.base != m.end {
		return fmt.Errorf("it begins at %d, the segment before it ends at %d", s.base, m.end)
	}
	content, err := vfs.ReadFile(m.fs, m.path(s.base, segment.LogSuffix))
	if err != nil {
		return err
	}
	s.first = len(m.batches)
	for rest := content; len(rest) > 0; {
		b, after, err := batch.Parse(rest)
		if err == nil {
			err = b.CheckCRC()
		}
		if err == nil && b.BaseOffset() != m.end {
			err = fmt.Errorf("got base offset %d, expected %d", b.BaseOffset(), m.end)
		}
		position := int64(len(content) - len(rest))
		if err != nil {
			return fmt.Errorf("at position %d: %w", position, err)
		}
		m.batches = append(m.batches, imageBatch{bytes: b, position: position})
		m.end, rest = b.NextOffset(), after
	}
	s.last = len(m.batches)
	return nil
}

func (m *logImage) path(at base.Offset, suffix string) string {
	return path.Join(m.dir, segment.Name(at, suffix))
}
