//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/vfs"
)

// durability is when an append counts.
type durability struct {
	name string
	// every is after how many appends a sync ends before the next append begins; 0 is never.
	every int
	// interval has a sync begin each flush.ms, beside the appends.
	interval bool
}

var durabilities = []durability{
	{name: "page-cache"}, {name: "interval", interval: true}, {name: "fsync", every: 1},
	{name: "fsync of 64", every: 64},
}

// storeCase is one setting of the three factors.
type storeCase struct {
	name       string
	durability durability
	record     int
	partitions int
}

// storePanel is cases that differ in one factor.
type storePanel struct {
	factor string
	cases  []storeCase
}

// storePanels vary one factor at a time around 1 KB, one partition, page-cache.
func (o *Options) storePanels() []storePanel {
	middle := storeCase{durability: durabilities[0], record: 1000, partitions: 1}
	durable, sizes, partitions := storePanel{factor: "durability"}, storePanel{factor: "record size"},
		storePanel{factor: "partitions"}
	for _, d := range durabilities {
		c := middle
		c.name, c.durability = d.name, d
		durable.cases = append(durable.cases, c)
	}
	for _, size := range []int{10, 100, 1000, 10_000} {
		c := middle
		c.name, c.record = sizeName(size), size
		sizes.cases = append(sizes.cases, c)
	}
	for _, n := range append([]int{1}, o.Partitions...) {
		c := middle
		c.name, c.partitions = fmt.Sprintf("%d partitions", n), n
		if n == 1 {
			c.name = "1 partition"
		}
		partitions.cases = append(partitions.cases, c)
	}
	return []storePanel{durable, sizes, partitions}
}

func sizeName(size int) string {
	if size >= 1000 {
		return fmt.Sprintf("%d KB", size/1000)
	}
	return fmt.Sprintf("%d B", size)
}

// place is where a log can be.
type place struct {
	name string
	// open returns a file system with room for so many bytes and a new folder on it, and what removes that again.
	open func(room int64) (vfs.FS, string, func() error, error)
}

// errPlace reports a place that cannot take a log here.
var errPlace = errors.New("no place for a log")

// places are the disk, tmpfs and memory.
func (o *Options) places() []place {
	below := func(parent string, check func(string, int64) error) func(int64) (vfs.FS, string, func() error, error) {
		return func(room int64) (vfs.FS, string, func() error, error) {
			if err := check(parent, room); err != nil {
				return nil, "", nil, err
			}
			dir, err := os.MkdirTemp(parent, "gregor-study-")
			return vfs.NewOS(), dir, func() error { return os.RemoveAll(dir) }, err
		}
	}
	memory := func(room int64) (vfs.FS, string, func() error, error) {
		return vfs.NewMem(vfs.MemOptions{}), "logs", func() error { return nil }, checkMemory(room)
	}
	return []place{
		{"disk", below(o.Dir, checkDisk)}, {"tmpfs", below(o.TmpFS, checkTmpFS)}, {"memory", memory},
	}
}

// checkDisk says whether the file system of a folder has room for so many bytes.
func checkDisk(dir string, room int64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("%w: %s: %w", errPlace, dir, err)
	}
	if free := int64(s.Bavail) * s.Bsize; free < room {
		return fmt.Errorf("%w: got %d bytes free in %s, expected %d", errPlace, free, dir, room)
	}
	return nil
}

// checkTmpFS says whether a folder is on a tmpfs that has room, as have the machine's memory.
func checkTmpFS(dir string, room int64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("%w: %s: %w", errPlace, dir, err)
	}
	if s.Type != unix.TMPFS_MAGIC {
		return fmt.Errorf("%w: got a file system of type %#x in %s, expected a tmpfs", errPlace, s.Type, dir)
	}
	if err := checkDisk(dir, room); err != nil {
		return err
	}
	return checkMemory(room)
}

// checkMemory says whether the machine has so much memory to give away, by what the kernel makes of it.
func checkMemory(room int64) error {
	const from = "/proc/meminfo"
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("%w: %w", errPlace, err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); err != nil {
			continue
		}
		if free := kilobytes << 10; free < room {
			return fmt.Errorf("%w: got %d bytes of memory available, expected %d", errPlace, free, room)
		}
		return nil
	}
	return fmt.Errorf("%w: got no MemAvailable in %s", errPlace, from)
}

// lacks reports an error that is the place's, such as a file system that is full, and not one of the log.
func lacks(err error) bool {
	for _, lack := range []error{
		errPlace, vfs.ErrNoSpace, os.ErrPermission, unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.ENOMEM, unix.EMFILE,
		unix.ENFILE,
	} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// The works on a store, with their units.
var storeWorks = []struct{ title, unit string }{
	{"Appended", "mb_per_s"}, {"Read from the start, up to 1 MiB at a time", "mb_per_s"},
	{"Looked up by offset", "lookups_per_s"},
}

// studyStores compares a log in three places, through gregor's own code, without a network.
func studyStores(ctx context.Context, s *session) error {
	s.note("Batches of 64 KB, appended as a leader appends them; a fetch copies what it reads; a lookup finds where " +
		"an offset is and reads no records. One thread does all, but for the syncs of the class interval.")
	s.note("page-cache: an append counts once the store has the bytes. interval: the same, and a sync begins " +
		"every " + fmt.Sprint(s.Flush) + " beside the appends; a sample ends at " +
		fmt.Sprint(s.intervalBytes()>>20) + " MiB, and where half of that comes before the first sync is due, one " +
		"begins then. fsync: a sync ends before the next append begins. fsync of 64: one sync for 64 appends, as " +
		"when so many wait for it.")
	s.note("The rate of fsync counts the bytes of whole batches of 64 KB; a sync in memory is a call that returns. " +
		"With 10,000 partitions the places take no turns, as all rounds of one share their logs.")
	panels := s.storePanels()
	for _, p := range panels {
		for _, c := range p.cases {
			s.total += len(s.places()) * s.roundsOf(c)
		}
	}
	for _, p := range panels {
		drawn := make([]*result.Panel, len(storeWorks))
		for i, w := range storeWorks {
			if i > 0 && p.factor == "durability" {
				continue // which is nothing to a read
			}
			drawn[i] = s.panel(result.Panel{Title: w.title + ", by " + p.factor, Unit: w.unit, Log: true})
		}
		for _, c := range p.cases {
			if err := s.storeCase(ctx, c, drawn); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

// roundsOf is fewer where a sample takes flush.ms, or has many logs to open.
func (s *session) roundsOf(c storeCase) int {
	const fewest = 3
	if c.durability.interval || c.many() {
		return min(s.Rounds, fewest)
	}
	return s.Rounds
}

// intervalBytes bounds what a sample appends to a log that is synced at intervals, by default 512 MiB: it goes on until
// a sync has begun, and a store in memory takes gigabytes until then.
func (s *session) intervalBytes() int64 {
	const times = 16
	return times * s.Bytes
}

// most is how many batches a sample appends at most.
func (s *session) most(d durability, batch int) int {
	if d.interval {
		return int(max(s.intervalBytes()/int64(batch), 2))
	}
	return int(max(s.Bytes/int64(batch), int64(d.every)))
}

// room is how many bytes a place must have for the logs of a case: twice what is appended to them, as an index and
// others' files want some too.
func (s *session) room(c storeCase) int64 {
	room := 2 * int64(s.most(c.durability, batchBytes)) * batchBytes
	if c.many() {
		room *= int64(s.roundsOf(c))
	}
	return room
}

// many reports that opening the logs takes so long that all rounds share them.
func (c *storeCase) many() bool { return c.partitions >= 1000 }

// storeCase takes one case's samples, the places in turn: but where all rounds share their logs, one place after the
// other, as the open files of one are as many as a process may well have. A place that cannot take the logs fails in
// its figures of this case alone: the others have theirs.
func (s *session) storeCase(ctx context.Context, c storeCase, panels []*result.Panel) error {
	b, err := sizedBatch(batchBytes, c.record)
	if err != nil {
		return err
	}
	places, rounds := s.places(), s.roundsOf(c)
	failed := map[string]bool{}
	take := func(at place, kept **store) error {
		if failed[at.name] {
			return s.step(ctx)
		}
		figures, err := s.storeSample(at, kept, &partitionSet{batch: b, of: c, study: s})
		failed[at.name] = err != nil
		if err != nil && !lacks(err) {
			return fmt.Errorf("%s: %w", at.name, err)
		}
		for i, p := range panels {
			switch {
			case p != nil && err != nil:
				p.At(c.name, at.name).Failure = err.Error()
			case p != nil:
				p.Add(c.name, at.name, figures[i])
			}
		}
		return s.step(ctx)
	}
	if !c.many() {
		for i := range rounds * len(places) {
			if err := takeFresh(places[(i/len(places)+i)%len(places)], take); err != nil {
				return err
			}
		}
		return nil
	}
	for _, at := range places {
		err := takeFresh(at, func(at place, kept **store) error {
			for range rounds {
				if err := take(at, kept); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeFresh takes samples from new logs, and ends those.
func takeFresh(at place, take func(place, **store) error) error {
	var kept *store
	err := take(at, &kept)
	if kept != nil {
		err = errors.Join(err, kept.end())
	}
	return err
}

// store is logs that are open.
type store struct {
	logs   *partitionSet
	remove func() error
}

// end lets the logs go and removes them.
func (s *store) end() error {
	for _, l := range s.logs.logs {
		l.Abandon()
	}
	return s.remove()
}

// storeSample makes new logs, or takes those that are there, appends to them, reads them and looks offsets up.
func (s *session) storeSample(at place, kept **store, logs *partitionSet) (figures []float64, _ error) {
	if *kept == nil {
		fs, dir, remove, err := at.open(s.room(logs.of))
		if err != nil {
			return nil, err
		}
		runtime.GC() // what another sample held in memory is not this one's to collect
		*kept = &store{logs, remove}
		err = logs.open(fs, func(i int) string { return filepath.Join(dir, fmt.Sprintf("study-%d", i)) })
		if err != nil {
			return nil, err
		}
	}
	sample := (*kept).logs
	for _, work := range []func() (float64, error){sample.append, sample.read, sample.lookUp} {
		figure, err := work()
		if err != nil {
			return nil, err
		}
		figures = append(figures, figure)
	}
	return figures, nil
}

// until repeats a step until the time is up, or the step says that there is no more to do.
func until(d time.Duration, step func() (more bool, err error)) (time.Duration, error) {
	start := time.Now()
	for {
		more, err := step()
		if took := time.Since(start); err != nil || !more || took >= d {
			return took, err
		}
	}
}

// random is where offsets to look up are drawn from.
func random() *rand.Rand { return rand.New(rand.NewPCG(7, 8)) }
