package workload

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// member is a consumer of a group: it finds the coordinator, joins, gets its partitions, goes on where the group has
// committed, fetches, commits, and beats. Now and then it gets into trouble: see trouble.go.
type member struct {
	session
	plan  MemberPlan
	group *GroupPlan

	phase memberPhase
	// id and generation are what the coordinator has told, "" and -1 for nothing.
	id         string
	generation int32
	protocol   string
	// assignments are what the member, if it leads, has made of the generation.
	assignments []kmsg.SyncGroupRequestGroupAssignment
	holdings    []*holding
	// asking, fetching, beating and committing say which requests are under way.
	asking, fetching    bool
	beating, committing *world.GroupRequest
	fetched             []*holding
	seen                []world.Seen
	// beatAt, commitAt, troubleAt and againAt are when to do what next; awayUntil is when the member comes back, and
	// frozenUntil when it goes on as if nothing had been.
	beatAt, commitAt, troubleAt, againAt clock.Time
	awayUntil, frozenUntil               clock.Time
	// ghost is who the member was before it crashed: a zombie that still speaks.
	ghost ghost
	// was is who the member was before it went for good.
	was ghost
	// calm says that all trouble is over, quits that the member is to go for good.
	calm, quits bool
	marks       int
}

// memberPhase says how far a member has come.
type memberPhase uint8

const (
	phaseLost     memberPhase = iota // it knows no coordinator
	phaseOutside                     // it knows it, and is to join
	phaseJoining                     // a JoinGroup is under way
	phaseJoined                      // it is to sync
	phaseSyncing                     // a SyncGroup is under way
	phaseAssigned                    // it has its partitions
	phaseAway                        // it has left or crashed
)

// holding is one partition that a member has.
type holding struct {
	partition *world.Partition
	// position is the next record to read, once it is known; reset says that it is to be asked for where the log
	// begins.
	position            base.Offset
	known, asked, reset bool
	// committed is what was acknowledged last, floor what of the log was known when the last fetch was sent.
	committed, floor base.Offset
}

func newMember(r *run, g *GroupPlan, plan MemberPlan) *member {
	m := &member{plan: plan, group: g, generation: -1}
	m.session.init(r, m)
	if plan.Instance != "" {
		for key, least := range map[kmsg.Key]int16{kmsg.JoinGroup: 5, kmsg.SyncGroup: 3, kmsg.Heartbeat: 3,
			kmsg.LeaveGroup: 3, kmsg.OffsetCommit: 7} {
			m.versions[key] = max(m.versions[key], least)
		}
	}
	m.troubleAt = clock.Time(clock.Exponential(m.rand, plan.Trouble))
	m.wakeIn(clock.Uniform(m.rand, plan.Pause))
	return m
}

// Wake goes on.
func (m *member) Wake() {
	m.goOn()
	m.wakeIn(m.plan.Pause/2 + clock.Exponential(m.rand, m.plan.Pause/2))
}

// goOn does what comes next.
func (m *member) goOn() {
	now := m.now()
	switch {
	case m.frozenUntil > now || m.awayUntil > now || !m.ready() || m.againAt > now:
		return
	case m.frozenUntil != 0:
		m.thaw()
	case m.phase == phaseAway && m.quits:
		return
	case m.phase == phaseAway:
		m.phase, m.awayUntil = phaseLost, 0
	}
	m.haunt()
	switch m.phase {
	case phaseLost:
		m.find()
	case phaseOutside:
		m.join()
	case phaseJoined:
		m.sync()
	case phaseAssigned:
		m.work()
	}
}

// request begins a request of the member to its coordinator.
func (m *member) request(kind world.GroupKind) *world.GroupRequest {
	return &world.GroupRequest{
		Kind: kind, Group: m.group.Name, Member: m.id, Instance: m.plan.Instance, Generation: m.generation,
	}
}

// find asks where the coordinator is.
func (m *member) find() {
	if m.asking {
		return
	}
	m.asking = true
	m.ask(m.findRequest(m.group.Name), 0)
}

func (s *session) findRequest(group string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewPtrFindCoordinatorRequest()
	s.versions.set(req)
	req.CoordinatorKey, req.CoordinatorKeys = group, []string{group}
	return req
}

// foundCoordinator reports whether an answer names a coordinator.
func foundCoordinator(res *kmsg.FindCoordinatorResponse) bool {
	code := res.ErrorCode
	for i := range res.Coordinators {
		code = max(code, res.Coordinators[i].ErrorCode)
	}
	return code == 0
}

// later has the member wait before it goes on.
func (m *member) later() {
	m.againAt = m.now().Add(clock.Uniform(m.rand, 100*time.Millisecond))
}

// Connected begins anew, with what the member knows.
func (m *member) Connected(int) { m.goOn() }

// Lost takes note of a request without an answer.
func (m *member) Lost(r *world.Request) { m.lose(r) }

// Disconnected connects again. What was under way is asked again.
func (m *member) Disconnected(int) {
	m.asking, m.fetching, m.beating, m.committing = false, false, nil, nil
	switch m.phase {
	case phaseJoining:
		m.phase = phaseOutside
	case phaseSyncing:
		m.phase = phaseJoined
	}
	for _, h := range m.holdings {
		h.asked = false
	}
	m.reconnect()
}

// Answered takes an answer.
func (m *member) Answered(r *world.Request, res kmsg.Response) {
	g := m.ended(r)
	if g != nil {
		m.run.logf("%s: %s of %q in generation %d, sent at %.6f, is answered: %s", m.client.Name(),
			kmsg.Key(r.Key).Name(), g.Member, g.Generation, time.Duration(r.Sent).Seconds(), brief(res))
	}
	switch res := res.(type) {
	case *kmsg.FindCoordinatorResponse:
		m.asking = false
		m.found(res)
	case *kmsg.JoinGroupResponse:
		m.joined(g, res)
	case *kmsg.SyncGroupResponse:
		m.synced(g, res)
	case *kmsg.HeartbeatResponse:
		m.beaten(g, res)
	case *kmsg.LeaveGroupResponse:
		m.hasLeft(g, res)
	case *kmsg.OffsetCommitResponse:
		m.hasCommitted(r, g, res)
	case *kmsg.OffsetFetchResponse:
		m.hasOffsets(r, g, res)
	case *kmsg.ListOffsetsResponse:
		m.asking = false
		m.begins(r, res)
	case *kmsg.FetchResponse:
		m.fetching = false
		m.hasFetched(r, res)
	}
	if m.phase == phaseJoined || m.phase == phaseOutside {
		m.goOn()
	}
}

func (m *member) found(res *kmsg.FindCoordinatorResponse) {
	if m.phase != phaseLost {
		return
	}
	if !foundCoordinator(res) {
		m.later()
		return
	}
	m.phase = phaseOutside
}

// again takes a code that says that the member must begin anew in some way. It reports false for others.
func (m *member) again(code int16) bool {
	switch code {
	case kerr.CoordinatorLoadInProgress.Code, kerr.UnknownServerError.Code:
		m.later()
	case kerr.CoordinatorNotAvailable.Code, kerr.NotCoordinator.Code:
		m.later()
		if m.phase != phaseAway {
			m.phase = phaseLost
		}
	case kerr.RebalanceInProgress.Code:
		m.rejoin()
	case kerr.IllegalGeneration.Code:
		m.generation = -1
		m.drop()
		m.rejoin()
	case kerr.UnknownMemberID.Code, kerr.GroupIDNotFound.Code:
		m.forget()
		m.rejoin()
	case kerr.FencedInstanceID.Code:
		// Another has its place. It would end; its operator starts it again some time later.
		m.forget()
		m.away(2 * m.plan.Session)
	default:
		return false
	}
	return true
}

// forget drops what the member was.
func (m *member) forget() {
	m.id, m.generation = "", -1
	m.drop()
}

// drop gives up all partitions without a word.
func (m *member) drop() {
	m.holdings = nil
}

// rejoin has the member join again, unless it is on its way.
func (m *member) rejoin() {
	if m.phase == phaseAssigned || m.phase == phaseSyncing || m.phase == phaseJoined {
		m.phase = phaseOutside
	}
}

// away has the member gone for a time.
func (m *member) away(d time.Duration) {
	m.phase = phaseAway
	m.awayUntil = m.now().Add(clock.Uniform(m.rand, d) + 1)
	m.drop()
}

// brief says what an answer says, for people.
func brief(res kmsg.Response) string {
	code := func(code int16) string {
		if err := kerr.TypedErrorForCode(code); err != nil {
			return err.Message
		}
		return "good"
	}
	switch res := res.(type) {
	case *kmsg.JoinGroupResponse:
		return fmt.Sprintf("%s, member %q, generation %d, leader %q of %d", code(res.ErrorCode), res.MemberID,
			res.Generation, res.LeaderID, len(res.Members))
	case *kmsg.SyncGroupResponse:
		return fmt.Sprintf("%s, %+v", code(res.ErrorCode), readAssignment(res.MemberAssignment))
	case *kmsg.HeartbeatResponse:
		return code(res.ErrorCode)
	case *kmsg.OffsetCommitResponse:
		if len(res.Topics) > 0 && len(res.Topics[0].Partitions) > 0 {
			return code(res.Topics[0].Partitions[0].ErrorCode)
		}
	}
	return "?"
}
