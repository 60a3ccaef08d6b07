//go:build linux

package study

import (
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/core/vfs"
)

// file fills one file and accesses it anywhere.
func (s *study) file(fs vfs.FS, name string, run int, store Store) error {
	f, err := fs.Open(name, vfs.Truncate)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	chunk := noise(chunkBytes)
	for at := int64(0); at < s.Bytes; at += chunkBytes {
		if _, err := f.WriteAt(chunk, at); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	a := &accesses{study: s, file: f, chunk: chunk[:accessBytes], random: rand.New(rand.NewPCG(uint64(run), 2))}
	if err := a.do(RandomRead, store, a.read); err != nil {
		return err
	}
	if err := a.do(RandomWrite, store, a.write); err != nil || store == Memory {
		return err
	}
	if err := a.do(RandomWrite, Device, a.writeThrough); err != nil {
		return err
	}
	fd := f.(vfs.Descriptor).Fd()
	dropped, err := limit.Drop(fd, s.Bytes)
	if err != nil || !dropped {
		return err
	}
	// Without this the kernel reads ahead, for accesses that never come.
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM); err != nil {
		return err
	}
	return a.do(RandomRead, Device, a.read)
}

// accesses are 4 KiB each, at random multiples of 4 KiB.
type accesses struct {
	study  *study
	file   vfs.File
	chunk  []byte
	random *rand.Rand
}

// do repeats an access until the time or the number is up, and syncs what it wrote without counting that.
func (a *accesses) do(w Work, store Store, access func(at int64) error) error {
	const together = 16
	places := a.study.Bytes / accessBytes
	began := time.Now()
	n, took := 0, time.Duration(0)
	for n < a.study.Accesses && took < a.study.Longest {
		for range together {
			if err := access(a.random.Int64N(places) * accessBytes); err != nil {
				return err
			}
		}
		n, took = n+together, time.Since(began)
	}
	a.study.note(w, store, int64(n), took)
	return a.file.Sync()
}

func (a *accesses) read(at int64) error {
	_, err := a.file.ReadAt(a.chunk, at)
	return err
}

func (a *accesses) write(at int64) error {
	_, err := a.file.WriteAt(a.chunk, at)
	return err
}

func (a *accesses) writeThrough(at int64) error {
	if err := a.write(at); err != nil {
		return err
	}
	return a.file.Sync()
}

// noise returns bytes that do not compress.
func noise(size int) []byte {
	random := rand.New(rand.NewPCG(1, 3))
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}
