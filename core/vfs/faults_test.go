package vfs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// script makes one of every call and returns the error of each, by the call's name.
func script(fs FS) []string {
	var got []string
	note := func(what string, err error) { got = append(got, what+": "+classOf(err)) }
	note("mkdir", fs.Mkdir("d"))
	f, err := fs.Open("d/f", Create)
	note("open", err)
	if err == nil {
		_, err = f.WriteAt([]byte("hello"), 1)
		note("write", err)
		_, err = f.ReadAt(make([]byte, 4), 2)
		note("read", err)
		_, err = f.(Viewer).View(nil, 2, 4)
		note("read", err)
		_, err = f.Size()
		note("size", err)
		note("truncate", f.Truncate(4))
		note("sync", f.Sync())
		mark, _ := f.(SlowSyncer).BeginSync()
		note("sync", f.(SlowSyncer).EndSync(mark))
		note("close", f.Close())
	}
	note("rename", fs.Rename("d/f", "d/g"))
	note("syncdir", fs.SyncDir("d"))
	_, err = fs.List("d")
	note("list", err)
	_, err = fs.Stat("d/g")
	note("stat", err)
	l, err := fs.Lock("d/.lock")
	note("lock", err)
	if err == nil {
		note("unlock", l.Close())
	}
	note("remove", fs.Remove("d/g"))
	return got
}

func TestFaultsSeeEveryCall(t *testing.T) {
	var ops []Op
	fs := NewFaults(NewMem(MemOptions{}), func(op Op) Decision {
		ops = append(ops, op)
		return Decision{}
	})
	results := script(fs)
	want := []Op{
		{Kind: OpMkdir, Name: "d"},
		{Kind: OpOpen, Name: "d/f", Mode: Create},
		{Kind: OpWrite, Name: "d/f", Off: 1, Len: 5},
		{Kind: OpRead, Name: "d/f", Off: 2, Len: 4},
		{Kind: OpRead, Name: "d/f", Off: 2, Len: 4},
		{Kind: OpSize, Name: "d/f"},
		{Kind: OpTruncate, Name: "d/f", Off: 4},
		{Kind: OpSync, Name: "d/f"},
		{Kind: OpSync, Name: "d/f"},
		{Kind: OpClose, Name: "d/f"},
		{Kind: OpRename, Name: "d/f", To: "d/g"},
		{Kind: OpSyncDir, Name: "d"},
		{Kind: OpList, Name: "d"},
		{Kind: OpStat, Name: "d/g"},
		{Kind: OpLock, Name: "d/.lock"},
		{Kind: OpUnlock, Name: "d/.lock"},
		{Kind: OpRemove, Name: "d/g"},
	}
	for i := range want {
		want[i].Seq = i + 1
		if name := want[i].Kind.String() + ": ok"; i < len(results) && results[i] != name {
			t.Errorf("call %d: got %q, expected %q", i+1, results[i], name)
		}
	}
	if !slices.Equal(ops, want) {
		t.Errorf("got      %+v\nexpected %+v", ops, want)
	}
	if fs.Calls() != len(want) {
		t.Errorf("%d calls counted, expected %d", fs.Calls(), len(want))
	}
	var changing []string
	for k := OpList; k <= OpSync; k++ {
		if k.Changes() {
			changing = append(changing, k.String())
		}
	}
	if got := strings.Join(changing, " "); got != "open lock mkdir remove rename syncdir write truncate sync" {
		t.Errorf("calls that change the disk: %s", got)
	}
	if got := OpKind(99).String(); got != "unknown" {
		t.Errorf("kind 99 is %q", got)
	}
}

// TestFaultsFailEveryCall fails each call of the script in turn: that call reports the error and the disk is as if it
// had not been made, or with Apply as if it had.
func TestFaultsFailEveryCall(t *testing.T) {
	good := script(NewFaults(NewMem(MemOptions{}), nil))
	for k := 1; k <= len(good); k++ {
		for _, apply := range []bool{false, true} {
			inner := NewMem(MemOptions{})
			var before, failed string
			fs := NewFaults(inner, nil)
			fs.SetHook(func(op Op) Decision {
				switch {
				case op.Seq == k:
					before, failed = tree(t, inner, "/"), op.Kind.String()
					return Decision{Err: ErrIO, Apply: apply}
				case op.Seq == k+1 && !apply && op.Kind != OpClose && before != tree(t, inner, "/"):
					t.Errorf("call %d, %s, took effect", k, failed)
				case op.Seq == k+1 && apply && changesTree(failed) && before == tree(t, inner, "/"):
					t.Errorf("call %d, %s, took no effect", k, failed)
				}
				return Decision{}
			})
			got := script(fs)
			if want := failed + ": io"; len(got) < k || got[k-1] != want {
				t.Errorf("call %d: got %q, expected %q", k, got, want)
			}
		}
	}
}

func changesTree(call string) bool {
	return slices.Contains([]string{"mkdir", "write", "truncate", "rename", "lock"}, call)
}

func TestFaultsPartial(t *testing.T) {
	inner := NewMem(MemOptions{})
	put(t, inner, "f", "aaaa")
	fs := NewFaults(inner, func(op Op) Decision {
		if op.Kind == OpWrite || op.Kind == OpRead && op.Off == 1 {
			return Decision{Err: ErrNoSpace, Partial: op.Len - 1}
		}
		return Decision{}
	})
	f := open(t, fs, "f", ReadWrite)
	n, err := f.WriteAt([]byte("bbb"), 0)
	if n != 2 || !errors.Is(err, ErrNoSpace) {
		t.Errorf("write: %d, %v", n, err)
	}
	wantFile(t, inner, "f", "bbaa")
	p := []byte("....")
	n, err = f.ReadAt(p[:3], 1)
	if n != 2 || !errors.Is(err, ErrNoSpace) || string(p) != "ba.." {
		t.Errorf("read: %d %q, %v", n, p, err)
	}
	if got, want := fmt.Sprint(err), "read f: no space left on device"; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

func TestHooks(t *testing.T) {
	other := errors.New("other")
	isSync := Kind(OpSync, OpSyncDir)
	for _, row := range []struct {
		name string
		hook Hook
		want string
	}{
		{"none", nil, "ok ok ok ok ok ok"},
		{"fail at 2", FailAt(2, other), "ok other ok ok ok ok"},
		{"second sync", FailNth(isSync, 2, other), "ok ok ok ok other ok"},
		{"all syncs", FailAll(isSync, other), "ok other ok ok other ok"},
		{"cut at 3", CutAt(3, 0), "ok ok power lost power lost power lost power lost"},
		{"chain", Chain(FailAt(1, ErrIO), FailNth(isSync, 2, other), FailAt(4, ErrIO)), "io ok ok io other ok"},
	} {
		var got []string
		fs := NewFaults(NewMem(MemOptions{}), row.hook)
		for range 2 {
			for _, err := range []error{fs.Mkdir("d"), fs.SyncDir("/"), fs.Remove("d")} {
				class := classOf(err)
				switch {
				case errors.Is(err, other):
					class = "other"
				case errors.Is(err, ErrNotExist):
					// Remove, after a Mkdir that failed.
					class = "ok"
				}
				got = append(got, class)
			}
		}
		if got := strings.Join(got, " "); got != row.want {
			t.Errorf("%s: got %q, expected %q", row.name, got, row.want)
		}
	}
}

// TestCutEverywhere cuts the power at every call of a small workload, with every torn length of a write, and compares
// the disk with one on which the workload just ended there.
func TestCutEverywhere(t *testing.T) {
	calls := len(script(NewFaults(NewMem(MemOptions{}), nil)))
	for k := 1; k <= calls+1; k++ {
		for torn := range 6 {
			inner := NewMem(MemOptions{Crashable: true})
			fs := NewFaults(inner, CutAt(k, torn))
			for i, result := range script(fs) {
				call, class, _ := strings.Cut(result, ": ")
				if i >= k-1 && class != "power lost" {
					t.Fatalf("cut at %d: call %d, %s, gave %s", k, i+1, call, class)
				}
			}
			want := expected(t, k, torn)
			if got := tree(t, inner, "/"); got != want {
				t.Fatalf("cut at %d, torn at %d: got\n%sexpected\n%s", k, torn, got, want)
			}
		}
	}
}

// expected is what the script leaves if it ends before call k, of which, if it is the write, torn bytes are written.
func expected(t *testing.T, k, torn int) string {
	t.Helper()
	inner := NewMem(MemOptions{})
	stop := errors.New("stop")
	fs := NewFaults(inner, func(op Op) Decision {
		d := Decision{}
		if op.Seq >= k {
			d.Err = stop
		}
		if op.Seq == k && op.Kind == OpWrite && torn > 0 {
			f := open(t, inner, op.Name, ReadWrite)
			write(t, f, "hello"[:torn], op.Off)
		}
		return d
	})
	script(fs)
	return tree(t, inner, "/")
}

// TestFailedOpenLeaksNothing lets Open and Lock take effect and fail all the same.
func TestFailedOpenLeaksNothing(t *testing.T) {
	inner := NewMem(MemOptions{})
	fs := NewFaults(inner, func(Op) Decision { return Decision{Err: ErrIO, Apply: true} })
	_, err := fs.Open("f", Create)
	wantErr(t, "open", err, ErrIO)
	_, err = fs.Lock("f")
	wantErr(t, "lock", err, ErrIO)
	lock, err := inner.Lock("f")
	check(t, err)
	check(t, lock.Close())
	node, err := inner.find("f")
	check(t, err)
	if node.opens != 0 {
		t.Errorf("%d files are still open", node.opens)
	}
}
