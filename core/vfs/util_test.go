package vfs

import (
	"errors"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		put(t, u.fs, u.at("f"), "some text")
		wantFile(t, u.fs, u.at("f"), "some text")
		put(t, u.fs, u.at("empty"), "")
		wantFile(t, u.fs, u.at("empty"), "")
		_, err := ReadFile(u.fs, u.at("nothing"))
		wantErr(t, "read of nothing", err, ErrNotExist)
		check(t, open(t, u.fs, u.at("huge"), Create).Truncate(MaxReadFile+1))
		_, err = ReadFile(u.fs, u.at("huge"))
		wantErr(t, "read of too much", err, ErrInvalid)
		for _, part := range []string{"268435457 bytes", "at most 268435456"} {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	})
}

func TestWriteFileAtomic(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		for _, data := range []string{"first", "", "the third"} {
			check(t, WriteFileAtomic(u.fs, u.at("f"), []byte(data)))
			wantFile(t, u.fs, u.at("f"), data)
		}
		if got := tree(t, u.fs, u.root); strings.Count(got, "\n") != 1 {
			t.Errorf("left behind: %s", got)
		}
		wantErr(t, "below nothing", WriteFileAtomic(u.fs, u.at("x/f"), nil), ErrNotExist)
	})
}

// TestWriteFileAtomicIsAtomic cuts the power at every call of a replacement and looks at everything that may be found:
// the file is the old or the new one, and the new one once WriteFileAtomic has returned.
func TestWriteFileAtomicIsAtomic(t *testing.T) {
	before, after := strings.Repeat("a", 600), strings.Repeat("b", 700)
	points, outcomes := 0, 0
	for k, done := 1, false; !done; k++ {
		for _, torn := range []int{0, 300, 600} {
			m := NewMem(MemOptions{Crashable: true})
			check(t, WriteFileAtomic(m, "f", []byte(before)))
			err := WriteFileAtomic(NewFaults(m, CutAt(k, torn)), "f", []byte(after))
			done = err == nil
			if err != nil && !errors.Is(err, ErrPowerLost) {
				t.Fatal(err)
			}
			points++
			for found := range m.Outcomes() {
				outcomes++
				got, err := ReadFile(found, "f")
				check(t, err)
				if string(got) != after && (done || string(got) != before) {
					t.Fatalf("cut at %d, torn at %d: found %s", k, torn, brief(got))
				}
			}
		}
	}
	// Open, write, sync, close, rename, sync of the directory, and the run without a cut.
	if points != 7*3 || outcomes < 50 {
		t.Errorf("%d points of %d outcomes", points, outcomes)
	}
}

// TestWriteFileAtomicFails lets each call fail: the file must be the old or the new one, the temporary file must not
// stay behind if writing it failed, and the error must come through.
func TestWriteFileAtomicFails(t *testing.T) {
	for k := 1; k <= 6; k++ {
		m := NewMem(MemOptions{})
		put(t, m, "f", "old")
		err := WriteFileAtomic(NewFaults(m, FailAt(k, ErrIO)), "f", []byte("new"))
		wantErr(t, "write", err, ErrIO)
		want := "f o*1 l*1 d*1\n"
		switch k {
		case 5:
			want += "f.tmp n*1 e*1 w*1\n"
		case 6:
			want = "f n*1 e*1 w*1\n"
		}
		if got := tree(t, m, "/"); got != want {
			t.Errorf("call %d: got\n%sexpected\n%s", k, got, want)
		}
	}
}

func TestRemoveAllAndExists(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		check(t, u.fs.Mkdir(u.at("d/e/f")))
		put(t, u.fs, u.at("d/a"), "1")
		put(t, u.fs, u.at("d/e/b"), "2")
		put(t, u.fs, u.at("stays"), "3")
		exists := func(name string, want bool) {
			t.Helper()
			if got, err := Exists(u.fs, u.at(name)); got != want || err != nil {
				t.Errorf("%s exists: %v, %v, expected %v", name, got, err, want)
			}
		}
		exists("d/e", true)
		check(t, RemoveAll(u.fs, u.at("d")))
		exists("d", false)
		check(t, RemoveAll(u.fs, u.at("d")))
		exists("stays", true)
		check(t, RemoveAll(u.fs, u.at("stays")))
		exists("stays", false)
	})
	m := NewMem(MemOptions{})
	put(t, m, "f", "1")
	for k := 1; k <= 2; k++ {
		wantErr(t, "remove", RemoveAll(NewFaults(m, FailAt(k, ErrIO)), "f"), ErrIO)
	}
	if _, err := Exists(NewFaults(m, FailAt(1, ErrIO)), "f"); !errors.Is(err, ErrIO) {
		t.Errorf("exists: got %v", err)
	}
}

// TestMkdirSync kills the process at every call and begins again: what MkdirSync then made must survive.
func TestMkdirSync(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		check(t, MkdirSync(u.fs, u.at("a/b/c")))
		check(t, MkdirSync(u.fs, u.at("a/b/c")))
		put(t, u.fs, u.at("f"), "")
		wantErr(t, "over a file", MkdirSync(u.fs, u.at("f")), ErrNotDir)
	})
	for k, done := 1, false; !done; k++ {
		m := NewMem(MemOptions{Crashable: true})
		done = MkdirSync(NewFaults(m, CutAt(k, 0)), "/a/b/c") == nil
		m.Kill()
		check(t, MkdirSync(m, "/a/b/c"))
		if got := tree(t, m.CrashClone(LoseAll), "/"); got != "a/\na/b/\na/b/c/\n" {
			t.Errorf("killed at call %d: got\n%s", k, got)
		}
	}
}
