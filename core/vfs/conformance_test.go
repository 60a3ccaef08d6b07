package vfs

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

func TestOpenModes(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		name := u.at("f")
		for _, mode := range []Mode{Read, ReadWrite} {
			_, err := u.fs.Open(name, mode)
			wantErr(t, "open of nothing", err, ErrNotExist)
		}
		write(t, open(t, u.fs, name, Create), "hello", 0)
		write(t, open(t, u.fs, name, Create), "J", 0)
		wantFile(t, u.fs, name, "Jello")
		write(t, open(t, u.fs, name, ReadWrite), "y", 4)
		wantFile(t, u.fs, name, "Jelly")
		open(t, u.fs, name, Truncate)
		wantFile(t, u.fs, name, "")
		_, err := u.fs.Open(name, Truncate+1)
		wantErr(t, "open with a bad mode", err, ErrInvalid)

		r := open(t, u.fs, name, Read)
		_, err = r.WriteAt([]byte("x"), 0)
		wantErr(t, "write to a file opened for reading", err, ErrReadOnly)
		wantErr(t, "truncate of a file opened for reading", r.Truncate(0), ErrReadOnly)
	})
}

func TestReadWriteTruncate(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		write(t, f, "abc", 5)
		got := make([]byte, 8)
		n, err := f.ReadAt(got, 0)
		if n != 8 || err != nil || string(got) != "\x00\x00\x00\x00\x00abc" {
			t.Fatalf("got %d bytes %q, %v", n, got, err)
		}
		n, err = f.ReadAt(got, 6)
		if n != 2 || err != io.EOF || string(got[:n]) != "bc" {
			t.Fatalf("across the end: got %d bytes %q, %v", n, got, err)
		}
		if n, err = f.ReadAt(got, 100); n != 0 || err != io.EOF {
			t.Fatalf("past the end: got %d bytes, %v", n, err)
		}
		check(t, f.Truncate(6))
		check(t, f.Truncate(10))
		wantFile(t, u.fs, u.at("f"), "\x00\x00\x00\x00\x00a\x00\x00\x00\x00")
		if size, err := f.Size(); size != 10 || err != nil {
			t.Errorf("size %d, %v, expected 10", size, err)
		}
		if n, err = f.WriteAt(nil, 50); n != 0 || err != nil {
			t.Errorf("empty write: %d, %v", n, err)
		}
		if size, _ := f.Size(); size != 10 {
			t.Errorf("size %d after an empty write, expected 10", size)
		}
		_, err = f.ReadAt(got, -1)
		wantErr(t, "read at -1", err, ErrInvalid)
		_, err = f.WriteAt(got, -1)
		wantErr(t, "write at -1", err, ErrInvalid)
		wantErr(t, "truncate to -1", f.Truncate(-1), ErrInvalid)
	})
}

// TestLargeWrite writes more than goes to the kernel at once, at an odd place.
func TestLargeWrite(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		p := make([]byte, 1<<20+3)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(p) // it has no errors
		if n, err := f.WriteAt(p, 5); n != len(p) || err != nil {
			t.Fatalf("got %d bytes written, %v, expected %d", n, err, len(p))
		}
		got := make([]byte, len(p)+6)
		if n, err := f.ReadAt(got, 0); n != len(p)+5 || err != io.EOF || !bytes.Equal(got[5:n], p) {
			t.Errorf("got %d bytes back, %v, or others than were written", n, err)
		}
	})
}

func TestSparse(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		const far = 3 << 30
		write(t, f, "end", far)
		if size, err := f.Size(); size != far+3 || err != nil {
			t.Errorf("size %d, %v", size, err)
		}
		got := bytes.Repeat([]byte{1}, 3*chunkSize)
		if n, err := f.ReadAt(got, 100); n != len(got) || err != nil || !bytes.Equal(got, make([]byte, len(got))) {
			t.Errorf("the hole: %d bytes, %v", n, err)
		}
		check(t, f.Truncate(1<<39))
		if n, err := f.ReadAt(got[:4], far); n != 4 || err != nil || string(got[:4]) != "end\x00" {
			t.Errorf("got %q, %v", got[:n], err)
		}
	})
}

func TestClosed(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		write(t, f, "abc", 0)
		check(t, f.Sync())
		check(t, f.Close())
		_, err := f.ReadAt(make([]byte, 1), 0)
		wantErr(t, "read", err, ErrClosed)
		_, err = f.WriteAt(make([]byte, 1), 0)
		wantErr(t, "write", err, ErrClosed)
		_, err = f.Size()
		wantErr(t, "size", err, ErrClosed)
		wantErr(t, "truncate", f.Truncate(0), ErrClosed)
		wantErr(t, "sync", f.Sync(), ErrClosed)
		wantErr(t, "close", f.Close(), ErrClosed)
		wantFile(t, u.fs, u.at("f"), "abc")
	})
}

func TestRemoveWhileOpen(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		write(t, f, "old", 0)
		check(t, u.fs.Remove(u.at("f")))
		_, err := u.fs.Stat(u.at("f"))
		wantErr(t, "stat of a removed file", err, ErrNotExist)
		put(t, u.fs, u.at("f"), "new")
		write(t, f, "er", 3)
		got := make([]byte, 5)
		if n, err := f.ReadAt(got, 0); n != 5 || err != nil || string(got) != "older" {
			t.Errorf("got %q, %v", got[:n], err)
		}
		check(t, f.Sync())
		wantFile(t, u.fs, u.at("f"), "new")
	})
}

// TestNames is one script of calls on names with the error that each must give.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		put(t, u.fs, u.at("file"), "1")
		check(t, u.fs.Mkdir(u.at("d/e")))
		put(t, u.fs, u.at("d/file"), "22")
		at, fs := u.at, u.fs
		openIt := func(name string, mode Mode) error {
			f, err := fs.Open(name, mode)
			if err == nil {
				check(t, f.Close())
			}
			return err
		}
		list := func(name string) error { _, err := fs.List(name); return err }
		stat := func(name string) error { _, err := fs.Stat(name); return err }
		for _, step := range []struct {
			what string
			err  error
			want error
		}{
			{"mkdir of what exists", fs.Mkdir(at("d/e")), nil},
			{"mkdir over a file", fs.Mkdir(at("file")), ErrNotDir},
			{"mkdir below a file", fs.Mkdir(at("file/x/y")), ErrNotDir},
			{"mkdir of an empty name", fs.Mkdir(""), ErrNotExist},
			{"open of a directory", openIt(at("d"), Read), ErrIsDir},
			{"open of a directory to write", openIt(at("d"), ReadWrite), ErrIsDir},
			{"create over a directory", openIt(at("d"), Create), ErrIsDir},
			{"open below nothing", openIt(at("x/y"), Create), ErrNotExist},
			{"open below a file", openIt(at("file/y"), Create), ErrNotDir},
			{"open of an empty name", openIt("", Create), ErrNotExist},
			{"list of a file", list(at("file")), ErrNotDir},
			{"list of nothing", list(at("x")), ErrNotExist},
			{"stat of nothing", stat(at("x")), ErrNotExist},
			{"stat below a file", stat(at("file/x")), ErrNotDir},
			{"syncdir", fs.SyncDir(at("d")), nil},
			{"syncdir of a file", fs.SyncDir(at("file")), ErrNotDir},
			{"syncdir of nothing", fs.SyncDir(at("x")), ErrNotExist},
			{"remove of nothing", fs.Remove(at("x")), ErrNotExist},
			{"remove of a full directory", fs.Remove(at("d")), ErrNotEmpty},
			{"remove of a full directory", fs.Remove(at("d")), ErrExist},
			{"rename of nothing", fs.Rename(at("x"), at("y")), ErrNotExist},
			{"rename to below nothing", fs.Rename(at("file"), at("x/y")), ErrNotExist},
			{"rename onto a directory", fs.Rename(at("file"), at("d")), ErrExist},
			{"rename of a directory onto one", fs.Rename(at("d"), at("d/e")), ErrExist},
			{"rename of a directory onto a file", fs.Rename(at("d"), at("file")), ErrNotDir},
			{"rename of a directory into itself", fs.Rename(at("d"), at("d/e/f")), ErrInvalid},
			{"rename to itself", fs.Rename(at("file"), at("file")), nil},
			{"rename onto a file", fs.Rename(at("file"), at("d/file")), nil},
			{"rename of a directory", fs.Rename(at("d"), at("d2")), nil},
			{"remove of an empty directory", fs.Remove(at("d2/e")), nil},
		} {
			wantErr(t, step.what, step.err, step.want)
		}
		if got, want := tree(t, fs, u.root), "d2/\nd2/file 1*1\n"; got != want {
			t.Errorf("got\n%sexpected\n%s", got, want)
		}
	})
}

func TestListAndStat(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		check(t, u.fs.Mkdir(u.at("d/sub")))
		for _, name := range []string{"d/b", "d/a.log", "d/Z", "d/a"} {
			put(t, u.fs, u.at(name), name)
		}
		got, err := u.fs.List(u.at("d"))
		check(t, err)
		want := []Entry{{Name: "Z", Size: 3}, {Name: "a", Size: 3}, {Name: "a.log", Size: 7}, {Name: "b", Size: 3},
			{Name: "sub", Dir: true}}
		for i := range got {
			got[i].ModTime = 0
		}
		if len(got) != len(want) {
			t.Fatalf("got %v, expected %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("entry %d: got %v, expected %v", i, got[i], want[i])
			}
			one, err := u.fs.Stat(u.at("d/" + want[i].Name))
			check(t, err)
			one.ModTime = 0
			if one != want[i] {
				t.Errorf("stat: got %v, expected %v", one, want[i])
			}
		}
	})
}

func TestLock(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		lock, err := u.fs.Lock(u.at(".lock"))
		check(t, err)
		_, err = u.fs.Lock(u.at(".lock"))
		wantErr(t, "second lock", err, ErrLocked)
		other, err := u.fs.Lock(u.at(".lock2"))
		check(t, err)
		check(t, lock.Close())
		wantErr(t, "second unlock", lock.Close(), ErrClosed)
		lock, err = u.fs.Lock(u.at(".lock"))
		check(t, err)
		check(t, lock.Close())
		check(t, other.Close())
		check(t, u.fs.Mkdir(u.at("d")))
		_, err = u.fs.Lock(u.at("d"))
		wantErr(t, "lock of a directory", err, ErrIsDir)
		_, err = u.fs.Lock(u.at("x/.lock"))
		wantErr(t, "lock below nothing", err, ErrNotExist)
		if ok, err := Exists(u.fs, u.at(".lock")); !ok || err != nil {
			t.Errorf("the lock file is gone: %v", err)
		}
	})
}
