package vfs

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// crashable returns a crashable Mem with one synced and named file "f" of 1,000 bytes of 'a'.
func crashable(t *testing.T) *Mem {
	t.Helper()
	m := NewMem(MemOptions{Crashable: true})
	putSynced(t, m, "f", strings.Repeat("a", 1000))
	check(t, m.SyncDir("/"))
	return m
}

func TestChoices(t *testing.T) {
	for _, row := range []struct {
		name   string
		choice Choice
		want   string
	}{
		{"lose all", LoseAll, "f a*1000\n"},
		{"keep all", KeepAll, "f a*300 b*600 c*600\ng x*1\n"},
		{"keep names", KeepNames, "f a*1000\ng \n"},
		{"keep content", KeepContent, "f a*300 b*600 c*600\n"},
		{"zero bytes", ZeroBytes, "f a*1000 \\0*500\ng \\0*1\n"},
		{"first change", KeepFirst(1), "f a*300 b*600 a*100\n"},
		{"first two", KeepFirst(2), "f a*300 b*600 a*100\ng \n"},
		{"all but the first", LoseFirst(1), "f a*900 c*600\ng x*1\n"},
		{"the last write in no sector", TearLast(0, false), "f a*300 b*600 a*100\ng x*1\n"},
		{"the last write in one sector", TearLast(1, false), "f a*300 b*600 c*124\ng x*1\n"},
		{"the last write in one sector, its length", TearLast(1, true), "f a*300 b*600 c*124 \\0*476\ng x*1\n"},
		{"nothing by chance", Random(newDice(1).Uint64, 0), "f a*1000\n"},
		{"all by chance", Random(newDice(1).Uint64, 1000), "f a*300 b*600 c*600\ng x*1\n"},
	} {
		m := crashable(t)
		f := open(t, m, "f", ReadWrite)
		write(t, f, strings.Repeat("b", 600), 300)
		write(t, open(t, m, "g", Create), "x", 0)
		write(t, f, strings.Repeat("c", 600), 900)
		if got := tree(t, m.CrashClone(row.choice), "/"); got != row.want {
			t.Errorf("%s: got\n%sexpected\n%s", row.name, got, row.want)
		}
	}
}

// TestChanges checks what a Choice is told, which tests rely on to aim.
func TestChanges(t *testing.T) {
	m := crashable(t)
	check(t, m.Mkdir("d"))
	check(t, m.Rename("f", "d/g"))
	f := open(t, m, "d/g", ReadWrite)
	write(t, f, strings.Repeat("b", 20), 1020)
	check(t, f.Truncate(5))
	check(t, m.Remove("d/g"))
	var got []Change
	m.CrashClone(func(c Change) bool {
		got = append(got, c)
		return false
	})
	want := []Change{
		{Kind: ChangeMkdir, Name: "d", Index: 0, Later: 1},
		{Kind: ChangeRename, Name: "f", To: "d/g", Index: 1, Later: 1},
		{Kind: ChangeBytes, Name: "d/g", Off: 1020, Len: 20, Sector: 0, Sectors: 2, Index: 2},
		{Kind: ChangeBytes, Name: "d/g", Off: 1020, Len: 20, Sector: 1, Sectors: 2, Index: 2},
		{Kind: ChangeLength, Name: "d/g", Off: 1020, Len: 20, Sectors: 2, Index: 2},
		{Kind: ChangeTruncate, Name: "d/g", Off: 5, Index: 3},
		{Kind: ChangeRemove, Name: "d/g", Index: 4},
	}
	for i := range want {
		want[i].Count = 5
	}
	if !slices.Equal(got, want) {
		t.Errorf("got      %+v\nexpected %+v", got, want)
	}
}

// TestChangesAreNamedAfterTrouble looks at the names after a loss of power took a rename back.
func TestChangesAreNamedAfterTrouble(t *testing.T) {
	m := crashable(t)
	check(t, m.Mkdir("d"))
	check(t, m.SyncDir("/"))
	check(t, m.Rename("f", "d/g"))
	m = m.CrashClone(LoseAll)
	check(t, m.Rename("f", "d/h"))
	check(t, m.Rename("d", "e"))
	m.Kill()
	write(t, open(t, m, "e/h", ReadWrite), "x", 0)
	var got []string
	m.PowerLoss(func(c Change) bool {
		got = append(got, c.Name+">"+c.To)
		return false
	})
	if want := []string{"f>d/h", "d>e", "e/h>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
}

func TestPowerLossKillsHandles(t *testing.T) {
	m := crashable(t)
	f := open(t, m, "f", ReadWrite)
	lock, err := m.Lock(".lock")
	check(t, err)
	m.PowerLoss(KeepAll)
	dead := func(when string) {
		t.Helper()
		_, err := f.ReadAt(make([]byte, 1), 0)
		wantErr(t, when+" read", err, ErrPowerLost)
		_, err = f.WriteAt(make([]byte, 1), 0)
		wantErr(t, when+" write", err, ErrPowerLost)
		_, err = f.(Viewer).View(nil, 0, 1)
		wantErr(t, when+" view", err, ErrPowerLost)
		_, err = f.Size()
		wantErr(t, when+" size", err, ErrPowerLost)
		_, err = f.(SlowSyncer).BeginSync()
		wantErr(t, when+" begin sync", err, ErrPowerLost)
		wantErr(t, when+" truncate", f.Truncate(0), ErrPowerLost)
		wantErr(t, when+" sync", f.Sync(), ErrPowerLost)
	}
	dead("off:")
	_, err = m.Open("f", Read)
	wantErr(t, "open", err, ErrPowerLost)
	_, err = m.List("/")
	wantErr(t, "list", err, ErrPowerLost)
	_, err = m.Stat("f")
	wantErr(t, "stat", err, ErrPowerLost)
	_, err = m.Lock("f")
	wantErr(t, "lock", err, ErrPowerLost)
	_, _, err = m.Space("/")
	wantErr(t, "space", err, ErrPowerLost)
	for what, err := range map[string]error{
		"remove": m.Remove("f"), "rename": m.Rename("f", "g"), "mkdir": m.Mkdir("d"), "mkdir of the root": m.Mkdir("/"),
		"syncdir": m.SyncDir("/"), "corrupt": m.Corrupt("f", 0, []byte{1}), "drop": m.DropPending("f"),
	} {
		wantErr(t, what, err, ErrPowerLost)
	}
	m.Restart()
	dead("on again:")
	wantErr(t, "unlock", lock.Close(), ErrPowerLost)
	wantErr(t, "close", f.Close(), ErrPowerLost)
	lock, err = m.Lock(".lock")
	check(t, err)
	check(t, lock.Close())
	wantFile(t, m, "f", strings.Repeat("a", 1000))
}

func TestSyncAll(t *testing.T) {
	m := crashable(t)
	check(t, m.Mkdir("d/e"))
	check(t, m.Rename("f", "d/e/g"))
	put(t, m, "h", "x")
	want := tree(t, m, "/")
	m.SyncAll()
	check(t, m.Remove("h"))
	if got := tree(t, m.CrashClone(LoseAll), "/"); got != want {
		t.Errorf("got\n%sexpected\n%s", got, want)
	}
	outcomes := 0
	for range m.CrashClone(LoseAll).Outcomes() {
		outcomes++
	}
	if outcomes != 1 {
		t.Errorf("%d outcomes without a pending change, expected 1", outcomes)
	}
}

func TestKill(t *testing.T) {
	m := crashable(t)
	f := open(t, m, "f", ReadWrite)
	write(t, f, "b", 0)
	put(t, m, "g", "new")
	_, err := m.Lock(".lock")
	check(t, err)
	m.Kill()
	_, err = f.ReadAt(make([]byte, 1), 0)
	wantErr(t, "read", err, ErrClosed)
	wantErr(t, "close", f.Close(), ErrClosed)
	lock, err := m.Lock(".lock")
	check(t, err)
	check(t, lock.Close())
	wantFile(t, m, "f", "b"+strings.Repeat("a", 999))
	wantFile(t, m, "g", "new")
	// What was not durable before is not durable now.
	if got, want := tree(t, m.CrashClone(LoseAll), "/"), "f a*1000\n"; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

// TestSlowSync writes while a sync is under way: what came after its beginning it must not make durable.
func TestSlowSync(t *testing.T) {
	m := crashable(t)
	f := open(t, m, "f", ReadWrite)
	s := f.(SlowSyncer)
	write(t, f, "b", 0)
	first, err := s.BeginSync()
	check(t, err)
	write(t, f, "cc", 0)
	second, err := s.BeginSync()
	check(t, err)
	write(t, f, "ddd", 0)
	for _, step := range []struct {
		end  uint64
		want string
	}{
		{0, "f a*1000\n"},
		{first, "f b*1 a*999\n"},
		{second, "f c*2 a*998\n"},
		{first, "f c*2 a*998\n"},
	} {
		check(t, s.EndSync(step.end))
		if got := tree(t, m.CrashClone(LoseAll), "/"); got != step.want {
			t.Errorf("after the sync to %d: got %s, expected %s", step.end, got, step.want)
		}
	}
	wantFile(t, m, "f", "ddd"+strings.Repeat("a", 997))
}

// TestDropPending lets a sync fail as the kernel does: the pages are dropped and the next sync succeeds.
func TestDropPending(t *testing.T) {
	m := crashable(t)
	f := open(t, m, "f", ReadWrite)
	write(t, f, "bbb", 0)
	write(t, f, strings.Repeat("c", 200), 900)
	check(t, m.DropPending("f"))
	want := strings.Repeat("a", 1000) + strings.Repeat("\x00", 100)
	wantFile(t, m, "f", want)
	if got := tree(t, m.CrashClone(LoseAll), "/"); got != "f a*1000\n" {
		t.Errorf("before the sync: got %s", got)
	}
	check(t, f.Sync())
	if got := tree(t, m.CrashClone(LoseAll), "/"); got != "f a*1000 \\0*100\n" {
		t.Errorf("after the sync: got %s", got)
	}
	check(t, m.DropPending("f"))
	wantFile(t, m, "f", want)
	check(t, f.Truncate(10))
	check(t, m.DropPending("f"))
	wantFile(t, m, "f", want[:10])
	if got := tree(t, m.CrashClone(LoseAll), "/"); got != "f a*1000 \\0*100\n" {
		t.Errorf("after a dropped truncation: got %s", got)
	}
	wantErr(t, "drop of nothing", m.DropPending("x"), ErrNotExist)
}

func TestCorrupt(t *testing.T) {
	m := crashable(t)
	f := open(t, m, "f", ReadWrite)
	view, err := f.(Viewer).View(nil, 0, 10)
	check(t, err)
	check(t, m.Corrupt("f", 3, []byte{0xff, 0, 3}))
	wantFile(t, m, "f", "aaa\x9eab"+strings.Repeat("a", 994))
	wantFile(t, m.CrashClone(LoseAll), "f", "aaa\x9eab"+strings.Repeat("a", 994))
	if string(view[0]) != "aaaaaaaaaa" {
		t.Errorf("a view of before changed: %q", view[0])
	}
	wantErr(t, "past the end", m.Corrupt("f", 999, []byte{1, 1}), ErrInvalid)
	wantErr(t, "before the beginning", m.Corrupt("f", -1, []byte{1}), ErrInvalid)
	check(t, m.Mkdir("d"))
	wantErr(t, "of a directory", m.Corrupt("d", 0, nil), ErrIsDir)
}

// TestCloneIsApart changes a clone and the original: neither must show in the other, nor in what each would lose.
func TestCloneIsApart(t *testing.T) {
	m := crashable(t)
	write(t, open(t, m, "f", ReadWrite), "bb", 0)
	put(t, m, "g", "new")
	c := m.Clone()
	if got, want := tree(t, c, "/"), tree(t, m, "/"); got != want {
		t.Fatalf("got %s, expected %s", got, want)
	}
	before := tree(t, m.CrashClone(KeepContent), "/")
	f := open(t, c, "f", ReadWrite)
	write(t, f, "cccc", 998)
	check(t, f.Truncate(1))
	check(t, c.Remove("g"))
	check(t, c.SyncDir("/"))
	if got := tree(t, m, "/"); got != "f b*2 a*998\ng n*1 e*1 w*1\n" {
		t.Errorf("the original shows the clone's changes: %s", got)
	}
	if got := tree(t, m.CrashClone(KeepContent), "/"); got != before {
		t.Errorf("got %s, expected %s", got, before)
	}
	if got := tree(t, c.CrashClone(KeepAll), "/"); got != "f b*1\n" {
		t.Errorf("the clone after a loss of power: %s", got)
	}
}

// TestPowerLossIsRepeatable draws the same survivors for the same seed, and others for others.
func TestPowerLossIsRepeatable(t *testing.T) {
	run := func(seed uint64) string {
		d, r := newDice(7), newCrashRun()
		for range 300 {
			r.random(t, d)
		}
		r.mem.PowerLoss(Random(newDice(seed).Uint64, 500))
		r.mem.Restart()
		return tree(t, r.mem, "/") + fmt.Sprint(r.mem.Used())
	}
	found := map[string]bool{}
	for seed := range uint64(10) {
		first := run(seed)
		if again := run(seed); again != first {
			t.Fatalf("seed %d: got\n%s\nand\n%s", seed, first, again)
		}
		found[first] = true
	}
	if len(found) < 2 {
		t.Error("ten seeds left the same files")
	}
}

// TestManyLives goes through several lives of one disk, with a twin that loses nothing.
func TestManyLives(t *testing.T) {
	m := NewMem(MemOptions{Crashable: true})
	want := ""
	for life := range 20 {
		f := open(t, m, "f", Create)
		check(t, m.SyncDir("/"))
		data := strings.Repeat(string(rune('a'+life)), 700)
		write(t, f, data, int64(len(want)))
		check(t, f.Sync())
		want += data
		write(t, f, "never synced", int64(len(want)))
		m.PowerLoss(LoseAll)
		m.Restart()
		wantFile(t, m, "f", want)
	}
	f := open(t, m, "f", Read)
	n, err := f.ReadAt(make([]byte, 1), int64(len(want)))
	if n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("past the end: %d, %v", n, err)
	}
}
