//go:build linux

package study

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/result"
)

// values are the loops of package limit, under the names of the groups, in the order in which they are drawn: Jacobs'
// own order by place, and what the page cache makes of a file.
var values = []struct{ loop, group string }{
	{"L10-disk-sequential", "in order, past the page cache"}, {"L10-cold-sequential", "in order, buffered, cold"},
	{"L10-warm-sequential", "in order, buffered, warm"}, {"L10-memory-sequential", "in order, memory"},
	{"L10-disk-random", "at random, past the page cache"}, {"L10-cold-random", "at random, buffered, cold"},
	{"L10-warm-random", "at random, buffered, warm"}, {"L10-memory-random", "at random, memory"},
}

// published are the values a second of 2009, beside the groups that they compare with.
var published = []struct {
	group, series string
	rate          float64
}{
	{"in order, past the page cache", "2009: disk", result.Jacobs2009.DiskInOrder},
	{"in order, past the page cache", "2009: SSD", result.Jacobs2009.SSDInOrder},
	{"in order, memory", "2009: memory", result.Jacobs2009.MemoryInOrder},
	{"at random, past the page cache", "2009: disk", result.Jacobs2009.DiskAtRandom},
	{"at random, past the page cache", "2009: SSD", result.Jacobs2009.SSDAtRandom},
	{"at random, memory", "2009: memory", result.Jacobs2009.MemoryAtRandom},
}

// studyJacobs takes the figures of package limit's loops in turn.
func studyJacobs(ctx context.Context, s *session) error {
	p := s.panel(result.Panel{
		Title: "Values of four bytes read a second", Unit: "values_per_s", Log: true,
		Note: "2009: A. Jacobs, “The Pathologies of Big Data”, Communications of the ACM 52(8), figure 3: eight " +
			"disks of 15,000 revolutions a minute in RAID 5, an SSD of that time, and a file of 4 GB. Here: a file " +
			"of 256 MiB and 1 GiB of memory.",
	})
	for _, v := range values {
		p.At(v.group, "here")
		for _, x := range published {
			if x.group == v.group {
				point := p.At(x.group, x.series)
				point.Samples, point.Published = []float64{x.rate}, true
			}
		}
	}
	s.note(deviceOf(s.Dir))
	s.note("Cold means that this machine's page cache was asked to forget the file and did; a virtual disk may be " +
		"cached on its host all the same, and past the page cache as well.")
	s.note("In memory the places are drawn beforehand, and no load waits for another.")
	loops := map[string]*limit.Loop{}
	for _, l := range limit.Values() {
		loops[l.Name] = l
	}
	s.total = s.Rounds * len(values)
	for range s.Rounds {
		for _, v := range values {
			point := p.At(v.group, "here")
			if figure, err := loops[v.loop].Run(ctx, s.Dir, s.Each); err != nil {
				point.Failure = err.Error() // such as a file system without O_DIRECT: the others have figures
			} else {
				point.Samples = append(point.Samples, figure)
			}
			if err := s.step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// deviceOf says in a sentence what the folder is on, as the kernel calls it.
func deviceOf(dir string) string {
	var stat unix.Stat_t
	if err := unix.Stat(dir, &stat); err != nil {
		return "The device is not known."
	}
	major, minor := unix.Major(stat.Dev), unix.Minor(stat.Dev)
	device, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", major, minor))
	if err != nil {
		return fmt.Sprintf("The folder is on no block device of its own (device %d:%d).", major, minor)
	}
	kind := "of unknown kind"
	for _, queue := range []string{"queue", "../queue"} { // a partition's queue is its disk's
		text, err := os.ReadFile(filepath.Join(device, queue, "rotational"))
		if err == nil {
			kind = "that does not turn, as an SSD"
			if strings.TrimSpace(string(text)) == "1" {
				kind = "that turns, or says so"
			}
			break
		}
	}
	return fmt.Sprintf("The disk here is %s, a device %s.", filepath.Base(device), kind)
}
