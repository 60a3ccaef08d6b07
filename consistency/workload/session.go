package workload

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// session is what all clients have in common: one connection, made again when it is lost.
type session struct {
	run      *run
	client   *world.Client
	rand     env.Source
	versions versions
	// retry is when to connect again, wake when the client's own timer is due; 0 for none.
	retry, wake clock.Time
	// gone says that the client has left for good.
	gone bool
	// commits counts the commits of offsets that the client has made.
	commits int
	// wallOff is how far the client's clock is ahead of the world's.
	wallOff time.Duration
}

// init makes the session of an actor. The actor's Wake is called through it.
func (s *session) init(r *run, actor world.Actor) {
	s.run = r
	timer := &timed{Actor: actor, session: s}
	s.client = r.w.NewClient(timer)
	s.rand = s.client.Source("work")
	s.versions = drawVersions(s.client.Source("versions"))
	s.wallOff = clock.Uniform(s.rand, 2*time.Second) - time.Second
	s.retry = clock.Time(1 + clock.Uniform(s.rand, 20*time.Millisecond))
	s.arm()
}

// timed is an actor whose timer also makes connections.
type timed struct {
	world.Actor
	session *session
}

// Wake connects again, or wakes the actor.
func (t *timed) Wake() {
	s := t.session
	now := s.now()
	if s.retry != 0 && s.retry <= now {
		s.retry = 0
		if !s.gone {
			s.client.Connect(0, connectTimeout)
		}
	}
	if s.wake != 0 && s.wake <= now {
		s.wake = 0
		if !s.gone {
			t.Actor.Wake()
		}
	}
	s.arm()
}

func (s *session) arm() {
	at := s.wake
	if s.retry != 0 && (at == 0 || s.retry < at) {
		at = s.retry
	}
	s.client.WakeAt(at)
}

func (s *session) wakeIn(d time.Duration) {
	s.wake = s.now().Add(max(d, 1))
	s.arm()
}

func (s *session) now() clock.Time { return s.run.w.Now() }

// wall is the client's clock, in Unix milliseconds.
func (s *session) wall() int64 {
	return clock.Epoch + int64(time.Duration(s.now())+s.wallOff)/int64(time.Millisecond)
}

func (s *session) ledger() *world.Ledger { return s.run.w.Ledger() }

func (s *session) connected() bool { return s.client.Connection(0) }

// ready reports that the topics are there and the client is connected.
func (s *session) ready() bool { return s.run.ready && s.connected() }

func (s *session) ask(req kmsg.Request, tag int64) {
	s.client.Ask(0, req, tag, requestTimeout, true)
}

// reconnect plans another connection.
func (s *session) reconnect() {
	if !s.gone {
		s.retry = s.now().Add(time.Millisecond + clock.Exponential(s.rand, 50*time.Millisecond))
		s.arm()
	}
}

// leave ends the session for good.
func (s *session) leave() {
	s.gone = true
	s.client.Disconnect(0)
}

// Second has one client in so many look after its connection now and then: some give it up for no reason.
func (s *session) Second() {
	if clock.Chance(s.run.housekeeping, 1, 64) && s.connected() && !s.run.healing {
		s.client.Disconnect(0)
	}
}

// lastingPartition returns a random partition of a topic that nobody is to delete, nil if there is none.
func (s *session) lastingPartition() *world.Partition {
	if p := s.anyPartition(); p != nil && p.TopicPartition.Topic != doomedTopic {
		return p
	}
	return nil
}

// anyPartition returns a random partition that may be written to, nil if there is none.
func (s *session) anyPartition() *world.Partition {
	topics := s.run.topics
	if len(topics) == 0 {
		return nil
	}
	t := topics[clock.Below(s.rand, int64(len(topics)))]
	if t.Doomed() || t.ID.IsZero() {
		return nil
	}
	return t.Partitions[clock.Below(s.rand, int64(len(t.Partitions)))]
}
