package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/scripts/internal/member"
)

// life is one member from its beginning to its end.
type life struct {
	crowd   *crowd
	plan    *plan
	slot    int
	name    string
	rand    *rand.Rand
	network *network
	m       *member.Member
	// until is when it ends, pause when it is stopped for longer than its session, zero if it is not.
	until, pause, commit time.Duration
	stopped              bool
}

// pollFor bounds a poll, after which a member looks what time it is.
const pollFor = 500 * time.Millisecond

// live joins, reads, and ends in one of the ways that there are: leaves, is killed, or stays until ctx ends.
func (l *life) live(ctx context.Context) error {
	c := l.crowd
	var err error
	l.m, err = member.Join(l.config(), c.book.Open(l.plan.name, l.name, c.clock.Now))
	if err != nil {
		return err
	}
	c.present(1)
	defer c.present(-1)
	now := c.clock.Now()
	l.until = now + c.life/4 + time.Duration(l.rand.Int64N(int64(c.life)*3/2))
	if l.rand.IntN(4) == 0 {
		l.pause = now + time.Duration(l.rand.Int64N(int64(l.until-now)))
	}
	for ctx.Err() == nil && !l.m.Stale() && (c.quiet.Load() || c.clock.Now() < l.until) {
		l.poll(ctx)
	}
	l.end(ctx)
	return nil
}

// poll polls once, and commits if it is time.
func (l *life) poll(ctx context.Context) {
	c := l.crowd
	limited, cancel := context.WithTimeout(ctx, pollFor)
	_, troubles := l.m.Poll(limited, 500)
	cancel()
	defer l.m.Release()
	for _, err := range troubles {
		c.trouble(err, l.stopped)
	}
	now := c.clock.Now()
	if l.pause > 0 && now >= l.pause && !c.quiet.Load() {
		l.stop(ctx)
	}
	if now >= l.commit || c.quiet.Load() {
		l.m.Commit(lasting(ctx))
		l.commit = now + time.Duration(l.rand.Int64N(int64(3*time.Second)))
	}
}

// stop stops the member for longer than its session: it does nothing, and nobody hears of it. Then it goes on with what
// it holds in its hands, as if nothing had been.
func (l *life) stop(ctx context.Context) {
	l.pause, l.stopped = 0, true
	l.crowd.fate("paused beyond their session")
	release := l.network.hold()
	defer release()
	wait(ctx, l.crowd.session*5/4+time.Duration(l.rand.Int64N(int64(l.crowd.session))))
}

// end ends the member: at the end of the run it leaves.
func (l *life) end(ctx context.Context) {
	stale := l.m.Stale()
	if ctx.Err() == nil && !stale && l.rand.IntN(2) == 0 {
		l.crowd.fate("killed")
		l.network.cut()
		l.m.Drop("killed")
		return
	}
	switch {
	case stale:
		l.crowd.fate("left after the group forgot them")
	case l.plan.static:
		l.crowd.fate("ended without leaving, as static members do")
	default:
		l.crowd.fate("left")
	}
	limited, cancel := context.WithTimeout(lasting(ctx), patience)
	defer cancel()
	l.m.Leave(limited)
}

// lasting is a context that outlasts another: what a member does last is not to be lost with the run.
func lasting(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// check makes sure that a record is whole.
func (l *life) check(r *kgo.Record) {
	if want := string(r.Key) + " "; !strings.HasPrefix(string(r.Value), want) {
		l.crowd.fail("%s: %s-%d offset %d: key %q with the value of another record", l.name, r.Topic, r.Partition,
			r.Offset, r.Key)
	}
}

// present counts who is there.
func (c *crowd) present(change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.alive += change
}

// there returns how many members there are.
func (c *crowd) there() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.alive
}
