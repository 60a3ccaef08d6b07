package world

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// producerLine is how far one producer has come in a log.
type producerLine struct {
	id       base.ProducerID
	epoch    base.ProducerEpoch
	sequence int32
	last     base.Offset
}

// checkProducers makes sure that the batches of each idempotent producer follow each other without a gap and without
// repetition, and that the snapshots say the same as the log. What lies before the log's start is not known: there a
// snapshot may know more. With restarts a producer whose batches were lost may go on anywhere, which loose allows.
func (m *logImage) checkProducers(loose bool) error {
	lines := make(map[base.ProducerID]producerLine)
	snapshots := m.snapshots
	for len(snapshots) > 0 && snapshots[0] < m.start {
		snapshots = snapshots[1:]
	}
	for i := range m.batches {
		b := m.batches[i].bytes
		for len(snapshots) > 0 && snapshots[0] <= b.BaseOffset() {
			if err := m.checkSnapshot(snapshots[0], lines); err != nil {
				return err
			}
			snapshots = snapshots[1:]
		}
		id := b.ProducerID()
		if id == base.NoProducerID {
			continue
		}
		before, ok := lines[id]
		next := before.sequence + 1
		if ok && before.epoch == b.ProducerEpoch() && b.BaseSequence() != next && !(loose && b.BaseSequence() > next) {
			return fmt.Errorf("%w: %s: producer %d has sequence %d at offset %d, after %d at %d", errImage, m.dir, id,
				b.BaseSequence(), b.BaseOffset(), before.sequence, before.last)
		}
		if !ok && b.BaseSequence() != 0 && m.start == 0 && !loose {
			return fmt.Errorf("%w: %s: producer %d begins with sequence %d at offset %d", errImage, m.dir, id,
				b.BaseSequence(), b.BaseOffset())
		}
		lines[id] = producerLine{id: id, epoch: b.ProducerEpoch(), sequence: b.LastSequence(), last: b.LastOffset()}
	}
	for _, at := range snapshots {
		if at > m.end {
			return fmt.Errorf("%w: %s has a producer snapshot at %d and ends at %d", errImage, m.dir, at, m.end)
		}
		if err := m.checkSnapshot(at, lines); err != nil {
			return err
		}
	}
	return nil
}

// checkSnapshot holds one snapshot against the producers of the batches before it.
func (m *logImage) checkSnapshot(at base.Offset, lines map[base.ProducerID]producerLine) error {
	content, err := vfs.ReadFile(m.fs, m.path(at, segment.SnapshotSuffix))
	if err != nil {
		return err
	}
	entries, err := commitlog.ParseSnapshot(content)
	if err != nil {
		return fmt.Errorf("%w: %s: snapshot at %d: %w", errImage, m.dir, at, err)
	}
	known := 0
	for i := range entries {
		e := &entries[i]
		line, ok := lines[e.ID]
		if !ok {
			continue // its batches lie before the log's start
		}
		known++
		got := producerLine{id: e.ID, epoch: e.Epoch, sequence: e.LastSequence, last: e.LastOffset}
		if got != line {
			return fmt.Errorf("%w: %s: snapshot at %d has producer %+v, the log %+v", errImage, m.dir, at, got, line)
		}
	}
	if known != len(lines) {
		return fmt.Errorf("%w: %s: snapshot at %d knows %d of the %d producers before it", errImage, m.dir, at, known,
			len(lines))
	}
	return nil
}

// checkEpochs makes sure that leader epochs never go back in the log, and that the checkpoint says of each batch the
// epoch that it bears.
func (m *logImage) checkEpochs() error {
	starts, err := m.readEpochs()
	if err != nil {
		return err
	}
	last := base.NoEpoch
	for i := range m.batches {
		b := m.batches[i].bytes
		epoch, at := b.LeaderEpoch(), b.BaseOffset()
		if epoch < last {
			return fmt.Errorf("%w: %s: offset %d has leader epoch %d after %d", errImage, m.dir, at, epoch, last)
		}
		last = epoch
		j, found := slices.BinarySearchFunc(starts, at, func(e epochLine,
			o base.Offset) int {
			return int(e.start - o)
		})
		for found && j+1 < len(starts) && starts[j+1].start == at {
			j++ // an epoch in which nothing was appended
		}
		if !found {
			j--
		}
		if j >= 0 && starts[j].epoch != epoch {
			return fmt.Errorf("%w: %s: offset %d has leader epoch %d, the checkpoint says %d", errImage, m.dir, at,
				epoch,
				starts[j].epoch)
		}
	}
	return nil
}

// epochLine is one line of a leader epoch checkpoint.
type epochLine struct {
	epoch base.LeaderEpoch
	start base.Offset
}

func (m *logImage) readEpochs() ([]epochLine, error) {
	content, err := vfs.ReadFile(m.fs, path.Join(m.dir, commitlog.EpochsFile))
	if err != nil {
		return nil, err
	}
	if len(content) == 0 {
		return nil, nil // as a new log's is
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	var found []epochLine
	for i, line := range lines {
		if i < 2 { // a version and the number of lines that follow
			continue
		}
		var e epochLine
		if _, err := fmt.Sscanf(line, "%d %d", &e.epoch, &e.start); err != nil {
			return nil, fmt.Errorf("%w: %s: line %q of %s: %w", errImage, m.dir, line, commitlog.EpochsFile, err)
		}
		if n := len(found); n > 0 && (found[n-1].epoch >= e.epoch || found[n-1].start > e.start) {
			return nil, fmt.Errorf("%w: %s: line %q of %s after epoch %d at %d", errImage, m.dir, line,
				commitlog.EpochsFile, found[n-1].epoch, found[n-1].start)
		}
		found = append(found, e)
	}
	if len(lines) < 2 || lines[1] != fmt.Sprint(len(found)) {
		return nil, fmt.Errorf("%w: %s: %s has %d lines", errImage, m.dir, commitlog.EpochsFile, len(lines))
	}
	return found, nil
}
