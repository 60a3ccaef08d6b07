//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// Subject is something to study.
type Subject struct {
	// Name is its name, What what is measured.
	Name, What string
	study      func(ctx context.Context, s *session) error
}

// Subjects returns all subjects.
func Subjects() []*Subject {
	return []*Subject{
		{"jacobs", "values of four bytes a second from disk and memory, beside those of 2009", studyJacobs},
		{"stores", "a log on the disk, on tmpfs and in memory: what is appended, read and looked up a second",
			studyStores},
		{"flatness", "the time of appends, lookups and opening by the size of the log", studyFlatness},
		{"zero-copy", "a cached file to a socket by sendfile, by read and write, and by splice", studyZeroCopy},
		{"loops", "the raw loops in Go and in C, in turn, driven by one client", studyLoops},
	}
}

// ErrSubject reports a subject that there is not.
var ErrSubject = errors.New("no such study")

// Find returns the subject of that name; "all" is all of them.
func Find(name string) ([]*Subject, error) {
	const all = "all"
	if name == all {
		return Subjects(), nil
	}
	names := []string{all}
	for _, s := range Subjects() {
		if s.Name == name {
			return []*Subject{s}, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("%w: got %q, expected one of %q", ErrSubject, name, names)
}

// Options say how to study. A zero field means its default, but for those of the first group.
type Options struct {
	// Dir is an existing folder on the disk to measure.
	Dir string
	// Loop makes the raw loop with the arguments that are wanted of it; dir is a folder of its own.
	Loop func(arguments func(dir string) ([]string, error)) peer.Peer

	// TmpFS is a folder in memory, by default /dev/shm.
	TmpFS string
	// Rounds is how often each figure is taken, by default 10.
	Rounds int
	// Each is about how long a sample takes, by default 75 ms for each of the many works in this process, and
	// four times that where sockets are involved.
	Each time.Duration
	// Bytes bounds what a sample appends to a log, by default 32 MiB.
	Bytes int64
	// Flush is flush.ms of the logs that are synced at intervals, by default 1 s.
	Flush time.Duration
	// Partitions are how many partitions the logs have beside one, by default 100 and 10,000.
	Partitions []int
	// Gigabytes are the sizes of the logs whose size is what is studied, by default 1, 10, 100 and 1000.
	Gigabytes []int
	// Progress is told of every sample; nil means nobody listens.
	Progress func(done, total int)
}

func (o *Options) defaults() {
	if o.TmpFS == "" {
		o.TmpFS = "/dev/shm"
	}
	if o.Rounds <= 0 {
		o.Rounds = 10
	}
	if o.Each <= 0 {
		o.Each = 75 * time.Millisecond
	}
	if o.Bytes <= 0 {
		o.Bytes = 32 << 20
	}
	if o.Flush <= 0 {
		o.Flush = time.Second
	}
	if o.Partitions == nil {
		o.Partitions = []int{100, 10_000}
	}
	if o.Gigabytes == nil {
		o.Gigabytes = []int{1, 10, 100, 1000}
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
}

// Study studies a subject. What goes wrong is the study's Failure, beside the figures until then.
func (s *Subject) Study(ctx context.Context, o Options) *result.Study {
	o.defaults()
	found := &result.Study{Name: s.Name, What: s.What, Rounds: o.Rounds}
	cpu := result.ReadCPU()
	err := context.Cause(ctx)
	if err == nil {
		err = s.study(ctx, &session{Options: o, found: found})
	}
	if err != nil {
		found.Failure = err.Error()
	}
	found.StealPercent = result.ReadCPU().StealSince(cpu)
	return found
}

// session is one study under way.
type session struct {
	Options
	found *result.Study
	done  int
	total int
}

// panel begins a panel.
func (s *session) panel(p result.Panel) *result.Panel {
	s.found.Panels = append(s.found.Panels, &p)
	return &p
}

// note says what a reader must know.
func (s *session) note(text string) { s.found.Notes = append(s.found.Notes, text) }

// step says that a sample is done, and ends a study whose context has ended.
func (s *session) step(ctx context.Context) error {
	s.done++
	s.Progress(s.done, s.total)
	return context.Cause(ctx)
}
