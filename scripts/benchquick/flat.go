//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// flatSize is one size of log that the flat rows compare with the others.
type flatSize struct {
	key      string
	segments int
}

var flatSizes = []flatSize{{"1gb", 1}, {"100gb", 100}, {"1tb", 1000}}

const (
	flatRounds = 41
	flatCalls  = 2000 // a round and log
	flatTarget = 0.03
	flatBatch  = 4 << 10
)

// flatLogs are open sparse logs, in the order of flatSizes.
type flatLogs []*commitlog.Log

// flatWork is one kind of call.
type flatWork struct {
	// prepare is called before each round and log, off the clock; it may be nil.
	prepare func(i int) error
	// run makes flatCalls calls to log i.
	run func(i int) error
}

// flatRows compares the time of an append and of a lookup in logs of 1 GB, 100 GB and 1 TB. The logs take turns, round
// by round; a row's figure is the one ratio among the larger logs' that is farthest from 1, each the median over rounds
// of that log's time over the smallest log's in the same round.
//
// The lookups of a round go to the 64 places of one segment, another one in each round, in random order: so the caches
// of the machine hold as much of each log, and what differs is the search. Lookups anywhere in the log are facts of
// the row: there the kernel's and the processor's caches have a thousand times as much to hold.
func (b *bench) flatRows(ctx context.Context) error {
	appends, lookups := b.wanted("flat-append"), b.wanted("flat-lookup")
	if b.broker != "" || !appends && !lookups {
		return nil
	}
	logs, err := b.openFlat()
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range logs {
			l.Abandon()
		}
	}()
	if lookups {
		var segment int
		row, err := logs.row(ctx, "flat-lookup", flatWork{
			prepare: func(i int) error {
				segment = rand.IntN(flatSizes[i].segments)
				return logs.lookupAll(i, segment)
			},
			run: func(i int) error { return logs.lookupIn(i, func() int { return segment }) },
		})
		if err != nil {
			return err
		}
		anywhere, err := logs.rounds(ctx, flatWork{run: func(i int) error {
			return logs.lookupIn(i, func() int { return rand.IntN(flatSizes[i].segments) })
		}})
		if err != nil {
			return err
		}
		for i, size := range flatSizes {
			row.Facts.Add("anywhere_"+size.key+"_ns", result.Median(anywhere[i]))
		}
		b.add(row)
	}
	if appends {
		appended, err := load.NewBatch(flatBatch, fetchRecord, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		row, err := logs.row(ctx, "flat-append", flatWork{
			run: func(i int) error { return logs.append(i, appended.Bytes) },
		})
		if err != nil {
			return err
		}
		b.add(row)
	}
	return nil
}

// openFlat makes the logs and opens them.
func (b *bench) openFlat() (flatLogs, error) {
	var logs flatLogs
	fs := vfs.NewOS()
	for _, size := range flatSizes {
		dir := filepath.Join(b.dir, "flat-"+size.key)
		if err := study.MakeSparse(fs, dir, size.segments); err != nil {
			return logs, fmt.Errorf("sparse log of %s: %w", size.key, err)
		}
		log, _, err := commitlog.Open(study.SparseOptions(fs, dir))
		if err != nil {
			return logs, err
		}
		logs = append(logs, log)
	}
	return logs, nil
}

// rounds calls work for each log in turn and returns the nanoseconds a call, by log and round.
func (l flatLogs) rounds(ctx context.Context, work flatWork) ([][]float64, error) {
	times := make([][]float64, len(l))
	for round := range flatRounds + 1 {
		for turn := range l {
			i := (round + turn) % len(l)
			if work.prepare != nil {
				if err := work.prepare(i); err != nil {
					return nil, fmt.Errorf("log of %s: %w", flatSizes[i].key, err)
				}
			}
			start := time.Now()
			if err := work.run(i); err != nil {
				return nil, fmt.Errorf("log of %s: %w", flatSizes[i].key, err)
			}
			took := time.Since(start)
			if round > 0 { // the first one fills caches
				times[i] = append(times[i], float64(took)/flatCalls)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// row measures one kind of call.
func (l flatLogs) row(ctx context.Context, name string, work flatWork) (*result.Row, error) {
	cpu := result.ReadCPU()
	times, err := l.rounds(ctx, work)
	if err != nil {
		return nil, err
	}
	row := &result.Row{
		Name: name, Reached: 1, Target: result.Target{Figure: "time/1gb", Bound: result.Near, Value: flatTarget},
		Settings: result.Fields{{Key: "rounds", Value: flatRounds}, {Key: "calls_per_round", Value: flatCalls}},
	}
	for i, size := range flatSizes {
		row.Facts.Add(size.key+"_ns", result.Median(times[i]))
	}
	for i, size := range flatSizes[1:] {
		ratios := make([]float64, flatRounds)
		for round := range ratios {
			ratios[round] = times[i+1][round] / times[0][round]
		}
		ratio := result.Median(ratios)
		row.Facts.Add(size.key+"_over_1gb", ratio)
		if math.Abs(ratio-1) > math.Abs(row.Reached-1) {
			row.Reached = ratio
		}
	}
	row.Facts.Add("steal_percent", result.ReadCPU().StealSince(cpu))
	return row, nil
}

func (l flatLogs) append(i int, p batch.Batch) error {
	for range flatCalls {
		if _, err := l[i].Append(p, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// lookupAll looks up every place of a segment once.
func (l flatLogs) lookupAll(i, segment int) error {
	for place := range study.SparsePlaces {
		if err := study.LookUp(l[i], segment, place); err != nil {
			return err
		}
	}
	return nil
}

// lookupIn looks up random places of the segments that draw returns.
func (l flatLogs) lookupIn(i int, draw func() int) error {
	for range flatCalls {
		if err := study.LookUp(l[i], draw(), rand.IntN(study.SparsePlaces)); err != nil {
			return err
		}
	}
	return nil
}

// openRow counts the reads of .log files while a log of 1,000 segments is opened that was closed cleanly.
func (b *bench) openRow(context.Context) error {
	const name = "open-1000-clean"
	if b.broker != "" || !b.wanted(name) {
		return nil
	}
	const segments = 1000
	dir := filepath.Join(b.dir, "open")
	if err := study.MakeSparse(vfs.NewOS(), dir, segments); err != nil {
		return err
	}
	var reads, opens atomic.Int64
	fs := vfs.NewFaults(vfs.NewOS(), func(op vfs.Op) vfs.Decision {
		if strings.HasSuffix(op.Name, ".log") {
			switch op.Kind {
			case vfs.OpRead:
				reads.Add(1)
			case vfs.OpOpen:
				opens.Add(1)
			}
		}
		return vfs.Decision{}
	})
	start := time.Now()
	log, _, err := commitlog.Open(study.SparseOptions(fs, dir))
	took := time.Since(start)
	if err != nil {
		return err
	}
	defer log.Abandon()
	b.add(&result.Row{
		Name: name, Reached: float64(reads.Load()),
		Settings: result.Fields{{Key: "segments", Value: log.SegmentCount()},
			{Key: "log_gib", Value: log.Size() >> 30}},
		Target: result.Target{Figure: ".log reads", Bound: result.AtMost, Value: 0},
		Facts: result.Fields{
			{Key: "log_files_opened", Value: opens.Load()}, {Key: "file_system_calls", Value: fs.Calls()},
			{Key: "open_ms", Value: float64(took) / float64(time.Millisecond)},
		},
	})
	return nil
}
