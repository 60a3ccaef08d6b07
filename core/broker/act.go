package broker

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// act makes the broker follow a committed change of the metadata: partitions that are new here are opened, those of
// deleted topics are dropped, configurations take effect. image is the one after the change, not yet published.
func (b *Broker) act(now base.Instant, image *meta.Image, delta *meta.Delta, out *Effects) {
	b.dropTopics(now, delta.Deleted, out)
	for _, resource := range delta.Configs {
		if resource.Type == meta.ResourceBroker {
			b.reconfigure(image)
		}
	}
	opened := slices.Clone(delta.Created)
	for _, change := range delta.Changed {
		opened = append(opened, change.After)
	}
	b.openTopics(now, image, opened)
	for _, resource := range delta.Configs {
		if resource.Type == meta.ResourceTopic {
			b.reconfigureTopic(image, resource.Name)
		}
	}
}

// newPartition is a partition that is about to be made.
type newPartition struct {
	topic *topic
	index int32
	dir   *logDir
}

// openTopics opens the partitions of topics that this broker holds and has not opened, and tells all of them who leads.
// Where each goes is decided one after the other; the files are made side by side.
func (b *Broker) openTopics(now base.Instant, image *meta.Image, topics []*meta.Topic) {
	var fresh []newPartition
	for _, t := range topics {
		made := b.topics.add(t)
		for _, m := range t.Partitions {
			if !slices.Contains(m.Replicas, b.nodeID) || made.partition(m.ID) != nil {
				continue
			}
			dir := b.dirForNew(base.TopicPartition{Topic: t.Name, Partition: m.ID})
			dir.add(1)
			fresh = append(fresh, newPartition{topic: made, index: m.ID, dir: dir})
		}
	}
	opened := make([]*partition, len(fresh))
	b.parallel(len(fresh), func(i int) {
		opened[i] = b.openPartition(now, image, fresh[i].topic, fresh[i].index, fresh[i].dir, nil)
	})
	for i, p := range opened {
		fresh[i].topic.put(p)
	}
	for _, t := range topics {
		made := b.topics.add(t)
		for _, m := range t.Partitions {
			if p := made.partition(m.ID); p != nil {
				p.lead(m)
			}
		}
	}
}

// dirForNew returns where a new partition goes: the log directory that AlterReplicaLogDirs wanted for it, else the one
// with the fewest partitions (as in Kafka). Directories that are offline get none while there are others.
func (b *Broker) dirForNew(tp base.TopicPartition) *logDir {
	if wanted := b.moves.take(tp); wanted != nil && wanted.failed() == nil {
		return wanted
	}
	var least *logDir
	for _, d := range b.dirs {
		if d.failed() == nil && (least == nil || d.count() < least.count()) {
			least = d
		}
	}
	if least == nil {
		return b.dirs[0]
	}
	return least
}

// openPartition opens one partition's log, or makes it, in a directory that has counted it. Where that fails, the
// partition is offline and says why. found is set for a directory that was there at the start.
func (b *Broker) openPartition(now base.Instant, image *meta.Image, t *topic, index int32, dir *logDir,
	found *foundDir) *partition {
	tp := base.TopicPartition{Topic: t.name, Partition: index}
	p := &partition{tp: tp, topic: t}
	p.place.Store(dir)
	p.mu.cfg = b.topicConfig(image, t.name)
	options := commitlog.Options{
		FS: b.fs, Dir: path.Join(dir.Path(), tp.String()), TopicID: t.id, Residents: b.residents,
		Config: logConfig(p.mu.cfg, b.config()), Wall: now.Wall, Jitter: b.rand.Uint64(),
	}
	if found != nil {
		options.Clean, options.Trusted = dir.Clean, dir.Trusted
		options.RecoveryPoint, _ = commitlog.LookupOffset(dir.Recovery, tp)
		options.LogStart, _ = commitlog.LookupOffset(dir.Starts, tp)
	}
	log, report, err := commitlog.Open(options)
	if err != nil {
		p.failure = coded(kafkaStorageError, "%v", err)
		b.storage.Error("partition is offline", "partition", tp.String(), "cause", err.Error())
		return p
	}
	if report.Recovered > 0 || report.Cut != nil {
		b.logRecovery(tp, report)
	}
	if err := b.endOldMove(options.Dir, found); err != nil {
		b.storage.Error("mark of a move cannot be removed", "partition", tp.String(), "cause", err.Error())
	}
	p.log = log
	p.mu.highWatermark = log.Committable()
	return p
}

// endOldMove takes away the mark of a move that the last stop came between. What the move had left behind is gone.
func (b *Broker) endOldMove(dir string, found *foundDir) error {
	if found == nil || b.absent.some { // what the move left behind may be back one day
		return nil
	}
	return commitlog.RemoveMoved(b.fs, dir)
}

func (b *Broker) logRecovery(tp base.TopicPartition, report commitlog.Report) {
	attrs := []any{
		"partition", tp.String(), "segments", report.Recovered, "bytes", report.RecoveredBytes,
		"start", int64(report.Start), "end", int64(report.End),
	}
	if report.Cut == nil {
		b.storage.Info("log recovered", attrs...)
		return
	}
	b.storage.Warn("log recovered, torn tail cut off", append(attrs, "cut", report.Cut.String(),
		"dropped_segments", report.Dropped)...)
}

// lead takes up who leads the partition, and in which epoch.
func (p *partition) lead(m *meta.Partition) {
	p.mu.Lock()
	changed := m.LeaderEpoch > p.mu.leaderEpoch || m.Leader != p.mu.leader
	p.mu.leader, p.mu.leaderEpoch, p.mu.isr, p.mu.replicas = m.Leader, m.LeaderEpoch, len(m.ISR), len(m.Replicas)
	p.mu.Unlock()
	if changed && p.log != nil {
		p.log.AssignEpoch(m.LeaderEpoch)
	}
}

func (p *partition) leaderID() base.NodeID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.leader
}

// dropTopics ends the partitions of deleted topics: what waits on them is answered, and their directories are renamed,
// to be removed after file.delete.delay.ms.
func (b *Broker) dropTopics(now base.Instant, deleted []*meta.Topic, out *Effects) {
	var dropped []*partition
	for _, m := range deleted {
		if t := b.topics.remove(m.ID); t != nil {
			dropped = append(dropped, t.all()...)
		}
	}
	for _, p := range dropped { // all of them first, since one request may wait for several
		p.mu.Lock()
		p.mu.gone = true
		p.mu.Unlock()
	}
	for _, p := range dropped {
		p.release(b, now, unknownTopic, out)
		p.cancelMove()
		if p.log != nil {
			p.log.Abandon() // a move that is about to end has ended by then
		}
		p.place.Load().add(-1)
	}
	for _, d := range b.dirs {
		elsewhere := func(p *partition) bool { return p.place.Load() != d }
		b.retire(now, d, slices.DeleteFunc(slices.Clone(dropped), elsewhere))
	}
}

// retire renames the directories of dropped partitions, once the checkpoints of their log directory have forgotten
// them. Directories that keep their names are in the way of new topics until the next start sets them aside.
func (b *Broker) retire(now base.Instant, d *logDir, dropped []*partition) {
	if len(dropped) == 0 {
		return
	}
	names := make(map[base.TopicPartition]bool)
	for _, p := range dropped {
		names[p.tp] = true
	}
	if err := b.forget(d, func(tp base.TopicPartition) bool { return names[tp] }); err != nil {
		b.storage.Error("deleted partitions cannot be forgotten", "directory", d.Path(), "cause", err.Error())
		return
	}
	for _, p := range dropped {
		from := path.Join(d.Path(), p.tp.String())
		to := path.Join(d.Path(), commitlog.RetiredName(p.tp, b.uuid(), false))
		err := b.fs.Rename(from, to)
		if err == nil {
			b.purge.directory(b, now, to, p.config().FileDeleteDelayMs)
		} else if !errors.Is(err, vfs.ErrNotExist) || p.log != nil {
			b.storage.Error("deleted partition's directory cannot be renamed", "directory", from, "cause", err.Error())
		}
	}
}

func (b *Broker) uuid() base.UUID {
	return base.NewUUID(b.rand.Uint64)
}

// reconfigureTopic hands a topic's configuration to its partitions.
func (b *Broker) reconfigureTopic(image *meta.Image, name string) {
	t := b.topics.find(name, base.UUID{})
	if t == nil || name == "" {
		return
	}
	cfg := b.topicConfig(image, name)
	for _, p := range t.all() {
		p.mu.Lock()
		p.mu.cfg = cfg
		p.mu.Unlock()
		if p.log != nil {
			p.log.SetConfig(logConfig(cfg, b.config()))
		}
	}
}

// reconfigure resolves the broker's own configuration anew from the image's dynamic layers.
func (b *Broker) reconfigure(image *meta.Image) {
	all := overrides(image, meta.ResourceBroker, "")
	own := overrides(image, meta.ResourceBroker, fmt.Sprint(b.nodeID))
	cfg, err := b.static.With(all, own)
	if err != nil {
		b.log.Error("dynamic configuration is not valid", "cause", err.Error())
		return
	}
	b.cfg.Store(cfg)
	for t := range image.Topics() {
		b.reconfigureTopic(image, t.Name)
	}
}
