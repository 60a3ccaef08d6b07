package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// shelf is the state of judging what one group has committed of one partition: a register, which commits write and
// OffsetFetch reads.
type shelf struct {
	*judge
	group string
	name  base.TopicPartition
	// ops are the entries, in the order of the file.
	ops []uint32
	// commits are the commits by value.
	commits map[uint32]uint32
	// misread are reads of what nobody committed so.
	misread map[uint32]bool
	// found counts the findings, shared those in the current incarnation that Porcupine must see too.
	found, shared int
}

// shelves sorts the entries of groups.
func (j *judge) shelves() []*shelf {
	type key struct{ group, partition uint32 }
	places := make(map[key]*shelf)
	var list []*shelf
	for i := range j.h.Entries {
		e := &j.h.Entries[i]
		if !e.Kind.OfGroup() {
			continue
		}
		at := key{e.Group, e.Partition}
		s := places[at]
		if s == nil {
			s = &shelf{
				judge: j, group: j.h.Groups[e.Group], name: j.h.Partitions[e.Partition],
				commits: make(map[uint32]uint32), misread: make(map[uint32]bool),
			}
			places[at] = s
			list = append(list, s)
		}
		s.ops = append(s.ops, uint32(i))
	}
	return list
}

// valueOf returns what a commit writes or a read shows: the id of the value plus 1, or model.NoValue.
func (s *shelf) valueOf(i uint32) uint32 {
	runs := s.h.RunsOf(&s.h.Entries[i])
	if len(runs) == 0 {
		return model.NoValue
	}
	return s.h.ValuesOf(runs[0])[0] + 1
}

// sweep makes all checks of one shelf.
func (s *shelf) sweep() error {
	for _, i := range s.ops {
		value := s.valueOf(i)
		if s.h.Entries[i].Kind != history.Commit || value == model.NoValue {
			continue
		}
		if other, ok := s.commits[value]; ok {
			return fmt.Errorf("%w: %q in lines %d and %d", ErrReused, s.h.Identities.Text(value-1),
				s.h.Entries[other].Line, s.h.Entries[i].Line)
		}
		s.commits[value] = i
	}
	for _, i := range s.ops {
		if s.reads(i) {
			s.checkValue(i)
		}
	}
	for inc := range s.last() + 1 {
		s.shared = 0
		s.checkOrder(inc)
		s.firstOpinion(inc)
	}
	return nil
}

// reads reports whether an entry is a read that was answered.
func (s *shelf) reads(i uint32) bool {
	e := &s.h.Entries[i]
	return e.Kind == history.Committed && e.Outcome == history.OK
}

// checkValue holds what a read shows against the commit that it names.
func (s *shelf) checkValue(i uint32) {
	value, e := s.valueOf(i), &s.h.Entries[i]
	if value == model.NoValue {
		return
	}
	at, ok := s.commits[value]
	switch {
	case !ok:
		s.finding(GarbageOffset, i, nil, "offset %d is told as %q, which nobody committed", e.Offset,
			s.h.Identities.Text(value-1))
	case s.h.Entries[at].Start > e.End:
		s.finding(GarbageOffset, i, []uint32{at}, "offset %d is told before it was committed", e.Offset)
	case s.h.Entries[at].Outcome == history.Fail:
		s.finding(AbortedOffset, i, []uint32{at}, "offset %d is told, and its commit was refused", e.Offset)
	case s.h.Entries[at].Offset != e.Offset:
		s.finding(AlteredOffset, i, []uint32{at}, "offset %d is told, and %d was committed", e.Offset,
			s.h.Entries[at].Offset)
	default:
		return
	}
	s.misread[i] = true
}

// excused reports whether a read that shows no offset may follow a deletion of unknown outcome.
func (s *shelf) excused(i uint32) bool {
	if s.valueOf(i) != model.NoValue {
		return false
	}
	for _, d := range s.ops {
		e := &s.h.Entries[d]
		unknown := e.Kind == history.Commit && e.Outcome != history.Fail && s.valueOf(d) == model.NoValue &&
			(e.Outcome == history.Unknown || !s.places[d].certain())
		if unknown && e.Start <= s.h.Entries[i].End {
			return true
		}
	}
	return false
}

// certainIn reports whether an entry certainly took effect in an incarnation: a read, or an acknowledged commit.
func (s *shelf) certainIn(i uint32, inc int32) bool {
	e, p := &s.h.Entries[i], &s.places[i]
	return p.certain() && p.lo == inc && e.Outcome == history.OK && !s.misread[i] && !(s.reads(i) && s.excused(i))
}

// register translates one incarnation for package model: the certain commits and reads, and of the others the commits
// that a read shows, which had taken effect when the first such read returned.
func (s *shelf) register(inc int32) model.Register {
	r := model.Register{}
	begin := int64(0)
	if inc > 0 {
		r.Start, begin = model.AnyValue, s.cuts[inc-1]
	}
	shown := make(map[uint32]int64)
	for _, i := range s.ops {
		if !s.certainIn(i, inc) {
			continue
		}
		e, value := &s.h.Entries[i], s.valueOf(i)
		r.Ops = append(r.Ops, model.Access{
			Call: e.Start, Return: e.End, Value: value, Write: e.Kind == history.Commit, Line: e.Line,
		})
		if ret, ok := shown[value]; s.reads(i) && (!ok || e.End < ret) {
			shown[value] = e.End
		}
	}
	for _, i := range s.ops {
		e, p, value := &s.h.Entries[i], &s.places[i], s.valueOf(i)
		ret, ok := shown[value]
		soft := e.Kind == history.Commit && value != model.NoValue && e.Outcome != history.Fail &&
			!s.certainIn(i, inc) && p.lo <= inc && inc <= p.hi
		if soft && ok {
			call := max(e.Start, begin)
			r.Ops = append(r.Ops, model.Access{
				Call: min(call, ret), Return: ret, Value: value, Write: true, Line: e.Line,
			})
		}
	}
	return r
}

// checkOrder finds reads that show less than what had been acknowledged before they began.
func (s *shelf) checkOrder(inc int32) {
	r := s.register(inc)
	byReturn, byCall := slices.Clone(r.Ops), r.Ops
	slices.SortFunc(byReturn, func(a, b model.Access) int { return cmp.Compare(a.Return, b.Return) })
	slices.SortFunc(byCall, func(a, b model.Access) int { return cmp.Compare(a.Call, b.Call) })
	wrote := make(map[uint32]int64)
	for _, a := range r.Ops {
		if a.Write && a.Value != model.NoValue {
			wrote[a.Value] = a.Return
		}
	}
	var newest *model.Access // the write called last of those that had returned
	next := 0
	for n := range byCall {
		a := &byCall[n]
		for ; next < len(byReturn) && byReturn[next].Return < a.Call; next++ {
			if w := &byReturn[next]; w.Write && (newest == nil || w.Call > newest.Call) {
				newest = w
			}
		}
		if !a.Write && newest != nil && newest.Value != a.Value {
			s.checkRead(a, newest, wrote, byCall)
		}
	}
}

// checkRead judges a read that does not show the newest write that had returned before it began.
func (s *shelf) checkRead(a, newest *model.Access, wrote map[uint32]int64, all []model.Access) {
	name, detail := StaleOffset, "the offset told had been overwritten before"
	if a.Value == model.NoValue {
		name, detail = LostCommit, "no offset is told, although one was acknowledged before"
		for n := range all {
			if d := &all[n]; d.Write && d.Value == a.Value && d.Return >= newest.Call && d.Call <= a.Return {
				return // deleted
			}
		}
	} else if ret, ok := wrote[a.Value]; ok && ret >= newest.Call {
		return // concurrent
	}
	var read, write uint32
	for _, i := range s.ops {
		switch s.h.Entries[i].Line {
		case a.Line:
			read = i
		case newest.Line:
			write = i
		}
	}
	s.shared++
	s.finding(name, read, []uint32{write}, "%s", detail)
}

// firstOpinion has Porcupine judge an incarnation, and compares the sweep's opinion.
func (s *shelf) firstOpinion(inc int32) {
	r, count := s.register(inc), &s.report.Offsets
	illegal, undecided := 0, 0
	windows := r.Windows(s.options.Window)
	for n := range windows {
		result := model.Undecided
		if left := time.Until(s.deadline); left > 0 {
			result = windows[n].Check(min(left, s.options.Window.WithDefaults().Timeout))
		}
		switch result {
		case model.Legal:
			count.Legal++
		case model.Illegal:
			count.Illegal++
			illegal++
		default:
			count.Undecided++
			undecided++
		}
	}
	count.Windows += len(windows)
	if illegal > 0 && s.found == 0 && len(s.ops) > 0 {
		s.finding(NotLinearizable, s.ops[0], nil, "no order of the commits and reads explains %d windows", illegal)
	}
	if s.shared > 0 && illegal == 0 && undecided == 0 {
		s.report.Disagreements = append(s.report.Disagreements, fmt.Sprintf(
			"%s of %v: the sweep found %d violations that Porcupine must see, and it sees none", s.group, s.name,
			s.shared))
	}
}

// finding adds a finding about a read or a commit.
func (s *shelf) finding(name string, entry uint32, more []uint32, format string, args ...any) {
	r := s.report
	s.found++
	r.FindingCounts[name]++
	if r.FindingCounts[name] > s.options.MaxFindings {
		return
	}
	entries := append([]uint32{entry}, more...)
	f := Finding{
		Name: name, Group: s.group, Topic: s.name.Topic, Partition: s.name.Partition,
		Offset: s.h.Entries[entry].Offset, Detail: fmt.Sprintf(format, args...), entries: entries,
	}
	for _, i := range entries {
		f.Ops = append(f.Ops, describe(s.h, &s.h.Entries[i]))
	}
	r.Findings = append(r.Findings, f)
}
