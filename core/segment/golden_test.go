package segment

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// golden is a partition directory that Kafka wrote; see testdata/README.md.
type golden struct {
	name     string
	interval int32
	files    map[string][]byte
}

func goldens(t *testing.T) []golden {
	t.Helper()
	paths, err := filepath.Glob("testdata/kafka/*.txt")
	must(t, err)
	var all []golden
	for _, path := range paths {
		content, err := os.ReadFile(path)
		must(t, err)
		g := golden{name: filepath.Base(path), interval: 4096, files: make(map[string][]byte)}
		for line := range strings.Lines(string(content)) {
			what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			name, value, _ := strings.Cut(rest, " ")
			switch {
			case what == "file":
				g.files[name], err = hex.DecodeString(value)
			case what == "property" && strings.HasPrefix(name, "index.interval.bytes="):
				var n int64
				n, err = strconv.ParseInt(strings.TrimPrefix(name, "index.interval.bytes="), 10, 32)
				g.interval = int32(n)
			}
			must(t, err)
		}
		if len(g.files) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// The indexes are Kafka's, byte for byte: those that are kept while the log is appended to, and those that recovery
// makes from the log alone.
func TestIndexesAreThoseOfKafka(t *testing.T) {
	segments := 0
	for _, g := range goldens(t) {
		for name, log := range g.files {
			b, suffix, _ := ParseName(name)
			if suffix != LogSuffix {
				continue
			}
			segments++
			t.Run(g.name+"/"+name, func(t *testing.T) {
				cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: g.interval}
				fs := newFS(t)
				s := create(t, fs, b, cfg, NewResidents(1))
				for rest := log; len(rest) > 0; {
					one, after, err := batch.Parse(rest)
					must(t, err)
					must(t, s.Append(one))
					rest = after
				}
				must(t, s.Seal())
				g.compare(t, fs, b)

				fs = newFS(t)
				writeLog(t, fs, name, log)
				s = Open(fs, testDir, b, int64(len(log)), cfg, NewResidents(1))
				damage, err := s.Recover(func(batch.Batch, int64) error { return nil })
				if err != nil || damage != nil {
					t.Fatal(damage, err)
				}
				must(t, s.Seal())
				g.compare(t, fs, b)
			})
		}
	}
	if segments < 60 {
		t.Errorf("got %d segments, expected at least 60", segments)
	}
}

func (g *golden) compare(t *testing.T, fs vfs.FS, b base.Offset) {
	t.Helper()
	for _, suffix := range []string{LogSuffix, IndexSuffix, TimeIndexSuffix} {
		got, err := vfs.ReadFile(fs, testDir+"/"+Name(b, suffix))
		must(t, err)
		if want := g.files[Name(b, suffix)]; !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, Kafka wrote %x", Name(b, suffix), got, want)
		}
	}
}

// A segment that Kafka sealed serves without a look at the whole log: its indexes are taken as they are.
func TestKafkasIndexesAreUsed(t *testing.T) {
	for _, g := range goldens(t) {
		fs := newFS(t)
		residents := NewResidents(2)
		for name, content := range g.files {
			writeLog(t, fs, name, content)
		}
		for name, log := range g.files {
			b, suffix, _ := ParseName(name)
			if suffix != LogSuffix {
				continue
			}
			s := Open(fs, testDir, b, int64(len(log)), Config{IndexBytes: 1 << 20, IndexIntervalBytes: 1}, residents)
			next, problems := s.Audit(b, func(batch.Batch, int64) {})
			if len(problems) > 0 {
				t.Errorf("%s/%s: %v", g.name, name, problems)
			}
			for o := b; o < next; o++ {
				if _, ok, err := s.Locate(o); !ok || err != nil {
					t.Fatalf("%s/%s: locate %d: %v, %v", g.name, name, o, ok, err)
				}
			}
			index, err := vfs.ReadFile(fs, testDir+"/"+Name(b, IndexSuffix))
			must(t, err)
			if !slices.Equal(index, g.files[Name(b, IndexSuffix)]) {
				t.Errorf("%s/%s: the index was written anew", g.name, name)
			}
		}
	}
}
