//go:build linux

package study

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// partitionSet is the logs of one sample.
type partitionSet struct {
	study *session
	of    storeCase
	batch batch.Batch
	logs  []*commitlog.Log
	// appended counts the batches of all logs.
	appended int
}

// sizedBatch returns a batch of so many bytes, of records of about that size.
func sizedBatch(size, record int) (batch.Batch, error) {
	b, err := load.NewBatch(size, record, time.Now().UnixMilli())
	return b.Bytes, err
}

// open makes the logs.
func (p *partitionSet) open(fs vfs.FS, dir func(int) string) error {
	const resident = 1 << 10 // open files of sealed segments
	residents, config := segment.NewResidents(resident), logConfig()
	config.SegmentBytes = 1 << 30 // Kafka's default
	if p.of.durability.interval {
		config.FlushMs = p.study.Flush.Milliseconds()
	}
	for i := range p.of.partitions {
		l, _, err := commitlog.Open(commitlog.Options{
			FS: fs, Dir: dir(i), TopicID: base.UUID{0: 1, 14: byte(i >> 8), 15: byte(i)}, Config: config,
			Residents: residents, Wall: time.Now().UnixMilli(),
		})
		if err != nil {
			return err
		}
		p.logs = append(p.logs, l)
	}
	return nil
}

// append appends to the logs in turn and returns the MB a second that counted; see durability.
func (p *partitionSet) append() (float64, error) {
	d, s := p.of.durability, p.study
	most, longest := s.most(d, len(p.batch)), s.Each
	var flush *flusher
	if d.interval {
		// So long that one sync has begun beside the appends, unless that is too much for the store.
		longest = s.Flush + s.Each
		flush = newFlusher(p.logs[0], s.Flush)
	}
	wall, before := time.Now().UnixMilli(), p.appended
	took, err := until(longest, func() (bool, error) {
		for range max(d.every, 1) {
			if _, err := p.logs[p.appended%len(p.logs)].Append(p.batch, 0, wall); err != nil {
				return false, err
			}
			p.appended++
		}
		if flush != nil && p.appended-before == most/2 {
			flush.atLatest()
		}
		if d.every > 0 {
			if err := syncLog(p.logs[0]); err != nil {
				return false, err
			}
		}
		return p.appended-before < most, nil
	})
	if flush != nil {
		err = errors.Join(err, flush.end())
	}
	return float64(p.appended-before) * float64(len(p.batch)) / 1e6 / took.Seconds(), err
}

// syncLog makes durable what a log has.
func syncLog(l *commitlog.Log) error {
	job, ok := l.BeginSync()
	if !ok {
		return nil // one is under way, or the log says at the next append what is wrong
	}
	err := job.Run()
	_, ended := l.EndSync(job)
	return errors.Join(err, ended)
}

// flusher syncs a log at intervals, beside its appends.
type flusher struct {
	stop chan struct{}
	// half says that half of what may be appended is.
	half chan struct{}
	done sync.WaitGroup
	err  error
}

func newFlusher(l *commitlog.Log, every time.Duration) *flusher {
	f := &flusher{stop: make(chan struct{}), half: make(chan struct{})}
	due := time.NewTicker(every)
	f.done.Go(func() {
		defer due.Stop()
		half := f.half
		for {
			select {
			case <-f.stop:
				return
			case <-half:
				due.Reset(every)
			case <-due.C:
			}
			half = nil // there is a sync beside the appends
			f.err = errors.Join(f.err, syncLog(l))
		}
	})
	return f
}

// atLatest has the first sync begin now, unless it has begun.
func (f *flusher) atLatest() { close(f.half) }

// end waits for a sync that is under way.
func (f *flusher) end() error {
	close(f.stop)
	f.done.Wait()
	return f.err
}

// errSpan reports a read that gave less than there is.
var errSpan = errors.New("too few bytes read")

// read reads the logs from their start, one after the other, as a consumer far behind does, again and again.
func (p *partitionSet) read() (float64, error) {
	buffer := make([]byte, chunkBytes)
	at, next, read := 0, base.Offset(0), int64(0)
	took, err := until(p.study.Each, func() (bool, error) {
		l := p.logs[at]
		if next >= l.End() {
			at, next = (at+1)%min(len(p.logs), p.appended), 0
			l = p.logs[at]
		}
		r, err := l.Read(next, chunkBytes, l.End(), true)
		if err != nil {
			return false, err
		}
		defer r.Span.Release()
		whole := min(r.Span.Length, chunkBytes) / int64(len(p.batch)) // all batches are of one size
		n, err := r.Span.File.ReadAt(buffer[:whole*int64(len(p.batch))], r.Span.Offset)
		if whole == 0 || int64(n) < whole*int64(len(p.batch)) {
			return false, fmt.Errorf("%w: at %d: got %d, expected %d batches: %w", errSpan, next, n, whole, err)
		}
		next += base.Offset(whole) * p.records()
		read += int64(n)
		return true, nil
	})
	return float64(read) / 1e6 / took.Seconds(), err
}

// records returns the number of records of a batch.
func (p *partitionSet) records() base.Offset { return p.batch.NextOffset() - p.batch.BaseOffset() }

// lookUp looks offsets up anywhere in any of the logs, and returns how many a second.
func (p *partitionSet) lookUp() (float64, error) {
	draw, n := random(), 0
	took, err := until(p.study.Each, func() (bool, error) {
		const together = 16
		for range together {
			l := p.logs[draw.IntN(min(len(p.logs), p.appended))]
			r, err := l.Read(base.Offset(draw.Int64N(int64(l.End()))), lookupBytes, l.End(), false)
			if err != nil {
				return false, err
			}
			r.Span.Release()
		}
		n += together
		return true, nil
	})
	return float64(n) / took.Seconds(), err
}
