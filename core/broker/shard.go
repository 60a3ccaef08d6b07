package broker

import (
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/group"
)

// shardState says whether a coordinator answers.
type shardState uint8

const (
	shardLoading shardState = iota
	shardActive
	// shardEnded is a coordinator whose partition is gone or out of service. It never answers again.
	shardEnded
)

// shard is the coordinator of the groups of one partition of __consumer_offsets: the machine of core/group, the log
// that its records go to, and the requests that wait for it.
//
// Inputs are worked on one after the other. Whoever brings one while another is being worked on leaves it and goes on;
// whoever works takes up what was left. So nobody waits for the machine, and no lock is held while it works or while
// its effects are carried out.
type shard struct {
	partition *partition

	mu struct {
		sync.Mutex
		busy    bool
		inbox   []func(now base.Instant, out *Effects)
		loading bool
		stats   group.Stats
	}

	// What follows belongs to whoever works.

	state   shardState
	machine *group.Coordinator
	effects group.Effects
	spare   group.Effects
	builder batch.Builder
	// writes are the machine's appends whose outcome it was not told of, oldest first.
	writes []*shardWrite
	// open are the requests that the machine has not answered, by number.
	open     map[uint64]*groupCall
	lastCall uint64
	timer    timer
	armed    base.Mono
	// missed are the topics that were deleted while the log was read.
	missed []group.Topic
	trim   offsetsTrim
}

var _ expirer = (*shard)(nil)

// shardWrite is one append on its way to being committed. It waits for acks as a produce request does.
type shardWrite struct {
	shard *shard
	over  bool
	code  int16
}

// groupCall is a request that a coordinator answers.
type groupCall struct {
	number uint64
	// answer takes the machine's response.
	answer func(res kmsg.Response, out *Effects)
	// refuse makes the response that tells an error.
	refuse func(code int16) kmsg.Response
}

func newShard(b *Broker, p *partition) *shard {
	s := &shard{partition: p, open: make(map[uint64]*groupCall)}
	s.machine = b.newMachine(p)
	s.mu.loading = true
	return s
}

// newMachine makes the machine of the groups that live in a partition.
func (b *Broker) newMachine(p *partition) *group.Coordinator {
	return group.New(group.Options{
		Config: func() group.Config {
			cfg := b.groupConfig()
			cfg.MaxBatchBytes = p.config().MaxMessageBytes
			return cfg
		},
		Random: b.rand.Uint64, OnEvent: b.groupEvent,
	})
}

// work has f done on the shard, now or by whoever works on it, and carries out what comes of it. f is given the instant
// and the effects of the step that it runs in, which may be another than this one.
func (s *shard) work(b *Broker, now base.Instant, out *Effects, f func(now base.Instant, out *Effects)) {
	s.mu.Lock()
	s.mu.inbox = append(s.mu.inbox, f)
	if s.mu.busy {
		s.mu.Unlock()
		return
	}
	s.mu.busy = true
	for len(s.mu.inbox) > 0 {
		taken := s.mu.inbox
		s.mu.inbox = nil
		s.mu.Unlock()
		for _, f := range taken {
			f(now, out)
			s.carryOut(b, now, out)
			s.tidy(b, now, out)
		}
		s.arm(b)
		s.mu.Lock()
	}
	s.mu.busy = false
	s.mu.Unlock()
}

// ask has the machine serve a request that may write. Where it cannot, the request is refused at once.
func (s *shard) ask(b *Broker, now base.Instant, out *Effects, call *groupCall,
	serve func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects)) {
	s.work(b, now, out, func(now base.Instant, out *Effects) {
		s.unlessTrimming(now, out, func(now base.Instant, out *Effects) { s.admit(now, out, call, serve) })
	})
}

// askNow is ask for a request that never writes: it is not held while the log is written anew.
func (s *shard) askNow(b *Broker, now base.Instant, out *Effects, call *groupCall,
	serve func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects)) {
	s.work(b, now, out, func(now base.Instant, out *Effects) { s.admit(now, out, call, serve) })
}

// admit hands a request to the machine.
func (s *shard) admit(now base.Instant, out *Effects, call *groupCall,
	serve func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects)) {
	if code := s.unavailable(); code != noCode {
		call.answer(call.refuse(code), out)
		return
	}
	s.lastCall++
	call.number = s.lastCall
	s.open[call.number] = call
	serve(s.machine, now, call, &s.effects)
}

// unlessTrimming does f, or holds it until the log is written anew.
func (s *shard) unlessTrimming(now base.Instant, out *Effects, f func(now base.Instant, out *Effects)) {
	if s.trim.wanted {
		s.trim.held = append(s.trim.held, f)
		return
	}
	f(now, out)
}

// unavailable returns the code that clients are answered while the machine does not serve, or 0.
func (s *shard) unavailable() int16 {
	switch {
	case s.state == shardLoading:
		return kerr.CoordinatorLoadInProgress.Code
	case s.state == shardEnded || s.partition.offline() != nil:
		return kerr.NotCoordinator.Code
	}
	return noCode
}

// carryOut does what the machine asked for, and what it asks for when it is told how that went.
func (s *shard) carryOut(b *Broker, now base.Instant, out *Effects) {
	for len(s.effects.Replies)+len(s.effects.Writes) > 0 {
		e := s.effects
		s.effects, s.spare = s.spare, group.Effects{}
		for _, r := range e.Replies {
			s.reply(r, out)
		}
		for _, w := range e.Writes {
			s.write(b, now, w, out)
		}
		e.Reset()
		s.spare = e
		s.tell(now)
	}
}

func (s *shard) reply(r group.Reply, out *Effects) {
	call := r.Ticket.(*groupCall)
	if s.open[call.number] == nil {
		base.Fail("group request answered twice with %T", r.Response)
	}
	delete(s.open, call.number)
	call.answer(r.Response, out)
}

// write appends records of the machine as one batch.
func (s *shard) write(b *Broker, now base.Instant, w group.Write, out *Effects) {
	pending := &shardWrite{shard: s}
	s.writes = append(s.writes, pending)
	need, err := s.append(b, now, w.Records, s.partition.config().MaxMessageBytes, out)
	if err != nil {
		pending.over, pending.code = true, codeOf(err)
		b.grouping.Error("group records are not written", "partition", s.partition.tp.String(), "cause", err.Error())
		return
	}
	if code, waits := s.partition.awaitAck(pending, 0, need); !waits {
		pending.over, pending.code = true, code
	} else if s.partition.offline() != nil {
		pending.over, pending.code = true, kafkaStorageError
	}
}

// append puts records into the log as one batch of at most so many bytes, and returns the offset up to which it must be
// committed.
func (s *shard) append(b *Broker, now base.Instant, records []group.Record, most int32,
	out *Effects) (base.Offset, error) {
	options := batch.NewOptions()
	options.Codec = batch.Codec(b.config().OffsetsCodec)
	s.builder.Reset(options)
	for _, r := range records {
		s.builder.Append(now.Wall, r.Key, r.Value)
	}
	built, err := s.builder.Build()
	if err != nil {
		return 0, err
	}
	if len(built) > int(most) {
		return 0, coded(messageTooLarge, "got a batch of %d bytes, expected at most %d", len(built), most)
	}
	s.trim.grown += int64(len(built))
	appended, err := s.partition.append(b, now, built, out)
	if err != nil {
		return 0, err
	}
	return appended.Last + 1, nil
}

// settle notes that an append is committed, or never will be.
func (w *shardWrite) settle(b *Broker, now base.Instant, _ int, code int16, out *Effects) {
	w.shard.work(b, now, out, func(now base.Instant, _ *Effects) {
		w.over, w.code = true, code
		w.shard.tell(now)
	})
}

// tell tells the machine of the appends that are over, in order.
func (s *shard) tell(now base.Instant) {
	for len(s.writes) > 0 && s.writes[0].over {
		w := s.writes[0]
		s.writes = s.writes[1:]
		if s.state == shardActive {
			s.machine.Written(now, w.code, &s.effects)
		}
	}
}

// arm sets the timer to the machine's earliest deadline.
func (s *shard) arm(b *Broker) {
	next := base.Mono(0)
	if s.state == shardActive {
		next = s.machine.Next()
	}
	if next == s.armed {
		return
	}
	s.armed = next
	if next == 0 {
		b.timers.stop(&s.timer)
		return
	}
	b.timers.set(&s.timer, next, s)
}

// expire tells the machine that a deadline has come.
func (s *shard) expire(b *Broker, now base.Instant, out *Effects) {
	s.work(b, now, out, func(now base.Instant, _ *Effects) {
		s.armed = 0
		if s.state == shardActive {
			s.machine.Expire(now, &s.effects)
		}
	})
}

// end ends the coordinator: all that waits for it is told to look for another.
func (s *shard) end(b *Broker, now base.Instant, out *Effects) {
	s.work(b, now, out, func(_ base.Instant, out *Effects) { s.stop(b, out) })
}

func (s *shard) stop(b *Broker, out *Effects) {
	if s.state == shardEnded {
		return
	}
	s.state = shardEnded
	s.setLoading(false)
	s.effects.Reset()
	s.machine = b.newMachine(s.partition)
	numbers := make([]uint64, 0, len(s.open))
	for n := range s.open {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		call := s.open[n]
		delete(s.open, n)
		call.answer(call.refuse(kerr.NotCoordinator.Code), out)
	}
}

func (s *shard) setLoading(loading bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.loading = loading
}

// stats returns what the machine holds, or held when it was last asked if it is at work.
func (s *shard) stats() group.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.busy {
		s.mu.stats = s.machine.Stats()
	}
	return s.mu.stats
}
