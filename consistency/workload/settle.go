package workload

import (
	"fmt"
	"slices"
	"time"
)

// groupClients makes the clients of groups.
func (r *run) groupClients() {
	for i := range r.plan.Groups {
		g := &r.plan.Groups[i]
		for _, plan := range g.Members {
			r.members = append(r.members, newMember(r, g, plan))
		}
	}
	for _, plan := range r.plan.Simple {
		r.simples = append(r.simples, newSimple(r, plan))
	}
	r.warden = newWarden(r, r.plan.Warden)
}

// settleGroups waits until every group has settled after all faults have ended: its members have all partitions, have
// read them to their end and have committed that, and the coordinator lists them and nobody else; one without members
// is empty.
func (r *run) settleGroups() {
	r.warden.plan.Pause = 50 * time.Millisecond
	settled := func() bool {
		for i := range r.plan.Groups {
			if r.unsettled(i) != "" {
				return false
			}
		}
		return true
	}
	if r.until(settleTime, settled) {
		r.checkEaten()
		return
	}
	for i := range r.plan.Groups {
		if why := r.unsettled(i); why != "" && !r.over() {
			r.w.Violate("group-not-settled", "group %s, %v after all faults have ended: %s", r.plan.Groups[i].Name,
				settleTime, why)
		}
	}
}

// unsettled returns why a group has not settled, "" if it has.
func (r *run) unsettled(i int) string {
	g := &r.plan.Groups[i]
	var ids []string
	generation, partitions := int32(-1), 0
	for _, m := range r.members {
		switch {
		case m.group != g:
			continue
		case !m.settled():
			return fmt.Sprintf("%s is in phase %d with %d partitions", m.client.Name(), m.phase, len(m.holdings))
		case m.quits:
			continue
		case generation >= 0 && m.generation != generation:
			return fmt.Sprintf("%s is in generation %d, others in %d", m.client.Name(), m.generation, generation)
		}
		generation, partitions = m.generation, partitions+len(m.holdings)
		ids = append(ids, m.id)
	}
	want := 0
	for _, t := range g.Topics {
		want += r.plan.Topics[t].Partitions
	}
	slices.Sort(ids)
	d := &r.warden.listings[i]
	switch {
	case len(ids) == 0 && len(d.Members) == 0 && (d.State == "Empty" || d.State == "Dead"):
		return ""
	case len(ids) == 0 || d.State != "Stable" || !slices.Equal(d.Members, ids):
		return fmt.Sprintf("state %s with members %q, expected %q", d.State, d.Members, ids)
	case partitions != want:
		return fmt.Sprintf("members have %d of %d partitions", partitions, want)
	}
	return ""
}

// checkEaten makes sure that each group with members has read every record of its topics at least once.
func (r *run) checkEaten() {
	if r.w.Ledger().Lossy() || r.plan.Trims || r.over() {
		return
	}
	for _, m := range r.members {
		for _, h := range m.holdings {
			e, end := r.eatingOf(m.group, h.partition), r.w.Ledger().End(h.partition)
			whole := len(e.pieces) == 1 && e.pieces[0].from == 0 && e.pieces[0].to >= end
			if end > 0 && !whole && !e.gaps && !h.partition.Topic.Expires {
				r.w.Violate("missed-record", "group %s has read %v of %v, which ends at %d", m.group.Name, e.pieces,
					h.partition, end)
			}
		}
	}
}

// audit reads all offsets of all groups, after the brokers were stopped in good order and started again.
func (r *run) audit() {
	if r.warden == nil {
		return
	}
	w := newWarden(r, WardenPlan{Pause: 20 * time.Millisecond})
	w.audits = true
	done := func() bool { return w.audited == len(r.names()) }
	if !r.until(stopTime, done) {
		r.w.Violate("stuck-audit", "the offsets of %d of %d groups are told %v after the broker was started",
			w.audited, len(r.names()), stopTime)
	}
	w.leave()
	r.w.Run(r.w.Now().Add(leaveTime))
}
