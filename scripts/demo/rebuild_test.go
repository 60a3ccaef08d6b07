package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tricky are files that a careless rebuilding gets wrong.
var tricky = map[string]string{
	"empty":            "",
	"newline":          "\n",
	"newlines":         "\n\n\n\n",
	"no-end":           "one\ntwo",
	"end":              "one\ntwo\n",
	"crlf":             "one\r\ntwo\r\n\r\nthree\r",
	"only-cr":          "a\rb\r",
	"equal":            strings.Repeat("same\n", 1000),
	"long":             strings.Repeat("x", 3<<20) + "\nshort\n" + strings.Repeat("y", 2<<20),
	"not-utf8":         "\xff\xfe\x00\n\x80\x81\n\xc3",
	"zeros":            "\x00\x00\n\x00",
	"deep/er/file.txt": "text\n",
	"name \xff odd":    "odd\n",
}

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func scanned(t *testing.T, files map[string]string) *input {
	t.Helper()
	in, err := scan(context.Background(), write(t, files), "", false, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// sent returns the records of all files, spread over partitions as a broker would return them.
func sent(t *testing.T, in *input) []*kgo.Record {
	t.Helper()
	var all []*kgo.Record
	for i, f := range in.files {
		text, err := in.read(f)
		if err != nil {
			t.Fatal(err)
		}
		recs := records(f, text, "topic")
		for j := range recs {
			recs[j].Partition, recs[j].Offset = int32(i%3), int64(len(all))
			all = append(all, &recs[j])
		}
	}
	return all
}

func rebuildOf(in *input, recs []*kgo.Record) *rebuild {
	b := newRebuild(in, "topic")
	for _, r := range recs {
		b.add(r)
	}
	b.finish()
	return b
}

func TestRecordsAreTheFile(t *testing.T) {
	in := scanned(t, tricky)
	recs := sent(t, in)
	whole := make(map[string]string)
	for _, r := range recs {
		whole[string(r.Key)] += string(r.Value)
		if bytes.IndexByte(r.Value, '\n') != len(r.Value)-1 && bytes.IndexByte(r.Value, '\n') >= 0 {
			t.Errorf("%q: the record %.40q is more than a line", r.Key, r.Value)
		}
	}
	for name, text := range tricky {
		if whole[name] != text {
			t.Errorf("%q: got %d bytes, expected %d", name, len(whole[name]), len(text))
		}
	}
	b := rebuildOf(in, recs)
	if b.found != 0 || b.same != len(tricky) || b.records != in.lines || b.bytes != in.bytes {
		t.Errorf("got %d differences %v, %d files, %d of %d records", b.found, b.differences, b.same, b.records,
			in.lines)
	}
	if in.empty != 1 || in.noEnd != 6 || in.longest != 3<<20+1 || in.longestAt != "long line 1" {
		t.Errorf("got %d empty, %d without an end, longest %d at %s", in.empty, in.noEnd, in.longest, in.longestAt)
	}
}

// at returns the index of a record.
func at(t *testing.T, recs []*kgo.Record, path string, line int) int {
	t.Helper()
	i := slices.IndexFunc(recs, func(r *kgo.Record) bool { return string(r.Key) == path && lineOf(r) == line })
	if i < 0 {
		t.Fatalf("no line %d of %s", line, path)
	}
	return i
}

func TestRebuildFindsWhatIsWrong(t *testing.T) {
	type list = []*kgo.Record
	in := scanned(t, tricky)
	for name, c := range map[string]struct {
		spoil func(list) list
		want  string
	}{
		"lost": {func(r list) list { i := at(t, r, "equal", 500); return slices.Delete(r, i, i+1) },
			`"equal": lines 500 to 500 are not before line 501`},
		"lost at the end": {func(r list) list { i := at(t, r, "equal", 1000); return slices.Delete(r, i, i+1) },
			`"equal": got 999 lines, expected 1000`},
		"lost whole": {func(r list) list { i := at(t, r, "empty", 1); return slices.Delete(r, i, i+1) },
			`"empty": nothing of it came back`},
		"twice": {func(r list) list { i := at(t, r, "equal", 7); return slices.Insert(r, i+1, r[i]) },
			`"equal": line 7 again, or late`},
		"late": {func(r list) list { i := at(t, r, "equal", 7); r[i], r[i+1] = r[i+1], r[i]; return r },
			`"equal": line 7 again, or late`},
		"changed": {func(r list) list { r[at(t, r, "crlf", 2)].Value = []byte("twO\r\n"); return r },
			`"crlf": got 18 bytes with SHA-256`},
		"cut": {func(r list) list { r[at(t, r, "crlf", 1)].Value = []byte("one\n"); return r },
			`"crlf": got 17 bytes with SHA-256`},
		"not counted": {func(r list) list { r[at(t, r, "end", 2)].Headers = nil; return r },
			`"end": a record without its number`},
		"of nobody": {func(r list) list { return append(r, &kgo.Record{Key: []byte("stranger"), Value: []byte("x")}) },
			`"stranger": no such file was sent`},
		"elsewhere": {func(r list) list { r[at(t, r, "end", 2)].Partition += 7; return r },
			`"end": records in partitions`},
	} {
		b := rebuildOf(in, c.spoil(sent(t, in)))
		if b.found == 0 || !slices.ContainsFunc(b.differences, func(d difference) bool {
			return strings.Contains(d.String(), c.want)
		}) {
			t.Errorf("%s: got %v, expected %q", name, b.differences, c.want)
		}
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	in := scanned(t, map[string]string{"f": "a\n"})
	b := newRebuild(in, "topic")
	for range 1000 {
		b.add(&kgo.Record{Key: []byte("stranger")})
	}
	b.finish()
	if b.found < 1000 || len(b.differences) != maxDifferences {
		t.Errorf("got %d differences, %d kept, expected at least 1000 and %d", b.found, len(b.differences),
			maxDifferences)
	}
}

func TestIdentitiesAreUnique(t *testing.T) {
	in := scanned(t, tricky)
	seen := make(map[string]string)
	for topic := range topics {
		for _, r := range sent(t, in) {
			id := string(identity(nil, topic, in, r, lineOf(r)))
			if other, ok := seen[id]; ok {
				t.Errorf("%q stands for %s and for %q", id, other, r.Key)
			}
			seen[id] = string(r.Key)
		}
	}
	r := sent(t, in)[at(t, sent(t, in), "end", 1)]
	was := string(identity(nil, 0, in, r, 1))
	r.Value = []byte("another\n")
	if is := string(identity(nil, 0, in, r, 1)); is == was {
		t.Errorf("another content has the same identity %q", is)
	}
}

func TestScan(t *testing.T) {
	dir := write(t, map[string]string{
		"a.go": "1\n", "b.txt": "2\n", ".hidden.go": "3\n", ".git/c.go": "4\n", "out/d.go": "5\n", "sub/e.go": "6\n",
	})
	if err := os.Symlink(filepath.Join(dir, "a.go"), filepath.Join(dir, "link.go")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		goOnly bool
		want   []string
	}{{true, []string{"a.go", "sub/e.go"}}, {false, []string{"a.go", "b.txt", "sub/e.go"}}} {
		in, err := scan(context.Background(), dir, filepath.Join(dir, "out"), c.goOnly, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range in.files {
			got = append(got, f.path)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got %q, expected %q", got, c.want)
		}
	}
	if _, err := scan(context.Background(), t.TempDir(), "", false, func(int) {}); !errors.Is(err, errNoFiles) {
		t.Errorf("of an empty folder: got %v, expected errNoFiles", err)
	}
}

func TestAChangedFileIsRefused(t *testing.T) {
	in := scanned(t, map[string]string{"f": "before\n"})
	if err := os.WriteFile(filepath.Join(in.root, "f"), []byte("behind\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := in.read(in.files[0]); !errors.Is(err, errChanged) {
		t.Errorf("got %v, expected errChanged", err)
	}
}
