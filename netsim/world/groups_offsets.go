package world

import "github.com/gregor-log/gregor/base"

// Acked says that all commits of a request, or its deletions, were acknowledged.
func (l *Groups) Acked(r *GroupRequest) {
	for _, c := range r.Commits {
		l.AckedOne(r, c)
	}
}

// AckedOne says that one commit of a request was acknowledged.
func (l *Groups) AckedOne(r *GroupRequest, c *Commit) {
	c.acked = true
	if r.Kind == AskCommit {
		l.counts.Commits++
	}
	if !l.judgedButReborn(r) {
		return
	}
	l.group(r.Group).register(c.Partition).raise(c)
	if r.Kind != AskCommit || !l.judged(r) {
		return
	}
	if r.Generation >= 0 {
		l.group(r.Group).proven(r)
		l.current(r, "stale-commit")
	} else if r.alive != nil {
		l.opts.Violate("stale-commit", "group %s: a commit of nobody is acknowledged, and %s was a member", r.Group,
			r.alive.id)
	}
}

// FailedOne says that one commit of a request was refused, and has definitely not been made.
func (l *Groups) FailedOne(r *GroupRequest, c *Commit) {
	c.failed = true
	if floor := l.group(r.Group).register(c.Partition).floor; floor == c {
		l.opts.Violate("aborted-offset", "group %s: the commit %s of offset %d of %v was refused, and had been read",
			r.Group, c.Metadata, c.Offset, c.Partition)
	}
}

// Offset is what an OffsetFetch told of one partition. Epoch is NotTold where the version does not tell it.
type Offset struct {
	Offset   int64
	Epoch    int32
	Metadata string
}

// NoOffset is what OffsetFetch tells of a partition without a commit, NotTold what it does not tell at all.
const (
	NoOffset = -1
	NotTold  = -2
)

// Told holds one partition of an answer to a FetchOffsets against what is known, and returns the commit that it shows,
// nil for none.
func (l *Groups) Told(r *GroupRequest, f *OffsetAsked, o Offset) *Commit {
	l.catchUp()
	reg := l.group(r.Group).register(f.Partition)
	old := r.cuts != l.cuts
	if o.Offset == NoOffset {
		if !old && !reg.mayBeNone(f.floor) {
			l.opts.Violate("lost-commit", "group %s: no offset of %v is told, and %d was committed as %s", r.Group,
				f.Partition, f.floor.Offset, f.floor.Metadata)
		}
		return nil
	}
	c := reg.commits[o.Metadata]
	switch {
	case c == nil || c.order == 0:
		l.opts.Violate("garbage-offset", "group %s: offset %d of %v is told with metadata %q, which nobody committed",
			r.Group, o.Offset, f.Partition, o.Metadata)
		return nil
	case c.failed:
		l.opts.Violate("aborted-offset", "group %s: offset %d of %v is told, whose commit %s was refused", r.Group,
			o.Offset, f.Partition, c.Metadata)
	case c.Offset != o.Offset || o.Epoch != NotTold && o.Epoch != c.Epoch:
		l.opts.Violate("altered-offset", "group %s: offset %d and epoch %d of %v are told, commit %s has %d and %d",
			r.Group, o.Offset, o.Epoch, f.Partition, c.Metadata, c.Offset, c.Epoch)
	case !old && f.floor != nil && c.order < f.floor.order:
		l.opts.Violate("lost-commit", "group %s: offset %d of %v is told, the commit %s, although %d of %s was known",
			r.Group, o.Offset, f.Partition, c.Metadata, f.floor.Offset, f.floor.Metadata)
	case !old:
		reg.raise(c)
	}
	return c
}

// Newest returns the metadata of the newest commit that is known to have been applied, "" for none.
func (l *Groups) Newest(name string, tp base.TopicPartition) string {
	if c := l.group(name).register(tp).floor; c != nil {
		return c.Metadata
	}
	return ""
}
