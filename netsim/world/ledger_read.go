package world

import (
	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// Fetched is one partition's part of an answer to a fetch.
type Fetched struct {
	Partition *Partition
	// From is the offset that was asked for, and Floor what Ledger.End said when it was.
	From, Floor base.Offset
	// High and Start are the high watermark and the log's start as told.
	High, Start base.Offset
	// Records are the batches as they came; the last one may be cut short.
	Records []byte
	Fence   Fence
}

// Seen is one append that an answer shows.
type Seen struct {
	ID   AppendID
	Base base.Offset
}

// Fetched holds an answer to a fetch against all that is known, and learns from it. It appends the appends that the
// answer shows to seen, and returns them with the offset after the last. corrupt says that the answer's bytes are no
// batches, where that can be explained.
func (l *Ledger) Fetched(f *Fetched, seen []Seen) (next base.Offset, all []Seen, corrupt bool) {
	p := f.Partition
	known := !f.Fence.old() && !p.Topic.doomed
	if known {
		l.checkMarks(f)
	}
	next = f.From
	rest := f.Records
	for first := true; len(rest) > 0; first = false {
		b, after, err := batch.Parse(rest)
		if len(rest) < batch.HeaderSize || err == nil && len(b) == 0 || short(err) {
			break // the last batch is cut
		}
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			if !f.Fence.node.trouble(f.Fence.life).dropped {
				l.w.violate("corrupt-batch", "%v: a fetch from %d shows a batch at %d that is none: %v", p, f.From,
					next, err)
			}
			return next, seen, true
		}
		rest = after
		if first && (b.BaseOffset() > max(f.From, f.Start) || b.LastOffset() < f.From) ||
			!first && b.BaseOffset() != next {
			l.w.violate("offset-gap", "%v: a fetch from %d shows offsets %d to %d, expected %d", p, f.From,
				b.BaseOffset(),
				b.LastOffset(), next)
		}
		if b.LastOffset() >= f.High {
			l.w.violate("read-beyond-committed", "%v: a fetch shows offset %d and a high watermark of %d", p,
				b.LastOffset(), f.High)
		}
		next = b.NextOffset()
		if id := l.saw(p, b, f, known); id != NoAppend {
			seen = append(seen, Seen{ID: id, Base: b.BaseOffset()})
			l.counts.Read += int64(b.Count())
		}
	}
	return next, seen, false
}

// checkMarks judges the high watermark and the log's start of an answer.
func (l *Ledger) checkMarks(f *Fetched) {
	p := f.Partition
	switch {
	case f.High < f.Floor:
		l.w.violate("nonmonotonic-read",
			"%v: a fetch is told a high watermark of %d, although all below %d were taken "+
				"before it was sent", p, f.High, f.Floor)
	case f.Fence.stale() && f.High > p.recovered:
		l.w.violate("lost-write",
			"%v: a fetch was told a high watermark of %d, and the log ended at %d when its broker "+
				"came back", p, f.High, p.recovered)
	case f.Start > f.High:
		l.w.violate("bad-start", "%v: a fetch is told a log start of %d and a high watermark of %d", p, f.Start, f.High)
	default:
		l.started(p, f.Start, f.Fence)
		p.end = max(p.end, f.High)
	}
}

// started judges a log start that a process told.
func (l *Ledger) started(p *Partition, start base.Offset, f Fence) {
	if start > p.trim && !p.Topic.Expires {
		l.w.violate("lost-ack", "%v: the log begins at %d, although nothing was to trim it beyond %d", p, start, p.trim)
	}
	if !f.stale() {
		p.start = max(p.start, start)
	}
}

// saw judges one batch that a process showed, and notes where it lies. The CRC of the batch is right.
func (l *Ledger) saw(p *Partition, b batch.Batch, f *Fetched, known bool) AppendID {
	if known {
		if id := l.at(p, b.BaseOffset()); id != NoAppend && l.same(b, id) {
			return id
		}
	}
	id, ok := l.identity(b)
	if !ok || l.appends[id].Partition != p.Index || !l.appends[id].sent {
		if !p.Topic.doomed {
			l.w.violate("garbage-read", "%v: a fetch shows a batch at offset %d that nobody sent here", p,
				b.BaseOffset())
		}
		return NoAppend
	}
	a := &l.appends[id]
	switch {
	case a.failed:
		l.w.violate("aborted-read", "%v: a fetch shows append %d at offset %d, which was refused", p, id,
			b.BaseOffset())
	case !l.same(b, id):
		l.w.violate("altered-batch", "%v: append %d at offset %d has %d records and CRC %08x, expected %d and %08x", p,
			id,
			b.BaseOffset(), b.Count(), b.CRC(), a.Count, a.CRC)
	case known && f.Fence.stale() && b.NextOffset() > p.recovered:
		l.w.violate("lost-write", "%v: a fetch showed offset %d, and the log ended at %d when its broker came back", p,
			b.LastOffset(), p.recovered)
	case known:
		l.place(p, b.BaseOffset(), id)
	}
	return id
}

func short(err error) bool {
	return err != nil && isShort(err)
}

// EndTold holds an answer to ListOffsets for the latest offset against what is known.
func (l *Ledger) EndTold(p *Partition, end, floor base.Offset, f Fence) {
	switch {
	case p.Topic.doomed || f.old():
	case end < floor:
		l.w.violate("stale-end", "%v: the log's end is told as %d, although all below %d were taken before", p, end,
			floor)
	case f.stale() && end > p.recovered:
		l.w.violate("lost-write", "%v: the log's end was told as %d, and it ended at %d when its broker came back", p,
			end,
			p.recovered)
	default:
		p.end = max(p.end, end)
	}
}

// StartTold holds an answer that tells a log's start against what is known.
func (l *Ledger) StartTold(p *Partition, start base.Offset, f Fence) {
	if !p.Topic.doomed && !f.old() {
		l.started(p, start, f)
	}
}

// OutOfRange reports whether an offset may be out of range for an answer of a process: below the log's start, or beyond
// an end that a loss has moved back. floor is what End said when the question was sent.
func (l *Ledger) OutOfRange(p *Partition, offset, floor base.Offset, f Fence) bool {
	return p.Topic.doomed || p.Topic.Expires || offset < p.trim || f.old() || offset > floor
}

// TimestampOf returns the largest timestamp of the append that is known to hold an offset. It reports false if none is,
// or if the topic's timestamps are the broker's own.
func (l *Ledger) TimestampOf(p *Partition, offset base.Offset, f Fence) (int64, bool) {
	if p.Topic.Rewrites || f.old() {
		return 0, false
	}
	for i := len(p.log) - 1; i >= 0 && l.past(p.log[i]) > offset; i-- {
		if p.log[i].base <= offset {
			return l.appends[p.log[i].id].Timestamp, true
		}
	}
	return 0, false
}
