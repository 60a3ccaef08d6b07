package world

import (
	"errors"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// ending notes that a node's process is about to end, and whether that may lose what was acknowledged.
func (l *Ledger) ending(n *Node, how ending) {
	kind, detail := "kill", ""
	if how == endPower {
		kind = "power_loss"
	}
	if how == endClean {
		return
	}
	if n.disk.Dropped() && how != endPower && !l.w.opts.Lossless {
		// What the kernel dropped after a failed sync is as gone as after a loss of power.
		kind, detail = "power_loss", "a failed sync had dropped pages"
	}
	if kind == "power_loss" && !l.w.opts.Lossless {
		n.losing = true
	}
	l.w.happen(n.opts.ID, kind, detail)
}

// recovered holds the files of a node whose broker has just started against what is known of its partitions. down says
// how the process before it ended.
func (l *Ledger) recovered(n *Node, down ending) {
	if n.losing {
		n.cuts++
	}
	for len(n.cutsAt) <= int(n.life) {
		n.cutsAt = append(n.cutsAt, n.cuts)
	}
	n.inspected = n.life
	l.inspect(n, n.losing, false)
	n.losing = false
}

// closed holds the files of a node whose broker was closed in good order against what is known of its partitions, and
// against its checkpoints.
func (l *Ledger) closed(n *Node) {
	l.inspect(n, false, true)
}

// inspect reads all logs on a node's disk.
func (l *Ledger) inspect(n *Node, losing, whole bool) {
	l.counts.Inspections++
	fs := n.disk.Bare()
	points, err := checkpoint(fs, commitlog.RecoveryPointFile)
	if err != nil {
		l.w.violate("disk", "node %d: %v", n.opts.ID, err)
		return
	}
	n.w.logf("DEBUG points %v", points)
	names := []base.TopicPartition{{Topic: "__cluster_metadata"}}
	for _, p := range l.partitions {
		if !p.Topic.doomed {
			names = append(names, p.TopicPartition)
		}
	}
	for i, tp := range names {
		image, err := readLog(fs, path.Join(dataDir, tp.String()))
		if errors.Is(err, vfs.ErrNotExist) && i > 0 && !l.find(tp).Topic.created {
			continue
		}
		if err == nil {
			// A broker that starts appends to the metadata log at once, and its epoch is in no checkpoint yet.
			err = image.check(whole, l.loose(n, losing), whole || i > 0)
		}
		if err != nil {
			l.w.violate("disk", "node %d: %v", n.opts.ID, err)
			return
		}
		if at, ok := points[tp]; ok && (at > image.end || whole && at != image.end) {
			l.w.violate("disk", "node %d: the recovery point of %v is %d, its log ends at %d", n.opts.ID, tp, at, image.end)
			return
		}
		if i > 0 {
			l.compare(l.find(tp), image, losing)
		}
	}
}

// loose reports whether logs may have lost batches amid a producer's.
func (l *Ledger) loose(n *Node, losing bool) bool {
	return losing || n.cuts > 0
}

// check holds the files of one directory against each other.
func (m *logImage) check(whole, loose, epochs bool) error {
	if err := m.checkIndexes(whole); err != nil {
		return err
	}
	if err := m.checkProducers(loose); err != nil {
		return err
	}
	if !epochs {
		return nil
	}
	return m.checkEpochs()
}

// find returns the partition of a name.
func (l *Ledger) find(tp base.TopicPartition) *Partition {
	for _, p := range l.partitions {
		if p.TopicPartition == tp {
			return p
		}
	}
	return nil
}

// checkpoint reads one of the offset checkpoints of the data directory.
func checkpoint(fs vfs.FS, name string) (map[base.TopicPartition]base.Offset, error) {
	entries, err := commitlog.ReadOffsets(fs, dataDir, name)
	if err != nil {
		return nil, err
	}
	found := make(map[base.TopicPartition]base.Offset, len(entries))
	for _, e := range entries {
		found[e.Partition] = e.Offset
	}
	return found, nil
}

// compare holds a log on the disk against what is known of it, and learns the rest: after a start of the broker, all of
// the log is known.
func (l *Ledger) compare(p *Partition, m *logImage, losing bool) {
	if losing {
		l.forget(p, m.end)
	}
	if m.end < p.end {
		l.lostEnd(p, m.end)
		return
	}
	if m.start > p.trim && !p.Topic.Expires {
		l.w.violate("lost-ack", "%v: the log on the disk begins at %d, although nothing was to trim it beyond %d", p,
			m.start, p.trim)
		return
	}
	for i := range m.batches {
		b := m.batches[i].bytes
		if id := l.at(p, b.BaseOffset()); id != NoAppend && l.same(b, id) {
			continue
		}
		id, ok := l.identity(b)
		switch {
		case !ok || l.appends[id].Partition != p.Index || !l.appends[id].sent:
			l.w.violate("garbage-read", "%v: the log on the disk has a batch at offset %d that nobody sent there", p,
				b.BaseOffset())
		case l.appends[id].failed:
			l.w.violate("aborted-read", "%v: the log on the disk has append %d at offset %d, which was refused", p, id,
				b.BaseOffset())
		case !l.same(b, id):
			l.w.violate("altered-batch", "%v: the log on the disk has append %d at offset %d, altered", p, id, b.BaseOffset())
		default:
			l.place(p, b.BaseOffset(), id)
		}
	}
	p.end, p.recovered, p.start = m.end, m.end, 0
}

// lostEnd reports a log that ends before what is known of it.
func (l *Ledger) lostEnd(p *Partition, end base.Offset) {
	for _, x := range p.log {
		if a := &l.appends[x.id]; a.acked && l.past(x) > end {
			l.w.violate("lost-ack", "append %d was acknowledged at offset %d of %v, whose log on the disk ends at %d", x.id,
				x.base, p, end)
			return
		}
	}
	l.w.violate("lost-write", "%v: all below offset %d had been shown, and the log on the disk ends at %d", p, p.end, end)
}

// forget takes back what is known beyond an end, after a loss that is allowed.
func (l *Ledger) forget(p *Partition, end base.Offset) {
	keep := len(p.log)
	for keep > 0 && l.past(p.log[keep-1]) > end {
		a := &l.appends[p.log[keep-1].id]
		if a.acked {
			l.counts.Lost += int64(a.Count)
		}
		a.base = base.NoOffset
		keep--
	}
	p.log = p.log[:keep]
	p.end = end
	for i := range l.appends {
		if a := &l.appends[i]; a.Partition == p.Index && a.base < 0 {
			a.floor = min(a.floor, end) // it may lie anywhere now
		}
	}
}

// TruncateLast cuts the last batch off a partition's log on a node's disk, for a disk that loses what it had: the next
// process does not find it. It reports false if there is none.
func (n *Node) TruncateLast(p *Partition) bool {
	fs := n.disk.Bare()
	image, err := readLog(fs, path.Join(dataDir, p.String()))
	if err != nil || len(image.batches) == 0 {
		return false
	}
	s := &image.segments[len(image.segments)-1]
	if s.first == s.last {
		return false
	}
	f, err := fs.Open(image.path(s.base, segment.LogSuffix), vfs.ReadWrite)
	if err != nil {
		return false
	}
	err = errors.Join(f.Truncate(image.batches[s.last-1].position), f.Sync(), f.Close())
	return err == nil
}
