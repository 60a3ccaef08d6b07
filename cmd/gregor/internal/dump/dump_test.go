package dump_test

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/cmd/gregor/internal/dump"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// load copies Kafka's directory into memory.
func load(t *testing.T) *vfs.Mem {
	t.Helper()
	mem, root := vfs.NewMem(vfs.MemOptions{}), filepath.Join("testdata", "kafka")
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return mem.Mkdir(filepath.ToSlash(to))
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return put(mem, filepath.ToSlash(to), content)
	})
	if err != nil {
		t.Fatal(err)
	}
	return mem
}

func put(fs vfs.FS, name string, content []byte) error {
	f, err := fs.Open(name, vfs.Truncate)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	return errors.Join(err, f.Close())
}

// run dumps and returns the lines.
func run(fs vfs.FS, o dump.Options, names ...string) ([]string, error) {
	var out strings.Builder
	err := dump.New(fs, &out, o).Run(names)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), err
}

// TestDirectory wants of a directory all files that have a form, those of the partitions after its own.
func TestDirectory(t *testing.T) {
	mem := load(t)
	if err := put(mem, "mixed-0/strange", []byte("x")); err != nil {
		t.Fatal(err)
	}
	lines, err := run(mem, dump.Options{}, ".")
	if err == nil || !strings.Contains(err.Error(), "bad-0") {
		t.Errorf("got %v, expected an error about bad-0", err)
	}
	var files []string
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, "Dumping "); ok {
			files = append(files, name)
		}
	}
	if len(files) != 33 || files[0] != "bootstrap.checkpoint" ||
		files[5] != "__cluster_metadata-0/00000000000000000000.index" {
		t.Errorf("got %d files: %v", len(files), files)
	}
	for _, want := range []string{
		"leaderEpoch: 0 startOffset: 0", "topic: mixed partition: 0 offset: 51",
		"version: 0 topicId: MgCG6I6CQoKrE0cM42o83A",
		"version: 1 clusterId: ", "version: 0 producerId: 5 firstOffset: 47 lastOffset: 48 lastStableOffset: 49",
	} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("there is no line with %q", want)
		}
	}
}

// TestJSON wants of every line an object that says its kind and file, as many as there are lines of text.
func TestJSON(t *testing.T) {
	mem := load(t)
	for _, o := range []dump.Options{{}, {Data: true}, {VerifyOnly: true}} {
		o.JSON = true
		lines, err := run(mem, o, "mixed-0", "appended-0", "__cluster_metadata-0", "meta.properties")
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]int{}
		for _, line := range lines {
			var object struct {
				Kind, File string
				Offset     *int64
			}
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if object.Kind == "" || object.File == "" {
				t.Errorf("got %s, expected a kind and a file", line)
			}
			kinds[object.Kind]++
		}
		if kinds["batch"] != 71 || kinds["producer"] != 17 || o.Data && kinds["record"] != 51+5+94 ||
			o.VerifyOnly && kinds["index_entry"] > 0 {
			t.Errorf("%+v: got %v", o, kinds)
		}
	}
}

// TestRecordJSON looks at one record with everything.
func TestRecordJSON(t *testing.T) {
	var b batch.Builder
	b.Reset(batch.NewOptions())
	b.Append(1700000000000, []byte{0xff}, nil)
	b.Append(1700000000001, nil, []byte("v\"\n"))
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	built.SetBaseOffset(7)
	mem := vfs.NewMem(vfs.MemOptions{})
	if err := put(mem, "00000000000000000007.log", built); err != nil {
		t.Fatal(err)
	}
	lines, err := run(mem, dump.Options{JSON: true, Data: true}, "00000000000000000007.log")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"kind":"record","file":"00000000000000000007.log","offset":7,"timestamp_ms":1700000000000,` +
			`"key_size_bytes":1,"value_size_bytes":-1,"sequence":-1,"header_keys":[],"key_base64":"/w=="}`,
		`{"kind":"record","file":"00000000000000000007.log","offset":8,"timestamp_ms":1700000000001,` +
			`"key_size_bytes":-1,"value_size_bytes":3,"sequence":-1,"header_keys":[],"value":"v\"\n"}`,
	}
	for i, w := range want {
		if lines[i+1] != w {
			t.Errorf("got  %s\nwant %s", lines[i+1], w)
		}
	}
}

// TestDamage tells of damaged and missing files, and prints what else there is.
func TestDamage(t *testing.T) {
	const log, index = "mixed-0/00000000000000000000.log", "mixed-0/00000000000000000000.index"
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte
		line, err  string
	}{
		{"torn", log, func(p []byte) []byte { return p[:len(p)-10] },
			"Found 68 invalid bytes at the end of 00000000000000000000.log", ""},
		{"flipped", log, func(p []byte) []byte { p[130] ^= 1; return p }, "isvalid: false", ""},
		{"zeros", log, func(p []byte) []byte { return append(p, make([]byte, 100)...) }, "baseOffset: 45",
			"position 2427: corrupt batch: bad length: got 0"},
		{"old format", log, func(p []byte) []byte { p[16] = 1; return p }, "Log starting", "v0 or v1 is not supported"},
		{"torn index", index, func(p []byte) []byte { return p[:13] }, "offset: 5 position: 163", "got 5 bytes after"},
		{"empty index", index, func([]byte) []byte { return nil }, index + " is empty.", ""},
		{"snapshot", "mixed-0/00000000000000000051.snapshot",
			func(p []byte) []byte { p[20] ^= 1; return p }, "", "CRC"},
		{"txn index", "mixed-0/00000000000000000046.txnindex", func(p []byte) []byte { p[1] = 9; return p }, "",
			"version 9"},
		{"epochs", "mixed-0/leader-epoch-checkpoint", func([]byte) []byte { return []byte("9\n") }, "", "version 0"},
		{"offsets", "recovery-point-offset-checkpoint", func([]byte) []byte { return []byte("0\n7\n") }, "", "entries"},
		{"partition", "mixed-0/partition.metadata", func([]byte) []byte { return nil }, "", "topic_id"},
		{"meta", "meta.properties", func([]byte) []byte { return []byte("x") }, "", "key=value"},
	} {
		mem := load(t)
		content, err := vfs.ReadFile(mem, c.file)
		if err == nil {
			err = put(mem, c.file, c.change(content))
		}
		if err != nil {
			t.Fatal(err)
		}
		lines, err := run(mem, dump.Options{Deep: true}, c.file, "meta.properties", "no-such-file.log")
		if !strings.Contains(strings.Join(lines, "\n"), c.line) {
			t.Errorf("%s: no line has %q:\n%s", c.name, c.line, strings.Join(lines, "\n"))
		}
		if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "no-such-file.log") {
			t.Errorf("%s: got error %v, expected %q and that of the missing file", c.name, err, c.err)
		}
	}
}

// TestMutations dumps files with random damage: whatever they say, it ends.
func TestMutations(t *testing.T) {
	mem := load(t)
	random := rand.New(rand.NewPCG(1, 2))
	var files []string
	for _, dir := range []string{"mixed-0", "appended-0", "__cluster_metadata-0"} {
		entries, err := mem.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			files = append(files, path.Join(dir, e.Name))
		}
	}
	failed := 0
	for range 3000 {
		name := files[random.IntN(len(files))]
		content, err := vfs.ReadFile(mem, name)
		if err != nil {
			t.Fatal(err)
		}
		changed := append([]byte(nil), content...)
		for range 1 + random.IntN(4) {
			changed[random.IntN(len(changed))] = byte(random.Uint32())
		}
		if random.IntN(4) == 0 {
			changed = changed[:random.IntN(len(changed))]
		}
		if err := put(mem, name, changed); err != nil {
			t.Fatal(err)
		}
		if dump.New(mem, io.Discard, dump.Options{Data: true, JSON: random.IntN(2) == 0}).Run([]string{name}) != nil {
			failed++
		}
		if err := put(mem, name, content); err != nil {
			t.Fatal(err)
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
}
