package commitlog

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// Names of the checkpoints that a log directory keeps for its partitions.
const (
	RecoveryPointFile = "recovery-point-offset-checkpoint"
	LogStartFile      = "log-start-offset-checkpoint"
	HighWatermarkFile = "replication-offset-checkpoint"
)

// ErrBadCheckpoint reports a checkpoint file that is not what was written.
var ErrBadCheckpoint = errors.New("bad checkpoint file")

// OffsetEntry is one line of an offset checkpoint: "topic partition offset".
type OffsetEntry struct {
	Partition base.TopicPartition
	Offset    base.Offset
}

// FormatOffsets returns the content of an offset checkpoint.
func FormatOffsets(entries []OffsetEntry) []byte {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = fmt.Sprintf("%s %d %d", e.Partition.Topic, e.Partition.Partition, e.Offset)
	}
	return formatCheckpoint(lines)
}

// ParseOffsets reads the content of an offset checkpoint, ordered by partition.
func ParseOffsets(content []byte) ([]OffsetEntry, error) {
	lines, err := parseCheckpoint(content)
	if err != nil {
		return nil, err
	}
	entries := make([]OffsetEntry, 0, len(lines))
	for _, line := range lines {
		topic, numbers, ok := strings.Cut(line, " ")
		if !ok || topic == "" {
			return nil, fmt.Errorf("%w: got line %q, expected topic, partition and offset", ErrBadCheckpoint, line)
		}
		n, err := parseNumbers(numbers, 2)
		if err != nil {
			return nil, err
		}
		if n[0] < 0 || n[0] > 1<<31-1 || n[1] < 0 {
			return nil, fmt.Errorf("%w: got line %q, expected numbers from 0 on", ErrBadCheckpoint, line)
		}
		tp := base.TopicPartition{Topic: topic, Partition: int32(n[0])}
		entries = append(entries, OffsetEntry{Partition: tp, Offset: base.Offset(n[1])})
	}
	slices.SortStableFunc(entries, func(a, b OffsetEntry) int { return a.Partition.Compare(b.Partition) })
	return entries, nil
}

// ReadOffsets reads an offset checkpoint of a log directory. A file that does not exist is an empty one.
func ReadOffsets(fs vfs.FS, dir, name string) ([]OffsetEntry, error) {
	content, err := vfs.ReadFile(fs, path.Join(dir, name))
	if errors.Is(err, vfs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	entries, err := ParseOffsets(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(dir, name), err)
	}
	return entries, nil
}

// WriteOffsets replaces an offset checkpoint of a log directory, atomically and durably.
func WriteOffsets(fs vfs.FS, dir, name string, entries []OffsetEntry) error {
	if err := vfs.WriteFileAtomic(fs, path.Join(dir, name), FormatOffsets(entries)); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// LookupOffset finds a partition in entries as ParseOffsets orders them.
func LookupOffset(entries []OffsetEntry, tp base.TopicPartition) (base.Offset, bool) {
	i, ok := slices.BinarySearchFunc(entries, tp, func(e OffsetEntry, tp base.TopicPartition) int {
		return e.Partition.Compare(tp)
	})
	if !ok {
		return 0, false
	}
	return entries[i].Offset, true
}

// formatCheckpoint writes the frame that all of Kafka's text checkpoints share: a version line "0", the number of
// entries, the entries.
func formatCheckpoint(lines []string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "0\n%d\n", len(lines))
	for _, line := range lines {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

func parseCheckpoint(content []byte) ([]string, error) {
	lines := strings.Split(string(content), "\n")
	if len(lines) < 2 || strings.TrimSpace(lines[0]) != "0" {
		return nil, fmt.Errorf("%w: got first line %.20q, expected version 0", ErrBadCheckpoint, lines[0])
	}
	count, err := strconv.Atoi(strings.TrimSpace(lines[1]))
	if err != nil || count < 0 {
		return nil, fmt.Errorf("%w: got count %.20q, expected a number", ErrBadCheckpoint, lines[1])
	}
	rest := lines[2:]
	for len(rest) > 0 && strings.TrimSpace(rest[len(rest)-1]) == "" {
		rest = rest[:len(rest)-1]
	}
	if len(rest) != count {
		return nil, fmt.Errorf("%w: got %d entries, expected %d", ErrBadCheckpoint, len(rest), count)
	}
	return rest, nil
}

func parseNumbers(line string, count int) ([]int64, error) {
	fields := strings.Fields(line)
	if len(fields) != count {
		return nil, fmt.Errorf("%w: got line %.80q, expected %d numbers", ErrBadCheckpoint, line, count)
	}
	numbers := make([]int64, count)
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: got %.80q, expected a number", ErrBadCheckpoint, field)
		}
		numbers[i] = n
	}
	return numbers, nil
}
