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

// foundDir is a partition's directory that was there when the broker started.
type foundDir struct {
	tp  base.TopicPartition
	dir *logDir
}

// claim is a directory of a partition that the image gives this broker.
type claim struct {
	foundDir
	topic *meta.Topic
	// lost says why the directory cannot be used, though records in it were synced; nil otherwise.
	lost error
}

// adopt opens the partitions that the image gives this broker, from the directories that are there, and sets aside
// those that no topic of the image belongs to.
func (b *Broker) adopt(now base.Instant, image *meta.Image) error {
	found, err := b.findDirs(now)
	if err != nil {
		return err
	}
	claims, strays, err := b.sortOut(found, image)
	if err != nil {
		return err
	}
	claimed := make(map[foundDir]bool)
	for _, c := range claims {
		claimed[c.foundDir] = true
	}
	for _, d := range b.dirs {
		if err := b.forget(d, func(tp base.TopicPartition) bool {
			return tp != MetadataPartition && !claimed[foundDir{tp: tp, dir: d}]
		}); err != nil {
			return err
		}
	}
	for _, f := range strays {
		if err := b.setAside(f); err != nil {
			return err
		}
	}
	b.parallel(len(claims), b.opening(now, image, claims))
	for t := range image.Topics() {
		b.openTopic(now, image, t)
	}
	return nil
}

// opening returns what opens the partitions of claims, one a call.
func (b *Broker) opening(now base.Instant, image *meta.Image, claims []claim) func(int) {
	topics := make([]*topic, len(claims))
	for i, c := range claims {
		topics[i] = b.topics.add(c.topic)
	}
	return func(i int) {
		if c := claims[i]; c.lost != nil {
			topics[i].put(b.refuse(image, topics[i], c))
		} else {
			topics[i].put(b.openPartition(now, image, topics[i], c.tp.Partition, c.dir, &c.foundDir))
		}
	}
}

// refuse makes a partition that is offline from the start.
func (b *Broker) refuse(image *meta.Image, t *topic, c claim) *partition {
	p := &partition{tp: c.tp, topic: t, dir: c.dir, failure: coded(kafkaStorageError, "%v", c.lost)}
	p.mu.cfg = b.topicConfig(image, t.name)
	p.dir.add(1)
	b.log.Error("partition is offline", "partition", p.tp.String(), "cause", c.lost.Error())
	return p
}

// sortOut tells the directories that partitions of the image claim from those that are nobody's. Partitions whose
// directory is gone, though it was synced, claim it as well.
func (b *Broker) sortOut(found []foundDir, image *meta.Image) (claims []claim, strays []foundDir, err error) {
	seen, claimed := make(map[foundDir]bool), make(map[base.TopicPartition]bool)
	for _, f := range found {
		seen[f] = true
		c := claim{foundDir: f, topic: b.holds(image, f.tp)}
		mine := c.topic != nil
		if mine {
			if mine, c.lost, err = b.belongs(f, c.topic.ID); err != nil {
				return nil, nil, err
			}
		}
		if !mine {
			strays = append(strays, f)
			continue
		}
		claims, claimed[f.tp] = append(claims, c), true
	}
	for _, d := range b.dirs {
		for _, e := range d.Recovery {
			c := claim{foundDir: foundDir{tp: e.Partition, dir: d}, topic: b.holds(image, e.Partition)}
			if e.Offset == 0 || c.topic == nil || seen[c.foundDir] || claimed[c.tp] {
				continue
			}
			c.lost = fmt.Errorf("directory %s is gone; it was synced up to offset %d",
				path.Join(d.Path(), c.tp.String()), e.Offset)
			claims, claimed[c.tp] = append(claims, c), true
		}
	}
	return claims, strays, nil
}

// holds returns the topic of a partition if the image gives that partition to this broker, or nil.
func (b *Broker) holds(image *meta.Image, tp base.TopicPartition) *meta.Topic {
	t := image.Topic(tp.Topic)
	if t == nil || int(tp.Partition) >= len(t.Partitions) ||
		!slices.Contains(t.Partitions[tp.Partition].Replicas, b.nodeID) {
		return nil
	}
	return t
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

// belongs reports whether a directory holds the topic of that id. One whose partition.metadata is missing or torn holds
// nothing that was ever synced, unless the log directory says that it does: lost is the reason then to leave it alone.
func (b *Broker) belongs(f foundDir, id base.UUID) (mine bool, lost, err error) {
	got, err := commitlog.ReadMetadata(b.fs, path.Join(f.dir.Path(), f.tp.String()))
	if errors.Is(err, commitlog.ErrNoMetadata) {
		if lost = f.dir.promised(f.tp, err); lost != nil {
			return true, lost, nil
		}
		return false, nil, nil
	}
	return got == id, nil, err
}

// promised returns an error that wraps cause if something of a partition was synced for certain: it has a recovery
// point, or the last stop was clean.
func (d *logDir) promised(tp base.TopicPartition, cause error) error {
	if point, _ := commitlog.LookupOffset(d.Recovery, tp); point > 0 {
		return fmt.Errorf("%w; it was synced up to offset %d", cause, point)
	}
	if d.Clean {
		return fmt.Errorf("%w; it was there when the broker stopped", cause)
	}
	return nil
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
