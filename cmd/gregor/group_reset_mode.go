package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// resetMode says which offset is the new one of a partition: one of the eight ways of Kafka's tool.
type resetMode struct {
	datetime, duration, file  string
	earliest, latest, current bool
	shift, offset             int64

	// kind is the one that was chosen.
	kind resetKind
	// at is the place that it stands for, where that is the same for all partitions.
	at place
	// listed are the offsets of a file.
	listed []listedOffset
}

type resetKind int

// The kinds of modes.
const (
	resetToPlace   resetKind = iota // earliest, latest, a time
	resetToOffset                   // one offset for all
	resetByShift                    // so many from the current one
	resetToCurrent                  // the current one
	resetFromFile                   // those of a file
)

func (m *resetMode) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&m.earliest, "to-earliest", false, "to the log's start")
	c.Flags().BoolVar(&m.latest, "to-latest", false, "to the log's end")
	c.Flags().BoolVar(&m.current, "to-current", false, "to the current offset")
	c.Flags().Int64Var(&m.offset, "to-offset", 0, "to an offset")
	c.Flags().Int64Var(&m.shift, "shift-by", 0, "by so many offsets, which may be negative")
	c.Flags().StringVar(&m.datetime, "to-datetime", "", "to the first record from a `time` on")
	c.Flags().StringVar(&m.duration, "by-duration", "", "to the first record of the last `duration`")
	c.Flags().StringVar(&m.file, "from-file", "", "to the offsets of a CSV `file`; - for stdin")
}

// check reads the flags, of which exactly one is given.
func (m *resetMode) check(c *cobra.Command) error {
	changed := c.Flags().Changed
	chosen, err := 0, error(nil)
	for _, mode := range []struct {
		given bool
		kind  resetKind
		read  func() (place, error)
	}{
		{m.earliest, resetToPlace, func() (place, error) { return place{kind: atStart}, nil }},
		{m.latest, resetToPlace, func() (place, error) { return place{kind: atEnd}, nil }},
		{changed("to-datetime"), resetToPlace, m.readDatetime},
		{changed("by-duration"), resetToPlace, m.readDuration},
		{changed("to-offset"), resetToOffset, m.readOffset},
		{changed("shift-by"), resetByShift, nil},
		{m.current, resetToCurrent, nil},
		{m.file != "", resetFromFile, nil},
	} {
		if !mode.given {
			continue
		}
		chosen++
		m.kind = mode.kind
		if mode.read != nil && err == nil {
			m.at, err = mode.read()
		}
	}
	if chosen != 1 {
		return cli.Usagef("expected one of --to-earliest, --to-latest, --to-offset, --shift-by, --to-current, " +
			"--to-datetime, --by-duration and --from-file")
	}
	return err
}

func (m *resetMode) readOffset() (place, error) {
	if m.offset < 0 {
		return place{}, cli.Usagef("--to-offset %d: expected at least 0", m.offset)
	}
	return place{}, nil
}

// datetimes are the forms of --to-datetime. Those without a zone are in UTC, as in Kafka's tool.
var datetimes = []string{
	"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04", time.DateOnly,
}

func (m *resetMode) readDatetime() (place, error) {
	for _, layout := range datetimes {
		if t, err := time.Parse(layout, m.datetime); err == nil {
			return place{kind: atTime, n: t.UnixMilli()}, nil
		}
	}
	return place{}, cli.Usagef("--to-datetime: got %q, expected a time such as 2026-01-31T12:00:00.000", m.datetime)
}

func (m *resetMode) readDuration() (place, error) {
	d, err := parseDuration(m.duration)
	if err != nil || d < 0 {
		return place{}, cli.Usagef("--by-duration: got %q, expected a duration such as P7DT12H or 180h", m.duration)
	}
	return place{kind: atTime, n: time.Now().Add(-d).UnixMilli()}, nil
}

// isoDuration is an ISO 8601 duration of days and less, as Java's Duration.
var isoDuration = regexp.MustCompile(
	`^P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?$`)

// parseDuration reads an ISO 8601 duration, or one of Go's.
func parseDuration(text string) (time.Duration, error) {
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || text[len(text)-1] == 'T' || text == "P" {
		return time.ParseDuration(text)
	}
	var sum float64
	for i, seconds := range []float64{24 * 3600, 3600, 60, 1} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return 0, fmt.Errorf("duration %q: %w", text, err)
		}
		sum += n * seconds
	}
	const longest = 200 * 365 * 24 * 3600
	if sum > longest {
		return 0, fmt.Errorf("got duration %q, expected at most 200 years", text)
	}
	return time.Duration(sum * float64(time.Second)), nil
}
