package commitlog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// logFiles is what a partition's directory holds.
type logFiles struct {
	logs      []vfs.Entry // by base offset
	bases     []base.Offset
	indexed   map[base.Offset]int // how many of the two indexes exist
	snapshots []base.Offset       // ascending
	leftovers []string            // interrupted deletions and compactions, orphaned indexes
	// orphan is the largest base offset of an index that has no log, or base.NoOffset.
	orphan base.Offset
	// swaps are the logs that a compaction has finished and not yet put in the place of others, by base offset.
	swaps []swapFile
}

// swapFile is a finished segment of a compaction.
type swapFile struct {
	base    base.Offset
	size    int64
	indexed int
}

// listLog sorts the names of a partition's directory.
func listLog(fs vfs.FS, dir string) (*logFiles, error) {
	entries, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list log: %w", err)
	}
	files := &logFiles{indexed: make(map[base.Offset]int), orphan: base.NoOffset}
	var indexes, swaps []string
	cleaned := base.Offset(1<<63 - 1)
	for _, e := range entries {
		b, suffix, ok := segment.ParseName(e.Name)
		switch {
		case !ok || e.Dir:
		case segment.IsTemporary(suffix):
			files.leftovers = append(files.leftovers, e.Name)
			if strings.HasSuffix(suffix, segment.CleanedSuffix) {
				cleaned = min(cleaned, b)
			}
		case suffix == segment.LogSuffix+segment.SwapSuffix:
			files.swaps = append(files.swaps, swapFile{base: b, size: e.Size})
			swaps = append(swaps, e.Name)
		case strings.HasSuffix(suffix, segment.SwapSuffix):
			swaps = append(swaps, e.Name)
		case suffix == segment.LogSuffix:
			files.logs, files.bases = append(files.logs, e), append(files.bases, b)
		case suffix == segment.SnapshotSuffix:
			files.snapshots = append(files.snapshots, b)
		case suffix == segment.IndexSuffix || suffix == segment.TimeIndexSuffix:
			files.indexed[b]++
			indexes = append(indexes, e.Name)
		case suffix == segment.TxnIndexSuffix:
			indexes = append(indexes, e.Name)
		}
	}
	for _, name := range indexes {
		b, _, _ := segment.ParseName(name)
		if _, ok := slices.BinarySearch(files.bases, b); !ok {
			files.leftovers = append(files.leftovers, name)
			files.orphan = max(files.orphan, b)
		}
	}
	files.sortSwaps(swaps, cleaned)
	return files, nil
}

// sortSwaps takes the .swap files that count from those that do not: those of a segment that has no .log among them,
// and those at or beyond the first .cleaned file, which are a part of something unfinished (KAFKA-6264).
func (f *logFiles) sortSwaps(names []string, cleaned base.Offset) {
	f.swaps = slices.DeleteFunc(f.swaps, func(s swapFile) bool { return s.base >= cleaned })
	for _, name := range names {
		b, suffix, _ := segment.ParseName(name)
		i := slices.IndexFunc(f.swaps, func(s swapFile) bool { return s.base == b })
		switch {
		case i < 0:
			f.leftovers = append(f.leftovers, name)
		case suffix == segment.IndexSuffix+segment.SwapSuffix, suffix == segment.TimeIndexSuffix+segment.SwapSuffix:
			f.swaps[i].indexed++
		}
	}
}
