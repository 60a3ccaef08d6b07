package dump_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/cmd/gregor/internal/dump"
	"github.com/gregor-log/gregor/core/vfs"
)

// everyFile is what most golden files show: each kind of file, of two segments and both types of timestamps.
var everyFile = []string{
	"mixed-0/00000000000000000000.log", "mixed-0/00000000000000000046.log",
	"mixed-0/00000000000000000000.index", "mixed-0/00000000000000000046.index",
	"mixed-0/00000000000000000000.timeindex", "mixed-0/00000000000000000046.timeindex",
	"mixed-0/00000000000000000046.txnindex", "mixed-0/00000000000000000046.snapshot",
	"mixed-0/00000000000000000051.snapshot", "appended-0/00000000000000000000.log",
	"appended-0/00000000000000000000.index", "appended-0/00000000000000000000.timeindex",
	"appended-0/00000000000000000005.snapshot",
}

// metadataFiles are the metadata log, a snapshot of it and the records that it began with.
var metadataFiles = []string{
	"__cluster_metadata-0/00000000000000000000.log",
	"__cluster_metadata-0/00000000000000000067-0000000001.checkpoint", "bootstrap.checkpoint",
	"__cluster_metadata-0/00000000000000000000.index", "__cluster_metadata-0/00000000000000000000.timeindex",
	"__cluster_metadata-0/00000000000000000067.snapshot",
}

// offsetsFiles hold records of __consumer_offsets, of every version and some that there is not.
var offsetsFiles = []string{"__consumer_offsets-0/00000000000000000000.log"}

// goldens are outputs of Kafka's tool, and how it was called.
var goldens = []struct {
	name  string
	files []string
	o     dump.Options
}{
	{"shallow", everyFile, dump.Options{}},
	{"deep", everyFile, dump.Options{Deep: true}},
	{"data", everyFile, dump.Options{Data: true}},
	{"bare", everyFile, dump.Options{Data: true, Bare: true}},
	{"sanity", everyFile, dump.Options{SanityOnly: true}},
	{"verify", everyFile, dump.Options{VerifyOnly: true}},
	{"limited", everyFile[:1], dump.Options{MaxBytes: 500}},
	{"metadata", metadataFiles, dump.Options{Metadata: true}},
	{"offsets", offsetsFiles, dump.Options{Offsets: true}},
	{"offsets_bare", offsetsFiles, dump.Options{Offsets: true, Bare: true}},
	{"bad", []string{
		"bad-0/00000000000000000000.index", "bad-0/00000000000000000000.timeindex",
	}, dump.Options{}},
}

// TestKafkasLines holds the output against that of Kafka's own tool, line by line.
func TestKafkasLines(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "kafka"))
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("..", g.name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			// The log beside the bad indexes breaks off, which is told on top.
			if err := dump.New(vfs.NewOS(), &out, g.o).Run(g.files); (err != nil) != (g.name == "bad") {
				t.Fatal(err)
			}
			compareLines(t, strings.ReplaceAll(out.String(), dir, "$DIR"), string(want))
		})
	}
}

func compareLines(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d:\ngot  %s\nwant %s", i+1, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Fatalf("got %d lines, want %d", len(gotLines), len(wantLines))
	}
}

// TestMetadataByItself finds out from names that values are metadata records, and decodes them unasked.
func TestMetadataByItself(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "kafka"))
	want, err := os.ReadFile(filepath.Join("..", "metadata.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := dump.New(vfs.NewOS(), &out, dump.Options{}).Run(metadataFiles); err != nil {
		t.Fatal(err)
	}
	compareLines(t, out.String(), string(want))
}
