package audit

import (
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// directory checks the files that a log directory keeps for its partitions.
func (a *Auditor) directory(partitions map[base.TopicPartition]Partition) []Problem {
	problems := []Problem{}
	add := func(kind, format string, args ...any) {
		problems = append(problems, Problem{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	content, err := vfs.ReadFile(a.fs, path.Join(a.root, commitlog.MetaFile))
	if err == nil {
		_, err = commitlog.ParseMeta(content)
	}
	if err != nil {
		add("no-metadata", "%s: %v", commitlog.MetaFile, err)
	}
	for _, name := range []string{commitlog.RecoveryPointFile, commitlog.LogStartFile, commitlog.HighWatermarkFile} {
		entries, err := commitlog.ReadOffsets(a.fs, a.root, name)
		if err != nil {
			add("bad-checkpoint", "%v", err)
		}
		for _, e := range entries {
			p, ok := partitions[e.Partition]
			// Of an unclean stop the high watermark may tell of more than was synced, and a log that recovery refuses
			// has no end.
			if !ok || !a.clean || p.Count > 0 || int64(e.Offset) <= p.End {
				continue
			}
			add("bad-checkpoint", "%s: %s: got offset %d, the log ends at %d", name, e.Partition, e.Offset, p.End)
		}
	}
	return problems
}
