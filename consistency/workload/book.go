package workload

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/netsim/world"
)

// book keeps the ledger of groups: it tells it which requests were sent, in which order processes took them in hand,
// and what came of them.
type book struct {
	*world.Groups
	run *run
	// open are the requests that may still be answered or served, by client and correlation id.
	open map[uint64]*world.GroupRequest
	// outsiders are clients that only a mutation knows of.
	outsiders map[int]bool
}

func newBook(r *run) *book {
	b := &book{run: r, open: make(map[uint64]*world.GroupRequest), outsiders: make(map[int]bool)}
	b.Groups = world.NewGroups(world.GroupsOptions{
		Violate: func(name, format string, args ...any) { r.w.Violate(name, format, args...) },
		Cuts:    func() int { return r.w.Nodes()[0].Cuts() },
	})
	return b
}

func keyOf(client int, correlation int32) uint64 {
	return uint64(client)<<32 | uint64(uint32(correlation))
}

// served is told of each frame that a node's process takes in hand.
func (b *book) served(n *world.Node, c *world.Client, frame []byte) {
	const header = 8 // key, version, correlation id
	if len(frame) < header || b.outsiders[c.Index()] {
		return
	}
	r := b.open[keyOf(c.Index(), int32(binary.BigEndian.Uint32(frame[4:])))]
	if r != nil && !r.Served() {
		b.Taken(r, int64(b.run.w.Now()), b.process(n))
	}
}

func (b *book) process(n *world.Node) world.Process {
	return world.Process{Life: n.Life(), Since: int64(n.Since())}
}

// askGroup sends a request to a coordinator.
func (s *session) askGroup(req kmsg.Request, r *world.GroupRequest, timeout time.Duration) {
	b := s.run.book
	b.Sent(r, int64(s.now()))
	correlation := s.client.Ask(0, req, 0, timeout, true)
	b.open[keyOf(s.client.Index(), correlation)] = r
	s.run.logf("%s: %s version %d to group %s as %q of generation %d", s.client.Name(), kmsg.Key(req.Key()).Name(),
		req.GetVersion(), r.Group, r.Member, r.Generation)
}

// logf tells what happens to whoever listens.
func (r *run) logf(format string, args ...any) {
	if r.log != nil {
		r.log(r.w.Now(), format, args...)
	}
}

// ended returns the request that an answer is to, nil if it is none to a coordinator.
func (s *session) ended(r *world.Request) *world.GroupRequest {
	key := keyOf(s.client.Index(), r.Correlation)
	found := s.run.book.open[key]
	delete(s.run.book.open, key)
	return found
}

// lose notes that a request will not be answered. It may be served still.
func (s *session) lose(r *world.Request) {
	found := s.run.book.open[keyOf(s.client.Index(), r.Correlation)]
	if found == nil {
		return
	}
	for _, c := range found.Commits {
		s.run.record.commit(s, c, unknown, r.Sent)
	}
}

// verdictOn says what a code means for a commit.
func verdictOn(code int16) outcome {
	switch code {
	case 0:
		return acked
	case kerr.CoordinatorNotAvailable.Code, kerr.NotCoordinator.Code, kerr.UnknownServerError.Code,
		kerr.RequestTimedOut.Code:
		return unknown
	}
	return failed
}

// settleCommit takes what was answered to one commit or deletion.
func (s *session) settleCommit(req *world.Request, r *world.GroupRequest, c *world.Commit, code int16) {
	o := verdictOn(code)
	switch o {
	case acked:
		s.run.book.AckedOne(r, c)
	case failed:
		s.run.book.FailedOne(r, c)
	}
	s.run.record.commit(s, c, o, req.Sent)
}

// fencing reports whether a code says that a member is not what it says it is.
func fencing(code int16) bool {
	return code == kerr.UnknownMemberID.Code || code == kerr.IllegalGeneration.Code ||
		code == kerr.FencedInstanceID.Code || code == kerr.GroupIDNotFound.Code
}

// refused tells the ledger of such a code.
func (s *session) refused(r *world.GroupRequest, code int16) {
	if fencing(code) && r.Member != "" {
		s.run.book.Refused(r, kerr.TypedErrorForCode(code).Message)
	}
}
