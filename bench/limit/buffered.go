//go:build linux

package limit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// buffered makes a file of directFile bytes, on the disk and in the page cache, and calls do with it.
func buffered(dir string, do func(fd int, chunk []byte) error) error {
	f, err := os.OpenFile(filepath.Join(dir, "buffered"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	chunk := make([]byte, directChunk)
	for i := range chunk {
		chunk[i] = byte(i * 7)
	}
	for at := int64(0); at < directFile && err == nil; at += directChunk {
		_, err = f.WriteAt(chunk, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = do(int(f.Fd()), chunk)
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// errCached reports a file whose pages stay in the page cache.
var errCached = errors.New("the file system keeps pages that it was asked to drop")

// Drop asks the kernel to forget the pages of a synced file of so many bytes, and reports whether it has.
func Drop(fd int, size int64) (bool, error) {
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		return false, err
	}
	const probes = 64
	held := 0
	for i := range int64(probes) {
		if cached(fd, size/probes*i) {
			held++
		}
	}
	return held <= probes/16, nil
}

// cached reports whether a byte of a file is in the page cache: a read that must not wait finds it. Where such reads
// are not known, nothing can be said, and the byte counts as cached.
func cached(fd int, at int64) bool {
	_, err := unix.Preadv2(fd, [][]byte{make([]byte, 1)}, at, unix.RWF_NOWAIT)
	return !errors.Is(err, unix.EAGAIN)
}

// forget is Drop of the loops' file; one that stays is an error.
func forget(fd int) error {
	dropped, err := Drop(fd, directFile)
	if err == nil && !dropped {
		err = errCached
	}
	return err
}

// passes repeats passes over the file until their time is up, which is theirs alone: before one that is to be cold the
// pages are dropped. Each returns how many values it read.
func passes(ctx context.Context, fd int, d time.Duration, warm bool, pass func() (int64, error)) (float64, error) {
	values, spent := int64(0), time.Duration(0)
	for spent < d && ctx.Err() == nil {
		if !warm {
			if err := forget(fd); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		n, err := pass()
		spent += time.Since(start)
		if err != nil {
			return 0, err
		}
		values += n
	}
	return float64(values) / spent.Seconds(), context.Cause(ctx)
}

func bufferedInOrder(ctx context.Context, dir string, d time.Duration, warm bool) (rate float64, err error) {
	sum := int64(0)
	err = buffered(dir, func(fd int, chunk []byte) error {
		rate, err = passes(ctx, fd, d, warm, func() (int64, error) {
			for at := int64(0); at < directFile; at += directChunk {
				if err := fullRead(fd, chunk, at); err != nil {
					return 0, err
				}
				sum += total(values(chunk))
			}
			return directFile / valueSize, nil
		})
		return err
	})
	runtime.KeepAlive(sum)
	return rate, err
}

func bufferedAtRandom(ctx context.Context, dir string, d time.Duration, warm bool) (rate float64, err error) {
	// So few of the pages of a cold file that hardly a second value is found where the first one was read.
	const together = directFile / (4 << 10) / 64
	places := rand.New(rand.NewPCG(5, 6))
	sum := int64(0)
	err = buffered(dir, func(fd int, chunk []byte) error {
		// Without this the kernel reads ahead, for values that nobody wants.
		if err := unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM); err != nil {
			return err
		}
		rate, err = passes(ctx, fd, d, warm, func() (int64, error) {
			for range together {
				if err := fullRead(fd, chunk[:valueSize], places.Int64N(directFile/valueSize)*valueSize); err != nil {
					return 0, err
				}
				sum += int64(binary.NativeEndian.Uint32(chunk))
			}
			return together, nil
		})
		return err
	})
	runtime.KeepAlive(sum)
	return rate, err
}

// fullRead fills p from a place of a file.
func fullRead(fd int, p []byte, at int64) error {
	n, err := unix.Pread(fd, p, at)
	if err == nil && n != len(p) {
		err = fmt.Errorf("%w: got %d bytes at %d, expected %d", io.ErrUnexpectedEOF, n, at, len(p))
	}
	return err
}
