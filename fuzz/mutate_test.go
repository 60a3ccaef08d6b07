package fuzz

import (
	"path"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// mutator damages a directory as the fuzzer's bytes say: eight bytes a change.
type mutator struct {
	testing.TB
	fs    *vfs.Mem
	names []string // the files that were there at first
}

// suffixes are what files may be renamed to, beside the names of others.
var suffixes = []string{
	segment.DeletedSuffix, segment.CleanedSuffix, segment.SwapSuffix, ".tmp", segment.SnapshotSuffix, "x", "-delete",
}

// mostChanges bounds the changes to one directory.
const mostChanges = 4

func newMutator(t testing.TB, fs *vfs.Mem) *mutator {
	t.Helper()
	entries, err := fs.List(logDir)
	must(t, err)
	m := &mutator{TB: t, fs: fs}
	for _, e := range entries {
		m.names = append(m.names, e.Name)
	}
	return m
}

// apply makes all changes.
func (m *mutator) apply(data []byte) {
	m.Helper()
	for range mostChanges {
		if len(data) < 8 {
			return
		}
		m.change(data[0], data[1], data[2], int(data[3])<<8|int(data[4]), int(data[5])<<8|int(data[6]), data[7])
		data = data[8:]
	}
}

// change makes one change to a file: of kind, with another file, at a place, of a length, with a byte.
func (m *mutator) change(kind, file, other byte, at, length int, value byte) {
	m.Helper()
	name, second := m.file(file), m.file(other)
	content := get(m, m.fs, name)
	if content == nil {
		return
	}
	at = min(at, len(content))
	switch kind % 9 {
	case 0: // bits are flipped
		if at < len(content) {
			content[at] ^= max(value, 1)
		}
	case 1: // the end is lost
		content = content[:at]
	case 2: // the file grew and nothing was written there
		content = append(content, make([]byte, length%5000)...)
	case 3: // a part was never written
		clear(content[at:min(at+length, len(content))])
	case 4:
		m.rename(name, name, value)
		return
	case 5:
		must(m, m.fs.Remove(name))
		return
	case 6: // two files change their places
		m.swap(name, second)
		return
	case 7: // a part of another file, or of this one, is there once more
		found := get(m, m.fs, second)
		from := min(length, len(found))
		content = slices.Concat(content[:at], found[from:])
	case 8: // a part is lost, what follows moves up
		content = slices.Delete(content, at, min(at+length, len(content)))
	}
	put(m, m.fs, name, content)
}

func (m *mutator) file(n byte) string {
	return path.Join(logDir, m.names[int(n)%len(m.names)])
}

// rename gives a file another suffix, or the base offset after its own.
func (m *mutator) rename(from, to string, value byte) {
	m.Helper()
	if n := int(value) % (len(suffixes) + 1); n < len(suffixes) {
		to += suffixes[n]
	} else if b, suffix, ok := segment.ParseName(path.Base(to)); ok {
		to = path.Join(logDir, segment.Name(b+1, suffix))
	}
	must(m, m.fs.Rename(from, to))
}

func (m *mutator) swap(a, b string) {
	m.Helper()
	if exists, err := vfs.Exists(m.fs, b); err != nil || !exists || a == b {
		return
	}
	spare := path.Join(logDir, "spare")
	must(m, m.fs.Rename(a, spare))
	must(m, m.fs.Rename(b, a))
	must(m, m.fs.Rename(spare, b))
}
