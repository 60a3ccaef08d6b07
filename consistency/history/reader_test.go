package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	header   = `{"v":1,"kind":"header"}`
	appendOK = `{"kind":"op","process":1,"op":"append","topic":"t","partition":0,"start_ns":1,"end_ns":2,` +
		`"outcome":"ok","base":0,"values":["a"]}`
	fetchStart = `{"kind":"op","process":1,"op":"fetch","topic":"t","partition":0,"start_ns":1,"end_ns":2,` +
		`"outcome":"ok","from":0,`
)

// noFrom is a fetch without the field "from".
var noFrom = strings.Replace(fetchStart, "from", "was", 1) + `"records":[]}`

// change returns a history of appendOK with one part replaced.
func change(old, new string) string {
	return header + "\n" + strings.Replace(appendOK, old, new, 1)
}

func TestBadLines(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want error
		line string
	}{
		"empty":            {"", ErrNoHeader, "empty"},
		"blank":            {"\n\n  \n", ErrNoHeader, "empty"},
		"no header":        {appendOK, ErrNoHeader, "line 1:"},
		"second header":    {header + "\n" + header, ErrNoHeader, "line 2:"},
		"version":          {`{"v":2,"kind":"header"}`, ErrVersion, "line 1:"},
		"no version":       {`{"kind":"header"}`, ErrVersion, "line 1:"},
		"kind":             {header + "\n" + `{"kind":"rumour"}`, ErrSyntax, "line 2:"},
		"no kind":          {header + "\n{}", ErrSyntax, "line 2:"},
		"not JSON":         {header + "\nhello", ErrSyntax, "line 2:"},
		"torn":             {header + "\n" + appendOK[:40], ErrSyntax, "line 2:"},
		"two on a line":    {header + "\n" + appendOK + appendOK, ErrSyntax, "line 2:"},
		"long line":        {header + "\n" + strings.Repeat("x", 2000), ErrTooLong, "line 2:"},
		"long header":      {strings.Repeat(" ", 2000) + header, ErrTooLong, "line 1:"},
		"after blank":      {header + "\n\n" + appendOK + "\n\nx", ErrSyntax, "line 5:"},
		"missing field":    {change(`"topic":"t",`, ""), ErrSyntax, `"topic"`},
		"twice":            {change(`"op":`, `"process":1,"op":`), ErrSyntax, "twice"},
		"wrong type":       {change(`"base":0`, `"base":"0"`), ErrSyntax, "number"},
		"fraction":         {change(`"base":0`, `"base":0.5`), ErrSyntax, "whole"},
		"overflow":         {change(`:2,`, `:9223372036854775808,`), ErrSyntax, "63"},
		"far":              {change(`"base":0`, `"base":1152921504606846977`), ErrSyntax, "expected -1"},
		"no values":        {change(`"a"`, ``), ErrBadOp, "line 2:"},
		"unknown op":       {change(`"append"`, `"enqueue"`), ErrSyntax, "enqueue"},
		"unknown outcome":  {change(`"ok"`, `"maybe"`), ErrSyntax, "maybe"},
		"from of append":   {change(`"base"`, `"from"`), ErrSyntax, "from"},
		"no from":          {header + "\n" + noFrom, ErrSyntax, "from"},
		"empty run":        {header + "\n" + fetchStart + `"records":[[]]}`, ErrSyntax, "empty"},
		"run of strings":   {header + "\n" + fetchStart + `"records":[["a"]]}`, ErrSyntax, "number"},
		"runs cross":       {header + "\n" + fetchStart + `"records":[[5,"a"],[5,"b"]]}`, ErrBadOp, "ascending"},
		"records, values":  {header + "\n" + fetchStart + `"records":[[5,"a"]],"values":["b"]}`, ErrBadOp, "line 2:"},
		"event, no time":   {header + "\n" + `{"kind":"event","event":"kill"}`, ErrSyntax, "time_ns"},
		"event, no name":   {header + "\n" + `{"kind":"event","event":"","time_ns":1}`, ErrBadOp, "name"},
		"deep":             {header + "\n" + `{"x":` + strings.Repeat("[", 500), ErrSyntax, "deeper"},
		"half a surrogate": {change(`"a"`, `"\ud800"`), ErrSyntax, "surrogate"},
		"raw control":      {change(`"a"`, "\"\x01\""), ErrSyntax, "control"},
		"not UTF-8":        {change(`"a"`, "\"\xff\""), ErrSyntax, "UTF-8"},
	} {
		_, err := Load(strings.NewReader(row.text), 1000)
		if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.line) {
			t.Errorf("%s: got %v, expected %v with %q", name, err, row.want, row.line)
		}
	}
}

func TestUnknownFieldsAndLooseLayout(t *testing.T) {
	text := ` {"later":{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"]},"kind":"header", "v" : 1 }` + "\r\n" +
		`{"values":["\u0061\n"],"op":"append","topic":"t","partition":0,"start_ns":1,"later":[],"end_ns":2,` +
		`"outcome":"ok","base":7,"process":1,"kind":"op"}` + "\n\n" +
		`{"time_ns":3,"kind":"event","event":"solar flare","more":{}}`
	h, err := Load(strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(h.Identities.Text(0)); got != "a\n" || h.Entries[0].Offset != 7 {
		t.Errorf("got value %q at %d", got, h.Entries[0].Offset)
	}
	if len(h.Events) != 1 || h.Events[0].Name != "solar flare" || h.Entries[0].Line != 2 {
		t.Errorf("got events %+v, line %d", h.Events, h.Entries[0].Line)
	}
}

func TestLongLinesWithinTheLimit(t *testing.T) {
	op := NewOp(Fetch)
	op.Process, op.Topic, op.End, op.Outcome, op.Offset = 1, "t", 1, OK, 0
	for i := range int64(20000) {
		op.AddRecord(i, fmt.Sprintf("value-%09d", i))
	}
	var file bytes.Buffer
	w := NewWriter(&file, Header{})
	for range 2 {
		if err := w.Op(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	h, err := Load(bytes.NewReader(file.Bytes()), 0)
	if err != nil {
		t.Fatal(err)
	}
	if h.Identities.Len() != 20000 || len(h.Runs) != 2 || h.Runs[1].Last() != 19999 {
		t.Errorf("got %d values in %d runs", h.Identities.Len(), len(h.Runs))
	}
}

// TestCursorAgainstEncodingJSON compares what the cursor takes for JSON with what the standard library does.
func TestCursorAgainstEncodingJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	seeds := []string{
		`{"a":[1,-0,2.5e-3,1E+9],"b":"\u00e9\\\"\/\b\f\n\r\t","c":{"d":null,"e":true,"f":false},"":[]}`,
		`[0.1,{"x":[[],{},""]},"\ud83d\ude00"]`, `-12`, ` [ 1 , 2 ] `, appendOK,
	}
	alphabet := []byte(`{}[]",:\u0123456789eE+-.truefalsnl ` + "\x00\x1f\xc3\xa9")
	agreed := [2]int{}
	for range 60000 {
		text := []byte(seeds[rng.IntN(len(seeds))])
		for range rng.IntN(3) {
			switch at := rng.IntN(len(text) + 1); {
			case at == len(text):
				text = text[:rng.IntN(len(text)+1)]
			case rng.IntN(2) == 0:
				text[at] = alphabet[rng.IntN(len(alphabet))]
			default:
				text = append(text[:at], text[at+1:]...)
			}
			if len(text) == 0 {
				text = []byte(" ")
			}
		}
		c := cursor{data: text}
		c.skip(0)
		c.end()
		// The standard library lets broken UTF-8 and half surrogate pairs pass; a value that is an identity must not.
		strict := c.err != nil && (strings.Contains(c.err.Error(), "UTF-8") ||
			strings.Contains(c.err.Error(), "surrogate"))
		if valid := json.Valid(text); valid != (c.err == nil) && !(valid && strict) {
			t.Fatalf("%q: json.Valid says %v, the cursor %v", text, valid, c.err)
		}
		if c.err == nil {
			agreed[1]++
		} else {
			agreed[0]++
		}
	}
	if agreed[0] < 1000 || agreed[1] < 1000 {
		t.Errorf("%d invalid and %d valid texts are too few to compare", agreed[0], agreed[1])
	}
}

// TestMutatedHistories hands the reader damaged files: it may refuse or accept, and must say which line it refuses.
func TestMutatedHistories(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	refused := 0
	for range 20000 {
		text := []byte(golden)
		for range 1 + rng.IntN(4) {
			at := rng.IntN(len(text))
			switch rng.IntN(4) {
			case 0:
				text[at] = byte(rng.Uint32())
			case 1:
				text = text[:at+1]
			case 2:
				text = append(text[:at], text[min(at+rng.IntN(30), len(text)-1):]...)
			case 3:
				text = append(text[:at:at], text[rng.IntN(len(text)):]...)
			}
			if len(text) == 0 {
				text = []byte{'\n'}
			}
		}
		h, err := Load(bytes.NewReader(text), 4096)
		if err == nil {
			for i := range h.Entries {
				h.RunsOf(&h.Entries[i])
			}
			continue
		}
		refused++
		if msg := err.Error(); !strings.Contains(msg, "line ") && !strings.Contains(msg, "empty") {
			t.Fatalf("no line in %q", msg)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

func BenchmarkWriteOp(b *testing.B) {
	w, op := NewWriter(io.Discard, Header{}), goldenOps()[0]
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Op(op); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	var file bytes.Buffer
	w, op := NewWriter(&file, Header{}), NewOp(Append)
	const count = 100000
	for i := range int64(count) {
		op.Reset(Append)
		op.Topic, op.Start, op.End, op.Outcome, op.Offset = "topic", 100*i, 100*i+300, OK, i
		op.Values.AddUint(uint64(i))
		if err := w.Op(op); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		if _, err := Load(bytes.NewReader(file.Bytes()), 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/op-line")
}
