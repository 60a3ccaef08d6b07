package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
)

// TestConcurrentAppendAndRead lets one writer append to each of a few files while readers read and view them and others
// rename, list and sync. Run it with -race. A reader must find every byte below the size that it saw.
func TestConcurrentAppendAndRead(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		const files, writes, readers = 3, 200, 2
		var wg sync.WaitGroup
		for i := range files {
			name := u.at(fmt.Sprint("f", i))
			f := open(t, u.fs, name, Create)
			wg.Go(func() { appendRuns(t, f, writes) })
			for r := range readers {
				g := open(t, u.fs, name, Read)
				wg.Go(func() { readRuns(t, g, writes, r == 0) })
			}
			wg.Go(func() { busyNames(t, u, i) })
		}
		wg.Wait()
	})
}

const runLen = 777

// appendRuns appends runs of one byte each; the n-th run is of the byte n.
func appendRuns(t *testing.T, f File, writes int) {
	for i := range writes {
		if _, err := f.WriteAt(bytes.Repeat([]byte{byte(i)}, runLen), int64(i)*runLen); err != nil {
			t.Error(err)
		}
		if i%50 == 0 {
			if err := f.Sync(); err != nil {
				t.Error(err)
			}
		}
	}
}

func readRuns(t *testing.T, f File, writes int, view bool) {
	p := make([]byte, writes*runLen)
	var parts [][]byte
	for size := int64(0); size < int64(writes)*runLen; {
		var err error
		if size, err = f.Size(); err != nil {
			t.Error(err)
			return
		}
		got := p[:size]
		v, ok := f.(Viewer)
		if view && ok {
			if parts, err = v.View(parts[:0], 0, int(size)); err == nil {
				got = bytes.Join(parts, nil)
			}
		} else {
			_, err = f.ReadAt(got, 0)
		}
		if err != nil && (err != io.EOF || size > 0) {
			t.Errorf("%d bytes: %v", size, err)
			return
		}
		for i, b := range got {
			if b != byte(i/runLen) {
				t.Errorf("byte %d is %d", i, b)
				return
			}
		}
	}
}

func busyNames(t *testing.T, u under, i int) {
	dir := u.at(fmt.Sprint("d", i))
	for n := range 30 {
		name := fmt.Sprint(dir, "/", n)
		err := errors.Join(u.fs.Mkdir(dir), WriteFileAtomic(u.fs, name, []byte("x")), u.fs.Rename(name, name+".old"))
		if _, listErr := u.fs.List(u.root); listErr != nil {
			err = listErr
		}
		lock, lockErr := u.fs.Lock(dir + "/.lock")
		if err = errors.Join(err, lockErr); err != nil {
			t.Error(err)
			return
		}
		if err := errors.Join(lock.Close(), RemoveAll(u.fs, dir)); err != nil {
			t.Error(err)
		}
	}
}

// TestConcurrentPowerLoss takes the power away while others write: what returned without an error and was synced must
// be there, and nothing may race.
func TestConcurrentPowerLoss(t *testing.T) {
	m := NewMem(MemOptions{Crashable: true})
	for life := range 10 {
		var wg sync.WaitGroup
		var synced [3]int
		started := make(chan bool, len(synced))
		for i := range synced {
			f := open(t, m, fmt.Sprint("f", i), Truncate)
			wg.Go(func() {
				for n := 1; ; n++ {
					_, err := f.WriteAt(bytes.Repeat([]byte{byte(n)}, runLen), int64(n-1)*runLen)
					if err = errors.Join(err, f.Sync()); err != nil {
						if !errors.Is(err, ErrPowerLost) {
							t.Error(err)
						}
						return
					}
					synced[i] = n
					if n == 5 {
						started <- true
					}
				}
			})
		}
		check(t, m.SyncDir("/"))
		for range synced {
			<-started
		}
		m.PowerLoss(Random(newDice(uint64(life)).Uint64, 500))
		wg.Wait()
		m.Restart()
		for i, n := range synced {
			got, err := ReadFile(m, fmt.Sprint("f", i))
			check(t, err)
			if len(got) < n*runLen {
				t.Fatalf("life %d: %d bytes found, %d synced", life, len(got), n*runLen)
			}
			for at, b := range got[:n*runLen] {
				if b != byte(at/runLen+1) {
					t.Fatalf("life %d: byte %d of file %d is %d", life, at, i, b)
				}
			}
		}
	}
}
