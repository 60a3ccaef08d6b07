//go:build unix

package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
)

// taskPool runs the broker's tasks: urgent ones on several goroutines, since syncs of several files share what the disk
// does, all others on one of its own.
type taskPool struct {
	s  *Server
	mu struct {
		sync.Mutex
		urgent, rest []broker.Task
		left         int // tasks that are queued or run, or whose effects are not carried out
		closed       bool
	}
	urgent, rest *sync.Cond
	idle         *sync.Cond // nothing is left
	workers      sync.WaitGroup
}

// urgentWorkers is how many syncs may run at once.
const urgentWorkers = 8

func (p *taskPool) start(s *Server) {
	p.s = s
	s.syncs.Init(&broker.Durations)
	p.urgent, p.rest, p.idle = sync.NewCond(&p.mu), sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	for range urgentWorkers {
		p.workers.Go(func() { p.work(p.urgent, &p.mu.urgent) })
	}
	p.workers.Go(func() { p.work(p.rest, &p.mu.rest) })
}

func (p *taskPool) submit(t broker.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.left++
	if t.Urgent() {
		p.mu.urgent = append(p.mu.urgent, t)
		p.urgent.Signal()
		return
	}
	p.mu.rest = append(p.mu.rest, t)
	p.rest.Signal()
}

// work runs tasks of one queue until the pool is stopped.
func (p *taskPool) work(ready *sync.Cond, queue *[]broker.Task) {
	var effects broker.Effects
	for {
		p.mu.Lock()
		for len(*queue) == 0 && !p.mu.closed {
			ready.Wait()
		}
		if len(*queue) == 0 {
			p.mu.Unlock()
			return
		}
		t := (*queue)[0]
		(*queue)[0] = nil
		*queue = (*queue)[1:]
		p.mu.Unlock()
		began := p.s.now().Mono
		t.Run()
		ended := p.s.now()
		if t.Urgent() {
			p.s.syncs.Observe(int64(ended.Mono - began))
		}
		p.s.broker.Step(ended, broker.Input{Kind: broker.TaskDone, Task: t}, &effects)
		p.s.carryOut(&effects)
		p.finish()
	}
}

// finish notes that a task and what it asked for is done.
func (p *taskPool) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.left--; p.mu.left == 0 {
		p.idle.Broadcast()
	}
}

// stop waits for the tasks that are there and for those that they lead to, then ends the workers. A sync that was begun
// must run: its log counts on it, so that a clean stop would leave out what it was to sync.
func (p *taskPool) stop() {
	p.mu.Lock()
	for p.mu.left > 0 {
		p.idle.Wait()
	}
	p.mu.closed = true
	p.mu.Unlock()
	p.urgent.Broadcast()
	p.rest.Broadcast()
	p.workers.Wait()
}

// deadlines steps the broker when its earliest deadline has come.
type deadlines struct {
	s     *Server
	armed atomic.Int64 // base.Mono, 0 for none
	wake  chan struct{}
	calls chan func() // called in passing
	quit  chan struct{}
	done  sync.WaitGroup
}

func (d *deadlines) start(s *Server) {
	d.s = s
	d.wake = make(chan struct{}, 1)
	d.calls = make(chan func())
	d.quit = make(chan struct{})
	d.done.Go(d.run)
}

// arm asks for a step at the given instant, if that is before the one asked for already.
func (d *deadlines) arm(at base.Mono) {
	if at == 0 {
		return
	}
	for {
		old := d.armed.Load()
		if old != 0 && old <= int64(at) {
			return
		}
		if d.armed.CompareAndSwap(old, int64(at)) {
			break
		}
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *deadlines) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var effects broker.Effects
	for {
		at := base.Mono(d.armed.Load())
		wait := time.Hour
		if at != 0 {
			wait = max(at.Sub(d.s.now().Mono), 0)
		}
		timer.Reset(wait)
		select {
		case <-d.quit:
			return
		case <-d.wake:
			continue
		case call := <-d.calls:
			call()
			continue
		case <-timer.C:
		}
		if at == 0 {
			continue
		}
		d.armed.Store(0)
		d.s.broker.Step(d.s.now(), broker.Input{Kind: broker.Deadline}, &effects)
		d.s.carryOut(&effects)
	}
}

// ping waits for the timer to come round, and reports false if that takes longer than patience.
func (d *deadlines) ping(patience time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case d.calls <- func() {}:
		return true
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func (d *deadlines) stop() {
	close(d.quit)
	d.done.Wait()
}

// pause rests a moment after an error that only time mends. It reports false when the server ends.
func (s *Server) pause() bool {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
		return false
	}
}
