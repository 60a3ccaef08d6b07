package checker

import (
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// partition is the state of judging one topic partition.
type partition struct {
	*judge
	id   uint32
	name base.TopicPartition
	// ops are the partition's entries.
	ops []uint32
	// dense says that every offset holds a record that readers are shown; compacted that records may go.
	dense, compacted bool
	// strict says that there is one replica, so that no read lags behind.
	strict bool
	// copies are further places of records whose producer was not idempotent, or whose append spans a cut.
	copies []copied
	known  map[copied]bool
	finals finalReads
	// marked are the lines of operations that findings name.
	marked map[uint32]bool
	// found counts the findings, strays the records that were read and that no append can have written.
	found, strays int
}

// copied is a place of an append besides the one in its place.
type copied struct {
	entry uint32
	base  int64
}

// partitions sorts the entries into partitions.
func (j *judge) partitions() []*partition {
	list := make([]*partition, len(j.h.Partitions))
	counts := make([]int, len(list))
	for i := range j.h.Entries {
		if !j.h.Entries[i].Kind.OfGroup() {
			counts[j.h.Entries[i].Partition]++
		}
	}
	for id, name := range j.h.Partitions {
		compacted := slices.Contains(j.h.Header.Compacted, name.Topic)
		list[id] = &partition{
			judge: j, id: uint32(id), name: name, ops: make([]uint32, 0, counts[id]), compacted: compacted,
			dense:  !compacted && !slices.Contains(j.h.Header.Markers, name.Topic),
			strict: j.h.Header.Replication <= 1, known: make(map[copied]bool),
			marked: make(map[uint32]bool),
		}
	}
	for i := range j.h.Entries {
		if !j.h.Entries[i].Kind.OfGroup() {
			p := list[j.h.Entries[i].Partition]
			p.ops = append(p.ops, uint32(i))
		}
	}
	return list
}

// sweep makes the checks of the first opinion on one partition, and hands every incarnation on to the second.
func (p *partition) sweep(second func(v *view)) {
	clear(p.kept)
	clear(p.shared)
	p.chooseFinals()
	for _, i := range p.ops {
		if e := &p.h.Entries[i]; e.Kind == history.Fetch && e.Outcome == history.OK {
			p.checkFetch(i, e)
		}
	}
	p.sweepOffsets()
	p.checkFinals()
	views := newViews(p)
	for v := views.next(); v != nil; v = views.next() {
		v.checkHoles()
		v.gather()
		v.checkOrder()
		v.checkSessions()
		v.checkSequences()
		second(v)
	}
}

// finding adds a finding. shared says that Porcupine, which sees the same operations of that incarnation, must find
// fault with them too.
func (p *partition) finding(name string, offset int64, inc int32, shared bool, entries []uint32, format string,
	args ...any,
) {
	r := p.report
	p.found++
	if shared {
		p.shared[inc]++
	}
	r.FindingCounts[name]++
	if r.FindingCounts[name] > p.options.MaxFindings {
		return
	}
	f := Finding{
		Name: name, Topic: p.name.Topic, Partition: p.name.Partition, Offset: offset,
		Detail: fmt.Sprintf(format, args...), Ops: make([]OpRef, 0, len(entries)), entries: slices.Clone(entries),
	}
	for _, i := range entries {
		f.Ops = append(f.Ops, describe(p.h, &p.h.Entries[i]))
		p.marked[p.h.Entries[i].Line] = true
	}
	r.Findings = append(r.Findings, f)
}

// text returns a value for people.
func (p *partition) text(value uint32) string {
	return fmt.Sprintf("%q", p.h.Identities.Text(value))
}

// writer returns the entry that appends a value to this partition.
func (p *partition) writer(value uint32) (entry uint32, ok bool) {
	w := p.writers[value]
	if w == 0 || p.h.Entries[w-1].Partition != p.id {
		return 0, false
	}
	return w - 1, true
}

// count returns how many records an append has.
func (p *partition) count(entry uint32) int64 {
	return int64(p.h.RunsOf(&p.h.Entries[entry])[0].Count)
}
