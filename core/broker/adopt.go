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
	// others are directories with the same partition: left behind by a move if lost is nil.
	others []foundDir
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
	var left []foundDir
	for _, c := range claims {
		claimed[c.foundDir] = true
		if c.lost == nil {
			left = append(left, c.others...)
			continue
		}
		for _, f := range c.others {
			claimed[f] = true
		}
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
	for _, f := range left {
		if err := b.leave(now, f); err != nil {
			return err
		}
	}
	b.parallel(len(claims), b.opening(now, image, claims))
	b.refuseAbsent(image)
	b.openTopics(now, image, slices.Collect(image.Topics()))
	return b.resumeMoves(now, claims)
}

// resumeMoves begins anew the moves that the last stop interrupted; what they had copied goes. The copy of a partition
// that is not here otherwise is left alone: it may be all there is.
func (b *Broker) resumeMoves(now base.Instant, claims []claim) error {
	at := make(map[base.TopicPartition]*claim)
	for i := range claims {
		at[claims[i].tp] = &claims[i]
	}
	var again []interruptedMove
	for _, d := range b.dirs {
		partitions, names, err := d.FutureDirs()
		if err != nil {
			return err
		}
		for i, tp := range partitions {
			c := at[tp]
			if p := b.topics.partition(tp.Topic, tp.Partition); p != nil && p.failure != nil {
				b.storage.Warn("copy of an offline partition is left", "directory", path.Join(d.Path(), names[i]))
				continue
			}
			b.purge.directory(b, now, path.Join(d.Path(), names[i]), 0)
			if c != nil && c.dir != d {
				again = append(again, interruptedMove{tp: tp, to: d})
			}
		}
	}
	b.moves.resume(b, now, again)
	return nil
}

// opening returns what opens the partitions of claims, one a call.
func (b *Broker) opening(now base.Instant, image *meta.Image, claims []claim) func(int) {
	topics := make([]*topic, len(claims))
	for i, c := range claims {
		topics[i] = b.topics.add(c.topic)
		c.dir.add(1)
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
	p := &partition{tp: c.tp, topic: t, failure: coded(kafkaStorageError, "%v", c.lost)}
	p.place.Store(c.dir)
	p.mu.cfg = b.topicConfig(image, t.name)
	b.storage.Error("partition is offline", "partition", p.tp.String(), "cause", c.lost.Error())
	return p
}

// sortOut tells the directories that partitions of the image claim from those that are nobody's. Partitions whose
// directory is gone, though it was synced, claim it as well.
func (b *Broker) sortOut(found []foundDir, image *meta.Image) (claims []claim, strays []foundDir, err error) {
	seen, claimed := make(map[foundDir]bool), make(map[base.TopicPartition]bool)
	first := make(map[base.TopicPartition]int)
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
		if i, again := first[f.tp]; again {
			claims[i].others = append(claims[i].others, f)
			continue
		}
		first[f.tp], claimed[f.tp] = len(claims), true
		claims = append(claims, c)
	}
	for i := range claims {
		if err := b.choose(&claims[i]); err != nil {
			return nil, nil, err
		}
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

// choose has a claim of several directories mean the one that a move brought the partition to.
func (b *Broker) choose(c *claim) error {
	if len(c.others) == 0 {
		return nil
	}
	all := append([]foundDir{c.foundDir}, c.others...)
	moved, lost, err := b.twice(all)
	if err != nil {
		return err
	}
	if lost != nil {
		c.lost = lost
		return nil
	}
	c.foundDir = all[moved]
	c.others = slices.Delete(all, moved, moved+1)
	_, c.lost, err = b.belongs(c.foundDir, c.topic.ID)
	return err
}

// leave deletes the directory that a move has left behind. The checkpoints have forgotten it.
func (b *Broker) leave(now base.Instant, f foundDir) error {
	from := path.Join(f.dir.Path(), f.tp.String())
	to := path.Join(f.dir.Path(), commitlog.RetiredName(f.tp, b.uuid(), false))
	b.storage.Warn("partition was moved, its old directory is deleted", "directory", from)
	err := b.fs.Rename(from, to)
	if err == nil {
		err = b.fs.SyncDir(f.dir.Path())
	}
	if err != nil {
		return fmt.Errorf("delete moved directory: %w", err)
	}
	b.purge.directory(b, now, to, 0)
	return nil
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
	b.storage.Warn("directory belongs to no topic, set aside", "directory", from, "as", to)
	if err := b.fs.Rename(from, to); err != nil {
		return fmt.Errorf("set directory aside: %w", err)
	}
	return nil
}
