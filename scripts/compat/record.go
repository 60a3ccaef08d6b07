package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// record is a record as any of the clients gives it. A nil key or value is a null.
type record struct {
	Partition int32
	Offset    int64
	// Time is in milliseconds; 0 where it is not compared.
	Time    int64
	Key     *string
	Value   *string
	Headers [][2]string
}

// String writes a record on one line.
func (r record) String() string {
	return fmt.Sprintf("%d/%d time=%d key=%s value=%s headers=%q",
		r.Partition, r.Offset, r.Time, quote(r.Key), quote(r.Value), r.Headers)
}

func quote(text *string) string {
	if text == nil {
		return "null"
	}
	return strconv.Quote(cut(*text, 60)) + "/" + strconv.Itoa(len(*text))
}

// sameRecords compares what was read with what is expected.
func sameRecords(got, want []record) error {
	var errs []error
	for i := range min(len(got), len(want)) {
		if !same(got[i], want[i]) {
			errs = append(errs, fmt.Errorf("got      %v\nexpected %v", got[i], want[i]))
		}
		if len(errs) == 3 {
			break
		}
	}
	if len(got) != len(want) {
		errs = append(errs, fmt.Errorf("got %d records, expected %d", len(got), len(want)))
	}
	return errors.Join(errs...)
}

func same(a, b record) bool {
	return a.Partition == b.Partition && a.Offset == b.Offset && a.Time == b.Time && sameText(a.Key, b.Key) &&
		sameText(a.Value, b.Value) && fmt.Sprint(a.Headers) == fmt.Sprint(b.Headers)
}

func sameText(a, b *string) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// withoutTimes returns copies of the records with the time set to 0, for producers that stamp records themselves.
func withoutTimes(all []record) []record {
	copies := make([]record, len(all))
	for i, r := range all {
		r.Time = 0
		copies[i] = r
	}
	return copies
}

// parseKcat parses what kcat -C -J prints: one object a line.
func parseKcat(text string) ([]record, error) {
	var found []record
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line == "" {
			continue
		}
		var o struct {
			Partition int32
			Offset    int64
			TS        int64
			Key       *string
			Payload   *string
			Headers   []string
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			return nil, fmt.Errorf("kcat: %w in %s", err, cut(line, 200))
		}
		r := record{Partition: o.Partition, Offset: o.Offset, Time: o.TS, Key: o.Key, Value: o.Payload}
		for i := 0; i+1 < len(o.Headers); i += 2 {
			r.Headers = append(r.Headers, [2]string{o.Headers[i], o.Headers[i+1]})
		}
		found = append(found, r)
	}
	return found, nil
}

// consoleOptions have the ConsoleConsumer print all of a record, with separators that no record has.
var consoleOptions = []string{
	"--formatter-property", "print.timestamp=true", "--formatter-property", "print.partition=true",
	"--formatter-property", "print.offset=true", "--formatter-property", "print.headers=true",
	"--formatter-property", "print.key=true", "--formatter-property", "print.value=true",
	"--formatter-property", "key.separator=\x01", "--formatter-property", "line.separator=\x02",
	"--formatter-property", "headers.separator=\x03", "--formatter-property", "null.literal=\x04",
}

// parseConsole parses what the ConsoleConsumer prints with consoleOptions.
func parseConsole(text string) ([]record, error) {
	var found []record
	for _, line := range strings.Split(text, "\x02") {
		if line == "" {
			continue
		}
		fields := strings.Split(line, "\x01")
		if len(fields) != 6 {
			return nil, fmt.Errorf("ConsoleConsumer: got %d fields, expected 6 in %q", len(fields), cut(line, 200))
		}
		var r record
		var errs [3]error
		_, stamp, _ := strings.Cut(fields[0], ":")
		r.Time, errs[0] = strconv.ParseInt(stamp, 10, 64)
		partition, err := strconv.ParseInt(strings.TrimPrefix(fields[1], "Partition:"), 10, 32)
		r.Partition, errs[1] = int32(partition), err
		r.Offset, errs[2] = strconv.ParseInt(strings.TrimPrefix(fields[2], "Offset:"), 10, 64)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("ConsoleConsumer: %w in %q", err, cut(line, 200))
		}
		if fields[3] != "NO_HEADERS" {
			for _, h := range strings.Split(fields[3], "\x03") {
				key, value, _ := strings.Cut(h, ":")
				r.Headers = append(r.Headers, [2]string{key, value})
			}
		}
		r.Key, r.Value = console(fields[4]), console(fields[5])
		found = append(found, r)
	}
	return found, nil
}

// console returns a field that may be null.
func console(field string) *string {
	if field == "\x04" {
		return nil
	}
	return &field
}
