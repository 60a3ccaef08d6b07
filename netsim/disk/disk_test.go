package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/netsim/disk"
)

func newDisk(seed uint64) *disk.Disk {
	return disk.New(disk.Options{Rand: env.NewSeeded(seed, "disk")})
}

func open(t *testing.T, fs vfs.FS, name string, mode vfs.Mode) vfs.File {
	t.Helper()
	f, err := fs.Open(name, mode)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f vfs.File, text string, off int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(text), off); n != len(text) || err != nil {
		t.Fatalf("wrote %d bytes: %v", n, err)
	}
}

func sync(t *testing.T, f vfs.File) {
	t.Helper()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// crash takes the power, keeps nothing that is not durable, and returns what is left of a file.
func crash(t *testing.T, d *disk.Disk, name string) string {
	t.Helper()
	d.PowerLoss(0)
	d.Restart()
	content, err := vfs.ReadFile(d.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func fileWithName(t *testing.T, d *disk.Disk) vfs.File {
	t.Helper()
	f := open(t, d.FS(), "a", vfs.Create)
	if err := d.FS().SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	return f
}

// A sync that took time covers what was written before it began, whatever the others wrote meanwhile; but of what its
// own task opens or writes, all.
func TestSlowSync(t *testing.T) {
	for _, c := range []struct {
		name string
		task func(t *testing.T, d *disk.Disk, f vfs.File)
		want string
	}{
		{"before", func(t *testing.T, _ *disk.Disk, f vfs.File) { sync(t, f) }, "one"},
		{"own write", func(t *testing.T, _ *disk.Disk, f vfs.File) {
			write(t, f, "three", 6)
			sync(t, f)
		}, "onetwothree"},
		{"own handle", func(t *testing.T, d *disk.Disk, _ vfs.File) {
			sync(t, open(t, d.FS(), "a", vfs.ReadWrite))
		}, "onetwo"},
		{"no sync", func(*testing.T, *disk.Disk, vfs.File) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDisk(1)
			f, other := fileWithName(t, d), open(t, d.FS(), "b", vfs.Create)
			write(t, f, "one", 0)
			write(t, other, "elsewhere", 0) // the mark is a place in the order of all the disk's writes
			mark := d.Begin()
			write(t, f, "two", 3)
			d.Within(mark, func() { c.task(t, d, f) })
			if got := crash(t, d, "a"); got != c.want {
				t.Errorf("got %q, expected %q", got, c.want)
			}
		})
	}
}

func TestWritebackAndKill(t *testing.T) {
	d := newDisk(1)
	f := open(t, d.FS(), "a", vfs.Create)
	write(t, f, "one", 0)
	d.Writeback()
	write(t, f, "two", 3)
	if d.OpenFiles() != 1 {
		t.Errorf("got %d open files, expected 1", d.OpenFiles())
	}
	d.Kill()
	if _, err := f.WriteAt([]byte("three"), 6); !errors.Is(err, vfs.ErrClosed) {
		t.Errorf("a dead process wrote: %v", err)
	}
	if content, err := vfs.ReadFile(d.FS(), "a"); err != nil || string(content) != "onetwo" {
		t.Errorf("after the kill: got %q, %v", content, err)
	}
	if d.OpenFiles() != 0 {
		t.Errorf("got %d open files of a dead process", d.OpenFiles())
	}
	if got := crash(t, d, "a"); got != "one" {
		t.Errorf("after the loss of power: got %q, expected %q", got, "one")
	}
}

// The process is struck inside the n-th changing call: a part of that write may be made, nothing after it.
func TestCutAfter(t *testing.T) {
	for _, torn := range []int{0, 500, 1000} {
		d := newDisk(1)
		f := open(t, d.FS(), "a", vfs.Create)
		d.CutAfter(2, torn)
		write(t, f, "0123", 0)
		if d.Struck() {
			t.Fatal("struck too early")
		}
		want := "0123" + "4567"[:4*torn/1000]
		if n, err := f.WriteAt([]byte("4567"), 4); n != 4*torn/1000 || !errors.Is(err, vfs.ErrPowerLost) {
			t.Errorf("torn %d: wrote %d bytes: %v", torn, n, err)
		}
		if _, err := f.WriteAt([]byte("89"), 8); !errors.Is(err, vfs.ErrPowerLost) || !d.Struck() {
			t.Errorf("a process that was struck wrote: %v", err)
		}
		d.Kill()
		if content, err := vfs.ReadFile(d.FS(), "a"); err != nil || string(content) != want {
			t.Errorf("torn %d: got %q, %v, expected %q", torn, content, err, want)
		}
		if d.Struck() {
			t.Error("the next process is struck too")
		}
	}
}

func TestSpells(t *testing.T) {
	buffer := make([]byte, 3)
	calls := []struct {
		name string
		do   func(d *disk.Disk, f vfs.File) error
		want map[disk.Kind]error
	}{
		{"read", func(_ *disk.Disk, f vfs.File) error { _, err := f.ReadAt(buffer, 0); return err },
			map[disk.Kind]error{disk.ReadErrors: vfs.ErrIO}},
		{"write", func(_ *disk.Disk, f vfs.File) error { _, err := f.WriteAt(buffer, 0); return err },
			map[disk.Kind]error{disk.WriteErrors: vfs.ErrIO, disk.NoSpace: vfs.ErrNoSpace}},
		{"sync", func(_ *disk.Disk, f vfs.File) error { return f.Sync() },
			map[disk.Kind]error{disk.SyncErrors: vfs.ErrIO}},
		{"syncdir", func(d *disk.Disk, _ vfs.File) error { return d.FS().SyncDir("/") },
			map[disk.Kind]error{disk.SyncErrors: vfs.ErrIO}},
		{"mkdir", func(d *disk.Disk, _ vfs.File) error { return d.FS().Mkdir("x") },
			map[disk.Kind]error{disk.NoSpace: vfs.ErrNoSpace}},
		{"stat", func(d *disk.Disk, _ vfs.File) error { _, err := d.FS().Stat("a"); return err }, nil},
	}
	for _, kind := range []disk.Kind{disk.ReadErrors, disk.WriteErrors, disk.SyncErrors, disk.NoSpace} {
		for _, c := range calls {
			d := newDisk(1)
			f := fileWithName(t, d)
			write(t, f, "abc", 0)
			d.Spell(kind, 1000)
			err := c.do(d, f)
			if want := c.want[kind]; !errors.Is(err, want) || (want != nil) != (d.Injected() == 1) {
				t.Errorf("%v, %s: got %v, expected %v", kind, c.name, err, want)
			}
			if dropped := kind == disk.SyncErrors && c.name == "sync"; dropped != d.Dropped() {
				t.Errorf("%v, %s: dropped is %v", kind, c.name, d.Dropped())
			}
			d.Calm(kind)
			if err := c.do(d, f); err != nil {
				t.Errorf("%v, %s: after the spell: %v", kind, c.name, err)
			}
		}
	}
}

// After a failed sync the data is gone, and the next sync succeeds all the same.
func TestFailedSyncDropsPages(t *testing.T) {
	d := newDisk(1)
	f := fileWithName(t, d)
	write(t, f, "one", 0)
	sync(t, f)
	write(t, f, "two", 3)
	d.Spell(disk.SyncErrors, 1000)
	if err := f.Sync(); !errors.Is(err, vfs.ErrIO) {
		t.Fatalf("got %v, expected an error", err)
	}
	d.CalmAll()
	sync(t, f)
	if got := crash(t, d, "a"); got != "one\x00\x00\x00" {
		t.Errorf("got %q, expected zeros for what was dropped", got)
	}
}

// work does some random things to a disk.
func work(t *testing.T, d *disk.Disk, rng *rand.Rand) {
	t.Helper()
	var files []vfs.File
	for i := range 8 {
		files = append(files, open(t, d.FS(), fmt.Sprint("f", i), vfs.Create))
	}
	for range 200 {
		f := files[rng.IntN(len(files))]
		switch rng.IntN(8) {
		case 0:
			sync(t, f)
		case 1:
			if err := d.FS().SyncDir("/"); err != nil {
				t.Fatal(err)
			}
		case 2:
			if err := f.Truncate(rng.Int64N(3000)); err != nil {
				t.Fatal(err)
			}
		default:
			write(t, f, string(bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, 1+rng.IntN(2000))), rng.Int64N(3000))
		}
	}
}

func contents(t *testing.T, d *disk.Disk) string {
	t.Helper()
	entries, err := d.FS().List("/")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, e := range entries {
		content, err := vfs.ReadFile(d.FS(), e.Name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %d %s\n", e.Name, e.Size, content)
	}
	return all.String()
}

// What a loss of power leaves depends on the seed alone, and on it indeed; and the checksum tells runs apart that write
// other bytes.
func TestPowerLossIsSeeded(t *testing.T) {
	outcomes, sums := map[string]bool{}, map[uint64]bool{}
	for seed := range uint64(20) {
		var left [2]string
		var sum [2]uint64
		for i := range left {
			d := newDisk(seed)
			work(t, d, rand.New(rand.NewPCG(5, 5)))
			sum[i] = d.Sum()
			d.PowerLoss(500)
			d.Restart()
			left[i] = contents(t, d)
		}
		if left[0] != left[1] || sum[0] != sum[1] {
			t.Fatalf("seed %d: two runs differ", seed)
		}
		outcomes[left[0]] = true
		sums[sum[0]] = true
		d := newDisk(seed)
		work(t, d, rand.New(rand.NewPCG(6, seed)))
		sums[d.Sum()] = true
	}
	if len(outcomes) != 20 {
		t.Errorf("20 seeds left %d outcomes", len(outcomes))
	}
	if len(sums) != 21 {
		t.Errorf("21 runs had %d checksums", len(sums))
	}
}

// All that is opened is counted until it is closed, once.
func TestOpenFiles(t *testing.T) {
	d := newDisk(1)
	f := open(t, d.FS(), "a", vfs.Create)
	lock, err := d.FS().Lock("l")
	if err != nil {
		t.Fatal(err)
	}
	if d.OpenFiles() != 2 {
		t.Errorf("got %d open files, expected 2", d.OpenFiles())
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, vfs.ErrClosed) {
		t.Errorf("second close: got %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if d.OpenFiles() != 0 {
		t.Errorf("got %d open files, expected none", d.OpenFiles())
	}
}

// TestSectorsAreWhole writes one sector in pieces: after a loss of power it holds the first so many of them, never a
// later one without those before.
func TestSectorsAreWhole(t *testing.T) {
	seen := make(map[string]bool)
	for seed := range uint64(200) {
		d := newDisk(seed)
		f := fileWithName(t, d)
		write(t, f, "....", 0)
		sync(t, f)
		for i, piece := range []string{"a", "b", "c"} {
			write(t, f, piece, int64(i))
		}
		d.PowerLoss(600)
		d.Restart()
		content, err := vfs.ReadFile(d.FS(), "a")
		if err != nil {
			t.Fatal(err)
		}
		seen[string(content)] = true
	}
	for _, want := range []string{"....", "a...", "ab..", "abc."} {
		if !seen[want] {
			t.Errorf("no loss of power leaves %q: %v", want, seen)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("got %v, expected no later piece without those before", seen)
	}
}
