package world

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
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
	l.inspect(n, inspection{losing: n.losing, skip: n.unrecovered()})
	n.losing = false
}

// unrecovered returns the partitions that the broker could not recover, because the disk failed: what is in their
// directories is what an earlier process left.
func (n *Node) unrecovered() []base.TopicPartition {
	if n.disk.Injected() == 0 {
		return nil
	}
	return n.broker.Offline()
}

// closed holds the files of a node whose broker was closed in good order against what is known of its partitions, but
// for those that it could not recover, and against its checkpoints.
func (l *Ledger) closed(n *Node, skip []base.TopicPartition) {
	l.inspect(n, inspection{whole: true, skip: skip})
}

// inspection says how the files of a node are to be read.
type inspection struct {
	// losing says that a loss has happened that the durability class allows, whole that the broker was closed.
	losing, whole bool
	// skip are partitions that were not recovered.
	skip []base.TopicPartition
}

// inspect reads all logs on a node's disk. After a clean stop it holds them against the checkpoints, too.
func (l *Ledger) inspect(n *Node, how inspection) {
	l.counts.Inspections++
	points, err := checkpoint(n.disk.Bare(), commitlog.RecoveryPointFile)
	if err != nil {
		l.w.violate("disk", "node %d: %v", n.opts.ID, err)
		return
	}
	image, err := l.image(n, metadataPartition, how)
	if err = errors.Join(err, image.checkPoint(points, metadataPartition, how.whole)); err != nil {
		l.w.violate("disk", "node %d: %v", n.opts.ID, err)
		return
	}
	for _, tp := range n.OffsetsLogs() {
		if slices.Contains(how.skip, tp) {
			continue
		}
		image, err := l.image(n, tp, how)
		if err = errors.Join(err, image.checkPoint(points, tp, how.whole)); err != nil {
			l.w.violate("disk", "node %d: %v", n.opts.ID, err)
			return
		}
	}
	l.inspectTopics(n, points, how)
}

// inspectTopics reads the logs of the clients' topics.
func (l *Ledger) inspectTopics(n *Node, points map[base.TopicPartition]base.Offset, how inspection) {
	for _, p := range l.partitions {
		if p.Topic.doomed {
			continue
		}
		if slices.Contains(how.skip, p.TopicPartition) {
			p.skip(how.losing)
			continue
		}
		image, err := l.image(n, p.TopicPartition, how)
		if errors.Is(err, vfs.ErrNotExist) && !p.Topic.created {
			continue
		}
		if err == nil {
			l.compare(p, image, how.losing || p.losing)
			p.losing = false
			err = image.checkPoint(points, p.TopicPartition, how.whole)
		}
		if err != nil {
			l.w.violate("disk", "node %d: %v", n.opts.ID, err)
			return
		}
	}
}

// skip takes note that a partition was not recovered. Nothing is known of what it lost until it is.
func (p *Partition) skip(losing bool) {
	p.losing = p.losing || losing
	p.recovered, p.start = math.MaxInt64, 0
}

// metadataPartition is the log of the cluster's metadata.
var metadataPartition = base.TopicPartition{Topic: "__cluster_metadata"}

// image reads the log of a partition, and holds its files against each other.
func (l *Ledger) image(n *Node, tp base.TopicPartition, how inspection) (*logImage, error) {
	m, err := readLog(n.disk.Bare(), path.Join(dataDir, tp.String()))
	if err != nil {
		return nil, err
	}
	if err := m.checkIndexes(how.whole); err != nil {
		return nil, err
	}
	if err := m.checkProducers(how.losing || n.cuts > 0); err != nil {
		return nil, err
	}
	// A broker that starts appends to the metadata log at once, and its epoch is in no checkpoint yet.
	if how.whole || tp != metadataPartition {
		if err := m.checkEpochs(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// checkPoint holds a log against the recovery points in the checkpoint: none is beyond the end of its log, and after a
// clean stop they are the same.
func (m *logImage) checkPoint(points map[base.TopicPartition]base.Offset, tp base.TopicPartition, whole bool) error {
	if at, ok := points[tp]; m != nil && ok && (at > m.end || whole && at != m.end) {
		return fmt.Errorf("%w: the recovery point of %v is %d, its log ends at %d", errImage, tp, at, m.end)
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
			l.w.violate("altered-batch", "%v: the log on the disk has append %d at offset %d, altered", p, id,
				b.BaseOffset())
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
			l.w.violate("lost-ack", "append %d was acknowledged at offset %d of %v, whose log on the disk ends at %d",
				x.id,
				x.base, p, end)
			return
		}
	}
	l.w.violate("lost-write", "%v: all below offset %d had been shown, and the log on the disk ends at %d", p, p.end,
		end)
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

// CutAcked cuts the end of a partition's log off on the disk of a node whose process was killed, from the last
// acknowledged batch on, and takes the recovery points with it, for a disk that loses what it had: the next process
// cannot know. It reports false if the last segment has no such batch.
func (n *Node) CutAcked(p *Partition) bool {
	fs, l := n.disk.Bare(), n.w.ledger
	if n.down != endKill {
		return false
	}
	image, err := readLog(fs, path.Join(dataDir, p.String()))
	if err != nil {
		return false
	}
	s := &image.segments[len(image.segments)-1]
	for _, b := range slices.Backward(image.batches[s.first:s.last]) {
		if id := l.at(p, b.bytes.BaseOffset()); id != NoAppend && l.appends[id].acked {
			return n.CutFrom(p.TopicPartition, b.bytes.BaseOffset())
		}
	}
	return false
}
