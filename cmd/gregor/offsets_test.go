package main

import (
	"fmt"
	"testing"
	"time"
)

// TestSpans reads what -o takes.
func TestSpans(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	start, end := place{kind: atStart}, place{kind: atEnd}
	at := func(n int64) place { return place{atOffset, n} }
	when := func(text string) place {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return place{atTime, moment.UnixMilli()}
	}
	for text, want := range map[string]span{
		"start": {from: start}, "end": {from: end}, "0": {from: at(0)}, "42:": {from: at(42)},
		"9223372036854775807": {from: at(1<<63 - 1)},
		"+5":                  {from: place{atStart, 5}}, "-5": {from: place{atEnd, 5}},
		":end": {to: end, bounded: true}, ":7": {to: at(7), bounded: true},
		"3:7":                        {from: at(3), to: at(7), bounded: true},
		"-10:end":                    {from: place{atEnd, 10}, to: end, bounded: true},
		"start:+3":                   {from: start, to: place{atStart, 3}, bounded: true},
		"@1700000000":                {from: place{atTime, 1700000000000}},
		"@1700000000123":             {from: place{atTime, 1700000000123}},
		"@-1h30m":                    {from: when("2026-01-02T01:34:05Z")},
		"@2026-01-01":                {from: when("2026-01-01T00:00:00Z")},
		"@2026-01-01T10:20:30Z":      {from: when("2026-01-01T10:20:30Z")},
		"@2026-01-01T10:20:30+02:00": {from: when("2026-01-01T08:20:30Z")},
		"@2026-01-01T10:20:30Z:end":  {from: when("2026-01-01T10:20:30Z"), to: end, bounded: true},
		"@2026-01-01T10:20:30Z:2026-01-01T11:00:00Z": {
			when("2026-01-01T10:20:30Z"), when("2026-01-01T11:00:00Z"), true,
		},
		"@-2h:@-1h":              {when("2026-01-02T01:04:05Z"), when("2026-01-02T02:04:05Z"), true},
		"@-2h:-1h":               {when("2026-01-02T01:04:05Z"), when("2026-01-02T02:04:05Z"), true},
		":@2026-01-01":           {to: when("2026-01-01T00:00:00Z"), bounded: true},
		"@1700000000:1700000001": {place{atTime, 1700000000000}, place{atTime, 1700000001000}, true},
	} {
		if got, err := parseSpan(text, now); err != nil || got != want {
			t.Errorf("%q: got %+v and %v, expected %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ":", "x", "1x", "1.5", "--1", "+-1", "+", "-", "@", "@x", "1:2:3", "begin", "END", "9223372036854775808",
		"1-5", " 1", "@2026-13-01", ":x", "x:", "-1h",
	} {
		if got, err := parseSpan(text, now); err == nil {
			t.Errorf("%q: got %+v, expected an error", text, got)
		}
	}
}

// TestPartitionLists reads what -p takes.
func TestPartitionLists(t *testing.T) {
	for text, want := range map[string]string{
		"": "[]", "0": "[0]", "3,1,2": "[1 2 3]", "0-2,2-4": "[0 1 2 3 4]", "7-7": "[7]", "2147483647": "[2147483647]",
	} {
		if got, err := parsePartitions(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: got %v and %v, expected %s", text, got, err, want)
		}
	}
	for _, text := range []string{",", "a", "-1", "1-", "2-1", "0-2147483647", "2147483648", "1,,2"} {
		if got, err := parsePartitions(text); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
}
