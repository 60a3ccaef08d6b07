package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// listedOffset is one line of the CSV in which offsets are exported and read back, which is that of Kafka's tool:
//
//	topic,partition,offset           of one group
//	group,topic,partition,offset     of several
type listedOffset struct {
	group, topic string
	partition    int32
	offset       int64
}

// load reads the file, if the mode is that.
func (m *resetMode) load(in io.Reader, groups []string) error {
	if m.kind != resetFromFile {
		return nil
	}
	if m.file != "-" {
		file, err := os.Open(m.file)
		if err != nil {
			return cli.Usagef("--from-file: %w", err)
		}
		defer file.Close()
		in = file
	}
	listed, err := readOffsets(in, groups)
	if err != nil {
		return cli.Usagef("--from-file %s: %w", m.file, err)
	}
	m.listed = listed
	return nil
}

// readOffsets reads the CSV for these groups.
func readOffsets(in io.Reader, groups []string) ([]listedOffset, error) {
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	var out []listedOffset
	seen := map[listedOffset]bool{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		l, err := readOffset(row, groups)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		at := listedOffset{group: l.group, topic: l.topic, partition: l.partition}
		if seen[at] {
			return nil, fmt.Errorf("line %d: got partition %d of topic %s twice", line, l.partition, l.topic)
		}
		seen[at] = true
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, errors.New("got no offsets")
	}
	slices.SortFunc(out, func(a, b listedOffset) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.topic, b.topic),
			cmp.Compare(a.partition, b.partition))
	})
	return out, nil
}

func readOffset(row, groups []string) (listedOffset, error) {
	var l listedOffset
	switch {
	case len(row) == 4:
		l.group, row = row[0], row[1:]
		if !slices.Contains(groups, l.group) {
			return l, fmt.Errorf("got group %q, which is not among those of the command line", l.group)
		}
	case len(row) == 3 && len(groups) == 1:
		l.group = groups[0]
	case len(row) == 3:
		return l, errors.New("got topic,partition,offset, expected group,topic,partition,offset for several groups")
	default:
		return l, fmt.Errorf("got %d fields, expected topic,partition,offset", len(row))
	}
	partition, errPartition := strconv.ParseUint(row[1], 10, 31)
	offset, errOffset := strconv.ParseUint(row[2], 10, 63)
	if errPartition != nil || errOffset != nil || row[0] == "" {
		return l, fmt.Errorf("got %q, expected topic,partition,offset", row)
	}
	l.topic, l.partition, l.offset = row[0], int32(partition), int64(offset)
	return l, nil
}

// writeOffsets writes the new offsets as CSV.
func writeOffsets(w io.Writer, groups []resetGroup) error {
	out := csv.NewWriter(w)
	for _, g := range groups {
		for _, o := range g.Offsets {
			if o.Error != "" {
				continue
			}
			row := []string{o.Topic, strconv.Itoa(int(o.Partition)), strconv.FormatInt(o.New, 10)}
			if len(groups) > 1 {
				row = append([]string{g.Group}, row...)
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
