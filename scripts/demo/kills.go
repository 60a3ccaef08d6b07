package main

import (
	"context"
	"slices"
	"time"

	"github.com/gregor-log/gregor/consistency/history"
)

// kill is one kill of the broker in the middle of a load. Instants are since the load began.
type kill struct {
	// at is when the signal was sent, ready when the broker served again; start is what its start took of that.
	at, ready, start time.Duration
	// lines is how many had been acknowledged at the kill.
	lines int64
	// silenceFrom and silence are the longest time without an acknowledgement around the kill.
	silenceFrom, silence time.Duration
}

// Steps of the watch.
const (
	watchStep  = 2 * time.Millisecond
	sampleStep = 50 * time.Millisecond
)

// watch takes samples of a load until ctx ends, and kills the broker whenever another part of the load is done.
func (d *demo) watch(ctx context.Context, l *load, fail context.CancelCauseFunc, progress func(lines int64)) {
	tick := time.NewTicker(watchStep)
	defer tick.Stop()
	due := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, done := d.book.Now()-l.began, l.lines.Load()
		if now >= due {
			l.samples = append(l.samples, sample{now, done})
			due = now - now%sampleStep + sampleStep
			progress(done)
		}
		killed := int64(len(l.kills))
		if killed < int64(d.kills) && done >= d.input.lines*(killed+1)/int64(d.kills+1) && done < d.input.lines {
			// The samples go on meanwhile: that is when the line in the chart is flat.
			struck := make(chan error, 1)
			l.kills = append(l.kills, kill{at: now, lines: done})
			go func() { struck <- d.strike(l, &l.kills[killed]) }()
			if err := d.sampleUntil(struck, l); err != nil {
				fail(err)
				return
			}
			due = 0
		}
	}
}

// sampleUntil takes samples until the broker is back.
func (d *demo) sampleUntil(struck <-chan error, l *load) error {
	tick := time.NewTicker(sampleStep / 4)
	defer tick.Stop()
	for {
		select {
		case err := <-struck:
			return err
		case <-tick.C:
			l.samples = append(l.samples, sample{d.book.Now() - l.began, l.lines.Load()})
		}
	}
}

// strike kills the broker and starts it again.
func (d *demo) strike(l *load, k *kill) error {
	at := d.book.Now()
	if err := d.broker.Kill(); err != nil {
		return err
	}
	d.book.Event(history.Event{Time: int64(at), Node: nodeID, Name: history.EventKill})
	k.at = at - l.began
	started, err := d.broker.Start()
	if err != nil {
		return err
	}
	now := d.book.Now()
	d.book.Event(history.Event{Time: int64(now), Node: nodeID, Name: history.EventRestart})
	k.start, k.ready = started, now-l.began
	return nil
}

// measureKills finds how long clients waited around each kill: the longest time between two acknowledgements that
// ended after it and began before the broker was back.
func (l *load) measureKills() {
	slices.Sort(l.acks)
	for i := range l.kills {
		k := &l.kills[i]
		for j := 1; j < len(l.acks); j++ {
			from, to := l.acks[j-1], l.acks[j]
			if to > k.at && from < k.ready && to-from > k.silence {
				k.silenceFrom, k.silence = from, to-from
			}
		}
	}
}

// rates turns the samples into lines a second, over steps of a 30th of the load or sampleStep if that is more.
func (l *load) rates() (at []time.Duration, perSecond []float64) {
	last, least := sample{}, max(sampleStep, l.took/30)*9/10
	for _, s := range l.samples {
		took := s.at - last.at
		if took < least {
			continue
		}
		at = append(at, last.at+took/2)
		perSecond = append(perSecond, float64(s.lines-last.lines)/took.Seconds())
		last = s
	}
	return at, perSecond
}
