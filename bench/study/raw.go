//go:build linux

package study

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/limit"
)

// memoryRaw copies the bytes in and out of memory that the process has used before.
func (s *study) memoryRaw(int) error {
	slab := make([]byte, s.Bytes/chunkBytes*chunkBytes)
	chunk := noise(chunkBytes)
	for at := 0; at < len(slab); at += chunkBytes { // the kernel hands memory out when it is first touched
		copy(slab[at:], chunk)
	}
	began := time.Now()
	for at := 0; at < len(slab); at += chunkBytes {
		copy(slab[at:], chunk)
	}
	s.note(RawWrite, Memory, int64(len(slab)), time.Since(began))
	began = time.Now()
	for at := 0; at < len(slab); at += chunkBytes {
		copy(chunk, slab[at:])
	}
	s.note(RawRead, Memory, int64(len(slab)), time.Since(began))
	return nil
}

// diskRaw writes the bytes to a file and reads them back, with the system's calls alone.
func (s *study) diskRaw(run int) error {
	name := s.path("raw", run)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	chunk := noise(chunkBytes)
	began := time.Now()
	size := int64(0)
	for ; size+chunkBytes <= s.Bytes; size += chunkBytes {
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	s.note(RawWrite, PageCache, size, time.Since(began))
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return err
	}
	s.note(RawWrite, Device, size, time.Since(began))
	if err := s.readRaw(f, chunk, PageCache); err != nil {
		return err
	}
	dropped, err := limit.Drop(int(f.Fd()), size)
	if err != nil {
		return err
	}
	if dropped {
		if err := s.readRaw(f, chunk, Device); err != nil {
			return err
		}
	}
	return os.Remove(name)
}

func (s *study) readRaw(f *os.File, chunk []byte, store Store) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	began := time.Now()
	size := int64(0)
	for {
		n, err := f.Read(chunk)
		size += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	s.note(RawRead, store, size, time.Since(began))
	return nil
}
