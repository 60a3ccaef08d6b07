package dump

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/core/batch"
)

// TestKafkasMessages reads metadata records and control messages that Kafka wrote and compares with Kafka's JSON.
func TestKafkasMessages(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "messages.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(content)) {
		seen++
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		number := "0"
		if kind == "control" {
			number, rest, _ = strings.Cut(rest, " ")
		}
		text, want, _ := strings.Cut(rest, " ")
		value, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if kind == "record" {
			got, err = metadataJSON(value)
		} else {
			n, _ := strconv.Atoi(number)
			got, err = controlText(&batch.Record{Key: []byte{0, 0, 0, byte(n)}, Value: value})
			_, got, _ = strings.Cut(got, "{")
			got = "{" + got
		}
		if err != nil || got != want {
			t.Errorf("%s: got %v\n%s, want\n%s", line, err, got, want)
		}
	}
	if seen < 30 {
		t.Errorf("got %d messages, expected the whole file", seen)
	}
}

// TestTwin reads the records that package meta is tested with: two readers of one format, of which this one knows no
// struct.
func TestTwin(t *testing.T) {
	name := filepath.Join("..", "..", "..", "..", "replication", "meta", "testdata", "records.txt")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		at := strings.LastIndexByte(words[2], ' ')
		value, err := hex.DecodeString(words[2][at+1:])
		if err != nil {
			t.Fatal(err)
		}
		want := `{"type":"` + words[0] + `","version":` + words[1] + `,"data":` + words[2][:at] + `}`
		if got, err := metadataJSON(value); err != nil || got != want {
			t.Errorf("got %v\n%s, want\n%s", err, got, want)
		}
		for cut := range value {
			if got, err := metadataJSON(value[:cut]); err == nil {
				t.Errorf("%d of %d bytes: got %s, want an error", cut, len(value), got)
			}
		}
		if _, err := metadataJSON(append(value, 0)); err == nil {
			t.Error("a byte too many: got no error")
		}
	}
}

// TestStrangeMessages wants errors and neither panics nor great allocations.
func TestStrangeMessages(t *testing.T) {
	for name, value := range map[string][]byte{
		"empty":              {},
		"frame 2":            {2, 2, 0, 0},
		"unknown type":       {1, 6, 0, 0},
		"version too high":   {1, 2, 1, 0},
		"endless varint":     {1, 2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"longer than it is":  {1, 2, 0, 0xff, 0xff, 0xff, 0x7f, 'a'},
		"more than there is": append([]byte{1, 0, 4}, append(make([]byte, 30), 0xff, 0xff, 0xff, 0x7f)...),
		"quota of NaN":       append([]byte{1, 14, 0, 1, 1}, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1, 0, 0),
		"tag beyond the end": {1, 23, 0, 1, 0, 9, 1},
	} {
		if got, err := metadataJSON(value); err == nil {
			t.Errorf("%s: got %s, want an error", name, got)
		}
	}
	for _, r := range []batch.Record{
		{}, {Key: []byte{0, 0, 0, 2}}, {Key: []byte{0, 0, 0, 2}, Value: []byte{0xff, 0xff, 1}},
		{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0}}, {Key: []byte{0, 0, 0, 6}, Value: []byte{0, 0, 0xff}},
	} {
		if got, err := controlText(&r); err == nil {
			t.Errorf("%v: got %q, want an error", r, got)
		}
	}
	got, err := controlText(&batch.Record{Key: []byte{0, 0, 0, 9}})
	if err != nil || got != " controlType: UNKNOWN(9)" {
		t.Errorf("unknown control type: got %q and %v", got, err)
	}
}
