package vfs

import (
	"fmt"
	"testing"
)

// TestNoAllocations holds reads, writes and views to no allocation at all. The crashable Mem may grow its list of
// changes, and every Mem its chunks, so these write in place.
func TestNoAllocations(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		f := open(t, u.fs, u.at("f"), Create)
		p := make([]byte, 4096)
		write(t, f, string(make([]byte, 4*chunkSize)), 0)
		check(t, f.Sync())
		want := func(what string, call func() error) {
			t.Helper()
			allocs := testing.AllocsPerRun(100, func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%s: %v allocations, expected none", what, allocs)
			}
		}
		want("read", func() error { _, err := f.ReadAt(p, chunkSize-100); return err })
		if m, ok := u.fs.(*Mem); !ok || !m.opts.Crashable {
			want("write", func() error { _, err := f.WriteAt(p, chunkSize-100); return err })
		}
		m, ok := u.fs.(*Mem)
		if v, views := f.(Viewer); views && ok && m != nil {
			parts := make([][]byte, 0, 8)
			want("view", func() error { _, err := v.View(parts, 100, 3*chunkSize); return err })
		}
	})
}

func benchFile(b *testing.B, fs FS, name string) File {
	b.Helper()
	f, err := fs.Open(name, Truncate)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return f
}

func memKinds() map[string]func() FS {
	return map[string]func() FS{
		"mem":       func() FS { return NewMem(MemOptions{}) },
		"crashable": func() FS { return NewMem(MemOptions{Crashable: true}) },
	}
}

// BenchmarkMemAppend appends to files of up to 64 MiB.
func BenchmarkMemAppend(b *testing.B) {
	for kind, open := range memKinds() {
		for _, size := range []int{100, 4096, 64 << 10, 1 << 20} {
			b.Run(fmt.Sprint(kind, "/", size), func(b *testing.B) {
				f := benchFile(b, open(), "f")
				p := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				off := int64(0)
				for b.Loop() {
					if off += int64(size); off > 64<<20 {
						off = 0
						if err := f.Truncate(0); err != nil {
							b.Fatal(err)
						}
						_ = f.Sync()
					}
					if _, err := f.WriteAt(p, off); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMemAppendSync is what a simulated broker does most: a small append and a sync.
func BenchmarkMemAppendSync(b *testing.B) {
	f := benchFile(b, NewFaults(NewMem(MemOptions{Crashable: true}), nil), "f")
	p := make([]byte, 200)
	b.ReportAllocs()
	off := int64(0)
	for b.Loop() {
		if off += 200; off > 1<<20 {
			off = 0
		}
		_, _ = f.WriteAt(p, off)
		_ = f.Sync()
	}
}

func BenchmarkMemRead(b *testing.B) {
	f := benchFile(b, NewMem(MemOptions{}), "f")
	if _, err := f.WriteAt(make([]byte, 64<<20), 0); err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{100, 4096, 1 << 20} {
		p := make([]byte, size)
		b.Run(fmt.Sprint("copy/", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for i := int64(0); b.Loop(); i++ {
				_, _ = f.ReadAt(p, i*int64(size)%(63<<20))
			}
		})
		parts := make([][]byte, 0, 16)
		b.Run(fmt.Sprint("view/", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for i := int64(0); b.Loop(); i++ {
				_, _ = f.(Viewer).View(parts, i*int64(size)%(63<<20), size)
			}
		})
	}
}

// BenchmarkPowerLoss loses the power with 1,000 pending appends in 10 files.
func BenchmarkPowerLoss(b *testing.B) {
	m := NewMem(MemOptions{Crashable: true})
	p := make([]byte, 200)
	for i := range 1000 {
		f, err := m.Open(fmt.Sprint("f", i%10), Create)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = f.WriteAt(p, int64(i/10*200))
		_ = f.Close()
	}
	d := newDice(1)
	for b.Loop() {
		m.CrashClone(Random(d.Uint64, 500))
	}
}
