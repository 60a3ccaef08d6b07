//go:build linux

package limit

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Loop is a loop that measures the machine alone: no client, no server.
type Loop struct {
	// Name begins with the limit's number, What says what it does, Bounds what it bounds.
	Name, What, Bounds string
	// Unit is the unit of its figure as it stands in keys.
	Unit string
	run  func(ctx context.Context, dir string, d time.Duration) (float64, error)
}

// Run measures for about that long. Files are made in dir and removed again.
func (l *Loop) Run(ctx context.Context, dir string, d time.Duration) (float64, error) {
	figure, err := l.run(ctx, dir, d)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", l.Name, err)
	}
	return figure, nil
}

// Loops returns all loops.
func Loops() []*Loop {
	return append([]*Loop{
		{
			"L0-syscall", "getppid, as often as it goes", "requests a second: each takes two system calls at least",
			"calls_per_s", systemCalls,
		},
		{
			"L0-wake", "two threads wake each other through eventfds", "latency: a record end to end wakes two threads",
			"us", threadWakes,
		},
		{
			"L0-goroutine", "two goroutines hand a value to each other", "latency inside a process", "us",
			goroutineWakes,
		},
		{
			"L0-round-trip", "one byte there and back over a loopback connection", "latency: a request and its answer",
			"us", roundTrips,
		},
		{
			"L6-write", "1 MiB at a time to the device (O_DIRECT), one after the other", "sustained produce",
			"mb_per_s", directWrites,
		},
		{
			"L6-read", "1 MiB at a time from the device (O_DIRECT), one after the other", "fetch of what is not cached",
			"mb_per_s", directReads,
		},
		{
			"L8-copy", "copies 64 MiB from memory to memory", "every copy between socket, buffer and page cache",
			"mb_per_s", copies,
		},
		{
			"L9-crc-4k", "CRC-32C of 4 KiB, again and again", "validation of small batches", "mb_per_s",
			func(_ context.Context, _ string, d time.Duration) (float64, error) { return checksums(4<<10, d) },
		},
		{
			"L9-crc-1m", "CRC-32C of 1 MiB, again and again", "validation of large batches", "mb_per_s",
			func(_ context.Context, _ string, d time.Duration) (float64, error) { return checksums(1<<20, d) },
		},
	}, jacobs()...)
}

// repeat does something until the time is over, and returns how often and how long.
func repeat(ctx context.Context, d time.Duration, each int, do func() error) (int64, time.Duration, error) {
	start := time.Now()
	for n := int64(0); ; n += int64(each) {
		took := time.Since(start)
		if n > 0 && took >= d || ctx.Err() != nil {
			return n, took, context.Cause(ctx)
		}
		for range each {
			if err := do(); err != nil {
				return n, took, err
			}
		}
	}
}

func systemCalls(ctx context.Context, _ string, d time.Duration) (float64, error) {
	n, took, err := repeat(ctx, d, 1000, func() error {
		_ = unix.Getppid()
		return nil
	})
	return float64(n) / took.Seconds(), err
}

// threadWakes is half of a round between two threads.
func threadWakes(ctx context.Context, _ string, d time.Duration) (float64, error) {
	var ends [2]int
	for i := range ends {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			return 0, err
		}
		defer unix.Close(fd)
		ends[i] = fd
	}
	one, stop := []byte{1, 0, 0, 0, 0, 0, 0, 0}, []byte{2, 0, 0, 0, 0, 0, 0, 0}
	other := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for got := make([]byte, 8); ; {
			if _, err := unix.Read(ends[0], got); err != nil || got[0] != one[0] {
				other <- err
				return
			}
			if _, err := unix.Write(ends[1], one); err != nil {
				other <- err
				return
			}
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	got := make([]byte, 8)
	n, took, err := repeat(ctx, d, 100, func() error {
		if _, err := unix.Write(ends[0], one); err != nil {
			return err
		}
		_, err := unix.Read(ends[1], got)
		return err
	})
	if _, werr := unix.Write(ends[0], stop); werr != nil {
		return 0, errors.Join(err, werr)
	}
	return took.Seconds() * 1e6 / float64(2*n), errors.Join(err, <-other)
}

func goroutineWakes(ctx context.Context, _ string, d time.Duration) (float64, error) {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
	}()
	defer close(there)
	n, took, err := repeat(ctx, d, 1000, func() error {
		there <- struct{}{}
		<-back
		return nil
	})
	return took.Seconds() * 1e6 / float64(2*n), err
}

func roundTrips(ctx context.Context, _ string, d time.Duration) (float64, error) {
	l, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	go func() {
		c, err := l.AcceptTCP()
		if err != nil {
			return
		}
		defer c.Close()
		// Byte by byte, until the other side ends.
		_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 1))
	}()
	c, err := Dial(ctx, l.Addr().String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	p := []byte{1}
	n, took, err := repeat(ctx, d, 100, func() error {
		if _, err := c.Write(p); err != nil {
			return err
		}
		_, err := io.ReadFull(c, p)
		return err
	})
	return took.Seconds() * 1e6 / float64(n), err
}

const (
	directChunk = 1 << 20
	directFile  = 256 << 20
)

// direct opens a new file for reads and writes that pass the page cache by, and calls do with it and a buffer that is
// aligned as such want it.
func direct(dir string, do func(fd int, chunk []byte) error) error {
	name := filepath.Join(dir, "direct")
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_DIRECT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	chunk, err := unix.Mmap(-1, 0, directChunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		for i := range chunk {
			chunk[i] = byte(i * 7)
		}
		err = errors.Join(do(fd, chunk), unix.Munmap(chunk))
	}
	return errors.Join(err, unix.Close(fd), os.Remove(name))
}

// moved moves chunks from the file's beginning on, again and again, and returns the rate.
func moved(ctx context.Context, d time.Duration, move func(at int64) (int, error)) (float64, error) {
	at := int64(0)
	n, took, err := repeat(ctx, d, 1, func() error {
		got, err := move(at)
		if err == nil && got != directChunk {
			err = fmt.Errorf("%w: got %d, expected %d", io.ErrShortWrite, got, directChunk)
		}
		at = (at + directChunk) % directFile
		return err
	})
	return float64(n) * directChunk / 1e6 / took.Seconds(), err
}

func directWrites(ctx context.Context, dir string, d time.Duration) (rate float64, err error) {
	err = direct(dir, func(fd int, chunk []byte) error {
		rate, err = moved(ctx, d, func(at int64) (int, error) { return unix.Pwrite(fd, chunk, at) })
		return err
	})
	return rate, err
}

func directReads(ctx context.Context, dir string, d time.Duration) (rate float64, err error) {
	err = filled(dir, func(fd int, chunk []byte) error {
		rate, err = moved(ctx, d, func(at int64) (int, error) { return unix.Pread(fd, chunk, at) })
		return err
	})
	return rate, err
}

func copies(ctx context.Context, _ string, d time.Duration) (float64, error) {
	const size = 64 << 20
	from, to := make([]byte, size), make([]byte, size)
	copy(to, from) // the kernel gives the pages now
	for i := range from {
		from[i] = byte(i)
	}
	n, took, err := repeat(ctx, d, 1, func() error {
		copy(to, from)
		return nil
	})
	return float64(n) * size / 1e6 / took.Seconds(), err
}

func checksums(size int, d time.Duration) (float64, error) {
	p := make([]byte, size)
	sum := uint32(0)
	n, took, err := repeat(context.Background(), d, 16, func() error {
		sum += crc32.Checksum(p, castagnoli)
		return nil
	})
	runtime.KeepAlive(sum)
	return float64(n) * float64(size) / 1e6 / took.Seconds(), err
}
