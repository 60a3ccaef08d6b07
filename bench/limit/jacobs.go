//go:build linux

package limit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The figures of A. Jacobs, "The Pathologies of Big Data", Communications of the ACM 52(8), 2009, figure 3, taken again
// with his method: values of four bytes, read a second, in order and at uniformly drawn places. On disk they pass the
// page cache by, as his reboot had emptied it; a virtual disk may be cached on its host all the same. In memory the
// places are drawn beforehand, and no load waits for another.
func jacobs() []*Loop {
	const bounds = "the sentence that sequential disk is faster than random memory"
	return []*Loop{
		{"L10-disk-sequential", "4-byte values of a file in order, 1 MiB at a time (O_DIRECT)", bounds, "values_per_s",
			diskInOrder},
		{"L10-disk-random", "one 4-byte value at a time from anywhere in a file (O_DIRECT)", bounds, "values_per_s",
			diskAtRandom},
		{"L10-memory-sequential", "4-byte values of 1 GiB of memory in order", bounds, "values_per_s", memoryInOrder},
		{"L10-memory-random", "4-byte values from anywhere in 1 GiB of memory", bounds, "values_per_s", memoryAtRandom},
	}
}

// Values returns the loops of Jacobs' figure and, beside them, those that read a file through the page cache: warm,
// where it has the file, and cold, where it was told to forget it.
func Values() []*Loop {
	loops := jacobs()
	for _, warm := range []bool{true, false} {
		state, how := "cold", "through the page cache, which has forgotten it"
		if warm {
			state, how = "warm", "through the page cache, which has it"
		}
		loops = append(loops,
			&Loop{"L10-" + state + "-sequential", "4-byte values of a file in order, 1 MiB at a time, " + how,
				"what a log costs that is read in order", "values_per_s",
				func(ctx context.Context, dir string, d time.Duration) (float64, error) {
					return bufferedInOrder(ctx, dir, d, warm)
				}},
			&Loop{"L10-" + state + "-random", "one 4-byte value at a time from anywhere in a file " + how,
				"what a log costs that is read anywhere", "values_per_s",
				func(ctx context.Context, dir string, d time.Duration) (float64, error) {
					return bufferedAtRandom(ctx, dir, d, warm)
				}})
	}
	return loops
}

const valueSize = 4

// values reads a slice of bytes as numbers; its beginning is aligned for them.
func values(p []byte) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(p))), len(p)/valueSize)
}

// total adds numbers up.
func total(p []int32) int64 {
	sum := int64(0)
	for _, v := range p {
		sum += int64(v)
	}
	return sum
}

// filled is direct with a file that has something everywhere.
func filled(dir string, do func(fd int, chunk []byte) error) error {
	return direct(dir, func(fd int, chunk []byte) error {
		for at := int64(0); at < directFile; at += directChunk {
			if _, err := unix.Pwrite(fd, chunk, at); err != nil {
				return err
			}
		}
		return do(fd, chunk)
	})
}

func diskInOrder(ctx context.Context, dir string, d time.Duration) (rate float64, err error) {
	sum := int64(0)
	err = filled(dir, func(fd int, chunk []byte) error {
		mb, err := moved(ctx, d, func(at int64) (int, error) {
			n, err := unix.Pread(fd, chunk, at)
			sum += total(values(chunk))
			return n, err
		})
		rate = mb * 1e6 / valueSize
		return err
	})
	runtime.KeepAlive(sum)
	return rate, err
}

func diskAtRandom(ctx context.Context, dir string, d time.Duration) (rate float64, err error) {
	const block = 4 << 10 // the least that passes the page cache by
	places := rand.New(rand.NewPCG(1, 2))
	sum := int64(0)
	err = filled(dir, func(fd int, chunk []byte) error {
		n, took, err := repeat(ctx, d, 1, func() error {
			at := places.Int64N(directFile / valueSize)
			got, err := unix.Pread(fd, chunk[:block], at*valueSize/block*block)
			if err == nil && got != block {
				err = fmt.Errorf("%w: got %d, expected %d", io.ErrUnexpectedEOF, got, block)
			}
			sum += int64(binary.NativeEndian.Uint32(chunk[at*valueSize%block:]))
			return err
		})
		rate = float64(n) / took.Seconds()
		return err
	})
	runtime.KeepAlive(sum)
	return rate, err
}

// memoryBytes is more than the caches of most processors hold.
const memoryBytes = 1 << 30

// leastMemory is what a machine must have so that nobody else misses these.
const leastMemory = 4 * memoryBytes

var errMemory = errors.New("the machine has too little memory for this loop")

// memory returns so many bytes of memory that the kernel has given, and how to give them back.
func memory() ([]byte, func() error, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil, nil, err
	}
	if have := info.Totalram * uint64(info.Unit); have < leastMemory {
		return nil, nil, fmt.Errorf("%w: got %d bytes, expected %d", errMemory, have, uint64(leastMemory))
	}
	p, err := unix.Mmap(-1, 0, memoryBytes, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return nil, nil, err
	}
	all := values(p)
	for i := range all {
		all[i] = int32(i)
	}
	return p, func() error { return unix.Munmap(p) }, nil
}

func memoryInOrder(ctx context.Context, _ string, d time.Duration) (float64, error) {
	p, end, err := memory()
	if err != nil {
		return 0, err
	}
	all, sum, at := values(p), int64(0), 0
	const step = 1 << 20
	n, took, err := repeat(ctx, d, 1, func() error {
		sum += total(all[at : at+step])
		at = (at + step) % len(all)
		return nil
	})
	runtime.KeepAlive(sum)
	return float64(n) * step / took.Seconds(), errors.Join(err, end())
}

func memoryAtRandom(ctx context.Context, _ string, d time.Duration) (float64, error) {
	p, end, err := memory()
	if err != nil {
		return 0, err
	}
	all := values(p)
	draw := rand.New(rand.NewPCG(3, 4))
	places := make([]uint32, 1<<20)
	n, spent := int64(0), time.Duration(0)
	sum := int64(0)
	for spent < d && ctx.Err() == nil {
		for i := range places {
			places[i] = draw.Uint32N(uint32(len(all)))
		}
		start := time.Now()
		for _, at := range places {
			sum += int64(all[at])
		}
		spent += time.Since(start)
		n += int64(len(places))
	}
	runtime.KeepAlive(sum)
	return float64(n) / spent.Seconds(), errors.Join(context.Cause(ctx), end())
}
