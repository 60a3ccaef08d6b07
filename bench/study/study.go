//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/vfs"
)

// Work is what was done; the package comment says what each is.
type Work string

// The works, in the order in which they are shown.
const (
	LogAppend   Work = "log-append"
	LogRead     Work = "log-read"
	RawWrite    Work = "raw-write"
	RawRead     Work = "raw-read"
	RandomRead  Work = "random-read"
	RandomWrite Work = "random-write"
)

// Works are all works.
var Works = []Work{LogAppend, LogRead, RawWrite, RawRead, RandomRead, RandomWrite}

// Unit returns the unit of a work's figures, as it stands in keys.
func (w Work) Unit() string {
	if w == RandomRead || w == RandomWrite {
		return "accesses_per_s"
	}
	return "mb_per_s"
}

// Store is where the bytes were.
type Store string

// The stores, in the order in which they are shown.
const (
	Memory    Store = "memory"
	PageCache Store = "page-cache"
	Device    Store = "device"
)

// Stores are all stores.
var Stores = []Store{Memory, PageCache, Device}

// Figure is what the runs of one work on one store measured: MB (10^6 bytes) or accesses a second.
type Figure struct {
	Work    Work
	Store   Store
	Samples []float64
}

// Median returns the median of the runs.
func (f *Figure) Median() float64 { return result.Median(f.Samples) }

// Low returns the least of the runs; 0 if there was none.
func (f *Figure) Low() float64 {
	if len(f.Samples) == 0 {
		return 0
	}
	return slices.Min(f.Samples)
}

// High returns the greatest of the runs; 0 if there was none.
func (f *Figure) High() float64 {
	if len(f.Samples) == 0 {
		return 0
	}
	return slices.Max(f.Samples)
}

// Config says how much to do. A zero field means its default.
type Config struct {
	// Dir is an existing directory on the disk to measure; the study works in a folder of its own in it, and removes
	// that at the end.
	Dir string
	// Bytes is the size of the log and of the files, by default 128 MiB.
	Bytes int64
	// Runs is how often each work is done, by default 5.
	Runs int
	// Longest and Accesses bound the random accesses of one run, by default 250 ms and 200,000.
	Longest  time.Duration
	Accesses int
	// Progress is told of every work that is done; nil means nobody listens.
	Progress func(done, total int)
}

// Sizes of what is moved at a time.
const (
	batchBytes  = 64 << 10
	chunkBytes  = 1 << 20
	accessBytes = 4 << 10
)

// Caveats say in sentences what the figures do not say.
func Caveats() []string {
	return []string{
		"Durability class page-cache: an append on disk returns once the kernel's page cache has the bytes. It " +
			"survives a kill of the process and not a loss of power. The device's figures say what waiting for the " +
			"disk costs.",
		"The page cache is memory: most of what “disk” gives a log that was just written is memory too, with " +
			"a system call and a copy around it.",
		"Before a read from the device the file's pages are dropped from this machine's page cache. A virtual disk " +
			"may have them cached on its host all the same, so a bare disk may well be slower.",
		"Memory means that the process keeps the bytes itself, in blocks that it allocates as a file grows and " +
			"copies bytes into and out of; so an append to memory pays for the allocator too; the raw copy does not.",
		"One thread, no network and no client. What else the machine does at the same time shows in the spread of " +
			"the runs.",
	}
}

// errTooSmall reports a size that gives no log.
var errTooSmall = errors.New("study: too few bytes")

// Run does every work on every store, Runs times, and returns the figures in the order of Works and Stores. A figure
// without samples could not be taken: the file system keeps pages that it was asked to drop.
func Run(ctx context.Context, c Config) ([]Figure, error) {
	c.defaults()
	if c.Bytes < 4*chunkBytes {
		return nil, fmt.Errorf("%w: got %d, expected at least %d", errTooSmall, c.Bytes, 4*chunkBytes)
	}
	dir, err := os.MkdirTemp(c.Dir, "study-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &study{Config: c, dir: dir}
	for _, w := range Works {
		for _, store := range Stores {
			s.figures = append(s.figures, Figure{Work: w, Store: store})
		}
	}
	steps := []func(run int) error{s.memoryLog, s.diskLog, s.memoryRaw, s.diskRaw, s.memoryFile, s.diskFile}
	for run := range c.Runs {
		for i, step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			runtime.GC()
			if err := step(run); err != nil {
				return nil, err
			}
			if c.Progress != nil {
				c.Progress(run*len(steps)+i+1, c.Runs*len(steps))
			}
		}
	}
	return s.figures, nil
}

func (c *Config) defaults() {
	if c.Bytes == 0 {
		c.Bytes = 128 << 20
	}
	if c.Runs <= 0 {
		c.Runs = 5
	}
	if c.Longest <= 0 {
		c.Longest = 250 * time.Millisecond
	}
	if c.Accesses <= 0 {
		c.Accesses = 200_000
	}
}

// study is the state of one Run.
type study struct {
	Config
	dir     string
	figures []Figure
}

// note keeps a sample: an amount, in bytes or accesses, and the time that it took.
func (s *study) note(w Work, store Store, amount int64, took time.Duration) {
	at := slices.Index(Works, w)*len(Stores) + slices.Index(Stores, store)
	rate := float64(amount) / took.Seconds()
	if w.Unit() == "mb_per_s" {
		rate /= 1e6
	}
	s.figures[at].Samples = append(s.figures[at].Samples, rate)
}

// path returns the name of a file or folder that is new in each run.
func (s *study) path(name string, run int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, run))
}

func (s *study) memoryLog(run int) error {
	fs := vfs.NewMem(vfs.MemOptions{})
	return s.log(fs, "log", run, Memory)
}

func (s *study) diskLog(run int) error {
	dir := s.path("log", run)
	if err := s.log(vfs.NewOS(), dir, run, PageCache); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func (s *study) memoryFile(run int) error {
	return s.file(vfs.NewMem(vfs.MemOptions{}), "file", run, Memory)
}

func (s *study) diskFile(run int) error {
	name := s.path("file", run)
	if err := s.file(vfs.NewOS(), name, run, PageCache); err != nil {
		return err
	}
	return os.Remove(name)
}
