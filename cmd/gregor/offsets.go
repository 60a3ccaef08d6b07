package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span is a range of a partition's offsets as it is written on the command line: from a place, to a place or for ever.
//
//	start  end  N          the log's start, its end, offset N
//	+n  -n                 n after the start, n before the end
//	@time                  the first record at or after a time
//	FROM:TO  FROM:  :TO    up to, not including, TO; without FROM from the start
//
// A time is Unix seconds (up to 11 digits) or milliseconds, a date, RFC 3339, or a duration from now ("@-1h").
type span struct {
	from, to place
	// bounded says that there is a to.
	bounded bool
}

// place is one end of a span.
type place struct {
	kind placeKind
	// n is the exact offset, the distance, or Unix milliseconds.
	n int64
}

type placeKind int

// The kinds of places.
const (
	atStart  placeKind = iota // n after the log's start
	atEnd                     // n before the log's end
	atOffset                  // offset n
	atTime                    // the first record at or after n
)

// secondDigits is the most digits of a time that is taken for seconds: those of the year 5138.
const secondDigits = 11

// errPlace reports text that is no place.
var errPlace = errors.New("expected start, end, +n, -n, N, @time or a range FROM:TO of these")

// parseSpan reads a span; now is what durations count from.
func parseSpan(text string, now time.Time) (span, error) {
	if from, err := parsePlace(text, now); err == nil {
		return span{from: from}, nil
	}
	// A time may hold colons itself, so every one of them may be the one that divides.
	for i := range len(text) {
		if text[i] != ':' {
			continue
		}
		if s, err := parseHalves(text[:i], text[i+1:], now); err == nil {
			return s, nil
		}
	}
	return span{}, fmt.Errorf("got %q, %w", text, errPlace)
}

func parseHalves(from, to string, now time.Time) (span, error) {
	var s span
	var err error
	if from == "" && to == "" {
		return s, errPlace
	}
	if from != "" {
		if s.from, err = parsePlace(from, now); err != nil {
			return s, err
		}
	}
	if to == "" {
		return s, nil
	}
	s.bounded = true
	if s.from.kind == atTime && to != "end" && !strings.HasPrefix(to, "@") {
		to = "@" + to
	}
	s.to, err = parsePlace(to, now)
	return s, err
}

func parsePlace(text string, now time.Time) (place, error) {
	switch {
	case text == "start":
		return place{kind: atStart}, nil
	case text == "end":
		return place{kind: atEnd}, nil
	case strings.HasPrefix(text, "@"):
		ms, err := parseTime(text[1:], now)
		return place{kind: atTime, n: ms}, err
	case strings.HasPrefix(text, "+"):
		n, err := parseOffset(text[1:])
		return place{kind: atStart, n: n}, err
	case strings.HasPrefix(text, "-"):
		n, err := parseOffset(text[1:])
		return place{kind: atEnd, n: n}, err
	}
	n, err := parseOffset(text)
	return place{kind: atOffset, n: n}, err
}

// parseOffset reads digits and nothing else.
func parseOffset(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, errPlace
	}
	return int64(n), nil
}

// parseTime reads a time and returns it in Unix milliseconds.
func parseTime(text string, now time.Time) (int64, error) {
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		if len(text) <= secondDigits {
			return int64(n) * 1000, nil
		}
		return int64(n), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d).UnixMilli(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, errPlace
}

// mostPartitions bounds what a list of partitions can stand for.
const mostPartitions = 1 << 20

// parsePartitions reads "0,2,4-6" into ascending numbers; nil for all partitions, which is the empty text.
func parsePartitions(text string) ([]int32, error) {
	if text == "" {
		return nil, nil
	}
	var out []int32
	for _, each := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(each, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 31)
		b, errB := strconv.ParseUint(last, 10, 31)
		if errA != nil || errB != nil || b < a || b-a >= mostPartitions {
			return nil, fmt.Errorf("got partitions %q, expected numbers and ranges such as 0,2,4-6", text)
		}
		for p := a; p <= b; p++ {
			out = append(out, int32(p))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
