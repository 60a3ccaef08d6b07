package broker

import (
	"encoding/binary"
	"errors"
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// filesBelow reads every file below a directory.
func filesBelow(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	entries, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			maps.Copy(files, filesBelow(t, fs, name))
			continue
		}
		content, err := vfs.ReadFile(fs, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	return files
}

// A metadata log that this build cannot read leaves the directory to whoever can.
func TestUnknownMetadataIsLeftAlone(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.mustProduce("t", 0, values("a"))
	h.closeClients()
	h.runTasks()
	end := h.b.controller.log.End()
	if err := h.b.Close(); err != nil {
		t.Fatal(err)
	}
	// Kafka begins its metadata with BeginTransactionRecord: frame 1, type 23, version 0, no name, no tags.
	raw := values("\x01\x17\x00\x00\x00").batch()
	binary.BigEndian.PutUint64(raw, uint64(end))
	binary.BigEndian.PutUint32(raw[12:], uint32(h.b.controller.epoch))
	f, err := h.mem.Open("data/__cluster_metadata-0/00000000000000000000.log", vfs.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	_, werr := f.WriteAt(raw, size)
	if err := errors.Join(err, werr, f.Close()); err != nil {
		t.Fatal(err)
	}
	// The mark of a clean stop as Kafka writes it: what it left is looked at.
	mark, err := h.mem.Open("data/.kafka_cleanshutdown", vfs.Truncate)
	if err != nil {
		t.Fatal(err)
	}
	_, werr = mark.WriteAt([]byte(`{"version":0,"brokerEpoch":7}`), 0)
	if err := errors.Join(werr, mark.Close()); err != nil {
		t.Fatal(err)
	}
	before := filesBelow(t, h.mem, "data")
	if err := h.tryOpen(); !errors.Is(err, meta.ErrUnsupportedRecord) {
		t.Errorf("got %v, expected %v", err, meta.ErrUnsupportedRecord)
	}
	after := filesBelow(t, h.mem, "data")
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] != before[name] {
			t.Errorf("%s has changed", name)
		}
		delete(after, name)
	}
	if len(after) > 0 {
		t.Errorf("new files: %q", slices.Sorted(maps.Keys(after)))
	}
}
