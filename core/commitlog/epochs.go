package commitlog

import (
	"fmt"
	"sort"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// EpochsFile is the name of the leader epoch checkpoint in a partition's directory: text, a version line "0", a line
// with the number of entries, then "epoch startOffset" lines.
const EpochsFile = "leader-epoch-checkpoint"

// epochEntry says at which offset a leader epoch began.
type epochEntry struct {
	epoch base.LeaderEpoch
	start base.Offset
}

// epochCache knows where each leader epoch began. Invariant: epochs strictly ascend and starts never descend.
type epochCache []epochEntry

// assign notes that epoch begins at start, if it is newer than all others. It reports whether anything changed.
func (c *epochCache) assign(epoch base.LeaderEpoch, start base.Offset) bool {
	if n := len(*c); n > 0 && (*c)[n-1].epoch >= epoch || epoch < 0 {
		return false
	}
	// Epochs that began at or beyond start without a record of theirs below it are overtaken by the new one.
	keep := len(*c)
	for keep > 0 && (*c)[keep-1].start >= start {
		keep--
	}
	*c = append((*c)[:keep], epochEntry{epoch: epoch, start: start})
	return true
}

// latest returns the newest epoch, or base.NoEpoch.
func (c epochCache) latest() base.LeaderEpoch {
	if len(c) == 0 {
		return base.NoEpoch
	}
	return c[len(c)-1].epoch
}

// at returns the epoch that offset belongs to.
func (c epochCache) at(offset base.Offset) base.LeaderEpoch {
	i := sort.Search(len(c), func(i int) bool { return c[i].start > offset })
	if i == 0 {
		return base.NoEpoch
	}
	return c[i-1].epoch
}

// endOffset returns the largest epoch at or below the one asked for, and its end. An epoch beyond the newest one, and
// one before the oldest one known, are unknown: the first may only be asked for by somebody ahead of this log.
func (c epochCache) endOffset(epoch base.LeaderEpoch, logEnd base.Offset) (base.LeaderEpoch, base.Offset) {
	if epoch < 0 || len(c) == 0 || epoch > c.latest() {
		return base.NoEpoch, base.NoOffset
	}
	if epoch == c.latest() {
		return epoch, logEnd
	}
	i := sort.Search(len(c), func(i int) bool { return c[i].epoch > epoch })
	if i == 0 {
		// Kafka answers the asked epoch with the first known start: nothing of that epoch or before is left here.
		return epoch, c[0].start
	}
	return c[i-1].epoch, c[i].start
}

// cutEnd drops what lies at or beyond end.
func (c *epochCache) cutEnd(end base.Offset) bool {
	n := len(*c)
	for n > 0 && (*c)[n-1].start >= end {
		n--
	}
	changed := n != len(*c)
	*c = (*c)[:n]
	return changed
}

// cutStart drops what lies wholly before start; the epoch that start belongs to begins there now.
func (c *epochCache) cutStart(start base.Offset) bool {
	i := sort.Search(len(*c), func(i int) bool { return (*c)[i].start > start })
	if i == 0 || i == 1 && (*c)[0].start == start {
		return false
	}
	rest := append(epochCache(nil), (*c)[i-1:]...)
	rest[0].start = max(rest[0].start, start)
	*c = rest
	return true
}

func (c epochCache) lines() []string {
	lines := make([]string, len(c))
	for i, e := range c {
		lines[i] = fmt.Sprintf("%d %d", e.epoch, e.start)
	}
	return lines
}

// parseEpochs reads the content of a leader epoch checkpoint.
func parseEpochs(content []byte) (epochCache, error) {
	lines, err := parseCheckpoint(content)
	if err != nil {
		return nil, err
	}
	cache := make(epochCache, 0, len(lines))
	for _, line := range lines {
		numbers, err := parseNumbers(line, 2)
		if err != nil {
			return nil, err
		}
		e := epochEntry{epoch: base.LeaderEpoch(numbers[0]), start: base.Offset(numbers[1])}
		if n := len(cache); n > 0 && (cache[n-1].epoch >= e.epoch || cache[n-1].start > e.start) ||
			numbers[0] < 0 || numbers[0] > 1<<31-1 || numbers[1] < 0 {
			return nil, fmt.Errorf("%w: got entry %q, expected ascending epochs and offsets", ErrBadCheckpoint, line)
		}
		cache = append(cache, e)
	}
	return cache, nil
}

// writeEpochs brings the leader epoch checkpoint up to date. It syncs files: not for the hot path. The lock deleting is
// held, or nobody else has the log yet.
func (l *Log) writeEpochs() error {
	l.mu.Lock()
	if !l.mu.epochsDirty {
		l.mu.Unlock()
		return nil
	}
	lines := l.mu.epochs.lines()
	l.mu.epochsDirty = false
	l.mu.Unlock()
	err := vfs.WriteFileAtomic(l.fs, l.Dir()+"/"+EpochsFile, formatCheckpoint(lines))
	if err != nil {
		return l.fail(fmt.Errorf("write leader epochs: %w", err))
	}
	return nil
}
