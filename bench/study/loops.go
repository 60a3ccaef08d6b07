//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// loopTopic is the topic that requests to the loops name; no loop looks at it.
const loopTopic = "study"

// loopCase is one load, and the loop in both languages that it goes to.
type loopCase struct {
	name     string
	inGo     limit.Kind
	inC      limit.Kind
	size     int // of a batch; 0 is one record of 100 bytes
	inFlight int
	span     int64 // bytes of an answer, of spans
}

var loopCases = []loopCase{
	{"L2: receive, pwrite, answer; 64 KB", limit.Keep, limit.KeepC, 64 << 10, 4, 0},
	{"L3: receive, CRC-32C, pwrite, answer; 64 KB", limit.Store, limit.StoreC, 64 << 10, 4, 0},
	{"L5: receive, sendfile of 1 MiB", limit.Spans, limit.SpansC, 64 << 10, 1, 1 << 20},
	{"L5: receive, sendfile of 64 KB", limit.Spans, limit.SpansC, 64 << 10, 1, 64 << 10},
	{"L4: receive 1 record, pwrite, answer; one at a time", limit.Keep, limit.KeepC, 0, 1, 0},
	{"L4: receive 1 record, pwrite, answer; 64 in flight", limit.Keep, limit.KeepC, 0, 64, 0},
}

// small reports a load whose figure is requests, not bytes.
func (c *loopCase) small() bool { return c.size == 0 }

// loopStudy is the state of one study of loops.
type loopStudy struct {
	*session
	built  string // the folder of the programs in C
	source string // what spans are sent from
	withC  bool

	bytes, requests, ratios *result.Panel
}

const (
	spanBatches = 1024 // the length of what spans are sent from
	spanChecked = 61   // every so many answers are read whole and checked: a prime, so that all spans have their turn
)

// studyLoops drives the raw loops in Go and in C with one client, in turn, each in a fresh process.
func studyLoops(ctx context.Context, s *session) (err error) {
	l := &loopStudy{session: s}
	if l.built, err = os.MkdirTemp(s.Dir, "loops-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(l.built)) }()
	l.bytes = s.panel(result.Panel{Title: "Bytes through the loops", Unit: "mb_per_s"})
	l.requests = s.panel(result.Panel{Title: "Requests of one record through the loops", Unit: "requests_per_s"})
	l.withC = true
	for _, name := range []string{"store", "spans"} {
		if _, err := limit.Compile(ctx, l.built, name); errors.Is(err, limit.ErrCompiler) {
			l.withC = false
		} else if err != nil {
			return err
		}
	}
	s.note("One connection. The client is the load generator in Go, and takes a processor of its own where it can: " +
		"where the client is the limit, the loops look more alike than they are.")
	sides := []string{"Go"}
	if l.withC {
		sides = append(sides, "C")
		l.ratios = s.panel(result.Panel{
			Title: "The loop in Go as a multiple of the one in C", Unit: "ratio", Note: "1 is as fast, round by round.",
		})
	} else {
		s.note("There is no C compiler (cc) on this machine: these are the loops in Go alone.")
	}
	l.source = filepath.Join(l.built, "source.log")
	spans, err := loopCases[2].batch()
	if err == nil {
		err = spans.WriteLog(l.source, spanBatches)
	}
	if err != nil {
		return err
	}
	s.total = s.Rounds * len(loopCases) * len(sides)
	for round := range s.Rounds {
		for i := range loopCases {
			if err := l.round(ctx, &loopCases[i], sides, round); err != nil {
				return fmt.Errorf("%s: %w", loopCases[i].name, err)
			}
		}
	}
	return nil
}

// round takes a sample of each side; who is first changes.
func (l *loopStudy) round(ctx context.Context, c *loopCase, sides []string, round int) error {
	figures := map[string]float64{}
	for turn := range sides {
		side := sides[(round+turn)%len(sides)]
		figure, err := l.sample(ctx, c, side)
		if err != nil {
			return fmt.Errorf("in %s: %w", side, err)
		}
		figures[side] = figure
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	p := l.bytes
	if c.small() {
		p = l.requests
	}
	for _, side := range sides {
		p.Add(c.name, side, figures[side])
	}
	if l.withC {
		l.ratios.Add(c.name, "Go / C", figures["Go"]/figures["C"])
	}
	return nil
}

// errNoAnswers reports a loop that was too slow for its window.
var errNoAnswers = errors.New("no answer came")

// sample starts a loop, drives it and ends it.
func (l *loopStudy) sample(ctx context.Context, c *loopCase, side string) (figure float64, err error) {
	kind := c.inGo
	if side == "C" {
		kind = c.inC
	}
	b, err := c.batch()
	if err != nil {
		return 0, err
	}
	loop, err := l.Loop(func(dir string) ([]string, error) {
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		return []string{
			"--kind", string(kind), "--dir", dir, "--built", l.built, "--source", l.source, "--topic", loopTopic,
			"--batch-bytes", number(int64(len(b.Bytes))), "--batch-records", number(int64(b.Records)),
			"--span-bytes", number(c.span),
		}, nil
	}).Start(ctx, l.Dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, loop.End()) }()
	const times = 4 // connections and files take a while to be fast
	window := load.Window{Warm: l.Each, For: times * l.Each}
	var got load.Result
	if c.span > 0 {
		got, err = load.Fetch{
			Address: loop.Address, Topic: loopTopic, Connections: 1, InFlight: c.inFlight,
			BatchBytes: int64(len(b.Bytes)), BatchRecords: int64(b.Records), Batches: spanBatches,
			SpanBatches: c.span / int64(len(b.Bytes)), CheckEvery: spanChecked, Window: window,
		}.Run(ctx)
	} else {
		got, err = load.Produce{
			Address: loop.Address, Topic: loopTopic, Partitions: 1, Connections: 1, InFlight: c.inFlight, Batch: b,
			Acks: 1, Window: window,
		}.Run(ctx)
	}
	if err == nil && got.Requests == 0 {
		err = fmt.Errorf("%w in %v", errNoAnswers, window.For)
	}
	if c.small() {
		return got.RequestsPerSecond(), err
	}
	return got.MBPerSecond(), err
}

// batch returns the batch of the load.
func (c *loopCase) batch() (load.Batch, error) {
	const small, record = 100, 1000
	if c.small() {
		return load.NewRecord(small, time.Now().UnixMilli())
	}
	return load.NewBatch(c.size, record, 1)
}
