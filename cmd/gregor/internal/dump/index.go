package dump

import (
	"fmt"
	"path"
	"sort"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/scan"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// index prints an offset index and holds it against the .log beside it: each entry must be the last offset of the batch
// at its position.
func (d *Dumper) index(name string) error {
	b, entries, err := d.offsetEntries(name)
	if err != nil && entries == nil {
		return err
	}
	if len(entries) == 0 && err == nil {
		d.line("%s is empty.", name)
		return d.object("empty", name, nil)
	}
	if d.o.SanityOnly {
		return d.sane(name, err, func(p []byte, logSize int64) error {
			_, err := segment.CheckOffsetIndex(p, b, logSize)
			return err
		})
	}
	log, done, openErr := d.sibling(name)
	if openErr != nil {
		return openErr
	}
	defer done()
	for i, e := range entries {
		if e.Offset == b && i > 0 {
			break // Kafka takes it for the unused rest of the file
		}
		if last := lastOffsetAt(log, e.Position); last != e.Offset {
			d.found.add("index_mismatch", absolute(name), int64(e.Offset), int64(last))
		}
		if d.o.VerifyOnly {
			continue
		}
		d.line("offset: %d position: %d", e.Offset, e.Position)
		fields := map[string]any{"offset": e.Offset, "position_bytes": e.Position}
		if err := d.object("index_entry", name, fields); err != nil {
			return err
		}
	}
	return err
}

// lastOffsetAt returns the last offset of the batch at a position of a log, or base.NoOffset if there is no whole one.
func lastOffsetAt(log vfs.File, position int64) base.Offset {
	head := make([]byte, batch.HeaderSize)
	if _, err := log.ReadAt(head, position); err != nil {
		return base.NoOffset
	}
	n, err := batch.Size(head)
	size, sizeErr := log.Size()
	if err != nil || sizeErr != nil || int64(n) > size-position {
		return base.NoOffset
	}
	return batch.Batch(head).LastOffset()
}

// offsetEntries reads an offset index. What is wrong with its size is an error beside the entries.
func (d *Dumper) offsetEntries(name string) (base.Offset, []segment.OffsetEntry, error) {
	b, err := baseOf(name)
	if err != nil {
		return 0, nil, err
	}
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return 0, nil, err
	}
	entries, err := segment.OffsetEntries(content, base.Offset(b))
	return base.Offset(b), entries, err
}

// sane checks an index as a starting broker does.
func (d *Dumper) sane(name string, err error, check func(p []byte, logSize int64) error) error {
	content, readErr := vfs.ReadFile(d.fs, name)
	if readErr != nil {
		return readErr
	}
	log, statErr := d.fs.Stat(siblingName(name, segment.LogSuffix))
	if statErr != nil {
		return statErr
	}
	if err == nil {
		err = check(content, log.Size)
	}
	if err != nil {
		return err
	}
	d.line("%s passed sanity check.", name)
	return d.object("sane", name, nil)
}

// siblingName returns the name of another file of the same segment.
func siblingName(name, suffix string) string {
	return name[:len(name)-len(path.Ext(name))] + suffix
}

// sibling opens the .log of the segment that an index belongs to.
func (d *Dumper) sibling(name string) (vfs.File, func(), error) {
	f, err := d.fs.Open(siblingName(name, segment.LogSuffix), vfs.Read)
	if err != nil {
		return nil, nil, fmt.Errorf("the index is held against its log: %w", err)
	}
	// The file was only read.
	return f, func() { _ = f.Close() }, nil
}

// batchTime is what the time index is held against: a batch's last offset and the largest timestamp of its records.
type batchTime struct {
	last      base.Offset
	timestamp int64
}

// timeIndex prints a time index and holds it against the .log beside it: each entry must be the last offset of a batch,
// with the largest timestamp in it, and timestamps must ascend.
func (d *Dumper) timeIndex(name string) error {
	n, err := baseOf(name)
	if err != nil {
		return err
	}
	b := base.Offset(n)
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	entries, err := segment.TimeEntries(content, b)
	if d.o.SanityOnly {
		return d.sane(name, err, func(p []byte, _ int64) error {
			_, err := segment.CheckTimeIndex(p, b)
			return err
		})
	}
	// A log that breaks off is held against as far as it goes.
	times, readErr := d.batchTimes(name)
	if err == nil {
		err = readErr
	}
	previous := base.NoTimestamp
	for i, e := range entries {
		if e.Offset == b && i > 0 {
			break
		}
		d.holdTime(name, e, times, previous)
		previous = e.Timestamp
		if d.o.VerifyOnly {
			continue
		}
		d.line("timestamp: %d offset: %d", e.Timestamp, e.Offset)
		fields := map[string]any{"timestamp_ms": e.Timestamp, "offset": e.Offset}
		if err := d.object("time_index_entry", name, fields); err != nil {
			return err
		}
	}
	return err
}

// holdTime holds one entry against the batches.
func (d *Dumper) holdTime(name string, e segment.TimeEntry, times []batchTime, previous int64) {
	file := absolute(name)
	i := sort.Search(len(times), func(i int) bool { return times[i].last >= e.Offset })
	switch {
	case i == len(times):
		d.found.add("time_index_offset", file, int64(e.Offset), -1)
	case times[i].last != e.Offset:
		d.found.add("time_index_offset", file, int64(e.Offset), int64(times[i].last))
	default:
		if times[i].timestamp != e.Timestamp {
			d.found.add("time_index_mismatch", file, e.Timestamp, times[i].timestamp)
		}
		if previous >= e.Timestamp {
			d.found.add("time_index_order", file, e.Timestamp, previous)
		}
	}
}

// batchTimes reads the headers of the .log beside an index.
func (d *Dumper) batchTimes(name string) ([]batchTime, error) {
	f, done, err := d.sibling(name)
	if err != nil {
		return nil, err
	}
	defer done()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	var times []batchTime
	s := scan.New(f, size)
	for {
		ok, err := s.Next()
		if err != nil || !ok {
			return times, err
		}
		times = append(times, batchTime{s.Header().LastOffset(), s.Header().MaxTimestamp()})
	}
}
