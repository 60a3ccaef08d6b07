package broker

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/replication/meta"
)

// act makes the broker follow a committed change of the metadata: partitions that are new here are opened, those of
// deleted topics are dropped, configurations take effect. image is the one after the change, not yet published.
func (b *Broker) act(now base.Instant, image *meta.Image, delta *meta.Delta, out *Effects) {
	for _, t := range delta.Deleted {
		b.dropTopic(now, t, out)
	}
	for _, resource := range delta.Configs {
		if resource.Type == meta.ResourceBroker {
			b.reconfigure(image)
		}
	}
	for _, t := range delta.Created {
		b.openTopic(now, image, t)
	}
	for _, change := range delta.Changed {
		b.openTopic(now, image, change.After)
	}
	for _, resource := range delta.Configs {
		if resource.Type == meta.ResourceTopic {
			b.reconfigureTopic(image, resource.Name)
		}
	}
}

// openTopic opens the partitions of a topic that this broker holds and has not opened, and tells all of them who leads.
func (b *Broker) openTopic(now base.Instant, image *meta.Image, t *meta.Topic) {
	made := b.topics.add(t)
	for _, m := range t.Partitions {
		if !slices.Contains(m.Replicas, b.nodeID) {
			continue
		}
		p := made.partition(m.ID)
		if p == nil {
			p = b.openPartition(now, image, made, m.ID, b.leastUsedDir(), nil)
			made.put(p)
		}
		p.lead(m)
	}
}

// leastUsedDir returns the log directory with the fewest partitions, where a new one goes (as in Kafka).
func (b *Broker) leastUsedDir() *logDir {
	least := b.dirs[0]
	for _, d := range b.dirs[1:] {
		if d.count() < least.count() {
			least = d
		}
	}
	return least
}

// openPartition opens one partition's log, or makes it. Where that fails, the partition is offline and says why. found
// is set for a directory that was there at the start.
func (b *Broker) openPartition(now base.Instant, image *meta.Image, t *topic, index int32, dir *logDir,
	found *foundDir) *partition {
	tp := base.TopicPartition{Topic: t.name, Partition: index}
	p := &partition{tp: tp, topic: t, dir: dir}
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
	dir.add(1)
	log, report, err := commitlog.Open(options)
	if err != nil {
		p.failure = coded(kafkaStorageError, "%v", err)
		b.log.Error("partition is offline", "partition", tp.String(), "cause", err.Error())
		return p
	}
	if report.Recovered > 0 || report.Cut != nil {
		b.logRecovery(tp, report)
	}
	p.log = log
	p.mu.highWatermark = log.Committable()
	return p
}

func (b *Broker) logRecovery(tp base.TopicPartition, report commitlog.Report) {
	attrs := []any{
		"partition", tp.String(), "segments", report.Recovered, "bytes", report.RecoveredBytes,
		"start", int64(report.Start), "end", int64(report.End),
	}
	if report.Cut == nil {
		b.log.Info("log recovered", attrs...)
		return
	}
	b.log.Warn("log recovered, torn tail cut off", append(attrs, "cut", report.Cut.String(),
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

// dropTopic ends the partitions of a deleted topic: what waits on them is answered, and their directories are renamed,
// to be removed after file.delete.delay.ms.
func (b *Broker) dropTopic(now base.Instant, m *meta.Topic, out *Effects) {
	t := b.topics.remove(m.ID)
	if t == nil {
		return
	}
	for _, p := range t.all() { // all of them first, since one request may wait for several
		p.mu.Lock()
		p.mu.gone = true
		p.mu.Unlock()
	}
	for _, p := range t.all() {
		delay := p.config().FileDeleteDelayMs
		p.release(b, now, unknownTopic, out)
		p.dir.add(-1)
		from := path.Join(p.dir.Path(), p.tp.String())
		if p.log != nil {
			p.log.Abandon()
		}
		to := path.Join(p.dir.Path(), commitlog.RetiredName(p.tp, b.uuid(), false))
		if err := b.fs.Rename(from, to); err != nil {
			b.log.Error("deleted partition's directory cannot be renamed", "directory", from, "cause", err.Error())
			continue
		}
		b.purge.directory(b, now, to, delay)
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

// foundDir is a partition's directory that was there when the broker started.
type foundDir struct {
	tp  base.TopicPartition
	dir *logDir
}

// adopt opens the partitions that the image gives this broker, from the directories that are there, and sets aside
// those that no topic of the image belongs to.
func (b *Broker) adopt(now base.Instant, image *meta.Image) error {
	found, err := b.findDirs(now)
	if err != nil {
		return err
	}
	var work []func()
	for _, f := range found {
		t := image.Topic(f.tp.Topic)
		mine := t != nil && int(f.tp.Partition) < len(t.Partitions) &&
			slices.Contains(t.Partitions[f.tp.Partition].Replicas, b.nodeID)
		if mine {
			if mine, err = b.belongs(f, t.ID); err != nil {
				return err
			}
		}
		if !mine {
			if err := b.setAside(f); err != nil {
				return err
			}
			continue
		}
		made := b.topics.add(t)
		work = append(work, func() {
			p := b.openPartition(now, image, made, f.tp.Partition, f.dir, &f)
			made.put(p)
		})
	}
	b.parallel(len(work), func(i int) { work[i]() })
	for t := range image.Topics() {
		b.openTopic(now, image, t)
	}
	return nil
}

// findDirs lists the partitions' directories of all log directories, and sees to it that deleted ones are removed.
func (b *Broker) findDirs(now base.Instant) ([]foundDir, error) {
	var found []foundDir
	for _, d := range b.dirs {
		partitions, deleted, err := d.PartitionDirs()
		if err != nil {
			return nil, err
		}
		for _, tp := range partitions {
			if tp != MetadataPartition {
				found = append(found, foundDir{tp: tp, dir: d})
			}
		}
		for _, name := range deleted {
			b.purge.directory(b, now, path.Join(d.Path(), name), 0)
		}
	}
	return found, nil
}

// belongs reports whether a directory holds the topic of that id. A directory whose partition.metadata is missing or
// torn holds nothing that was ever synced.
func (b *Broker) belongs(f foundDir, id base.UUID) (bool, error) {
	got, err := commitlog.ReadMetadata(b.fs, path.Join(f.dir.Path(), f.tp.String()))
	if errors.Is(err, commitlog.ErrNoMetadata) {
		return false, nil
	}
	return got == id, err
}

// setAside renames a directory that no topic belongs to, so that it is in nobody's way and nothing is lost.
func (b *Broker) setAside(f foundDir) error {
	from := path.Join(f.dir.Path(), f.tp.String())
	to := path.Join(f.dir.Path(), commitlog.RetiredName(f.tp, b.uuid(), true))
	b.log.Warn("directory belongs to no topic, set aside", "directory", from, "as", to)
	if err := b.fs.Rename(from, to); err != nil {
		return fmt.Errorf("set directory aside: %w", err)
	}
	return nil
}
