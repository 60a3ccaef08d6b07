package broker

import (
	"errors"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
)

// A log directory's offset checkpoints go by the names of partitions, and know nothing of topic ids. So that what they
// say always tells of the directory that has the name:
//
//   - the entries of a partition are out of the files, durably, before its directory loses the name (forget), be it
//     deleted or set aside: a topic that is made again under that name must not inherit them;
//   - the entries of a partition that cannot be served are carried over from file to file: they are what refuses it at
//     the next start as well.

// offsetFile is one offset checkpoint of a log directory, as the file says. Broker.checkpoints guards it.
type offsetFile struct {
	entries []commitlog.OffsetEntry // in the order of the partitions
	// unsure says that a write failed: the file may hold other entries.
	unsure bool
}

// file returns the checkpoint of that name.
func (d *logDir) file(name string) *offsetFile {
	switch name {
	case commitlog.RecoveryPointFile:
		return &d.recovery
	case commitlog.LogStartFile:
		return &d.starts
	}
	return &d.highs
}

// write replaces a checkpoint. It takes over entries.
func (d *logDir) write(name string, entries []commitlog.OffsetEntry) error {
	slices.SortFunc(entries, func(a, b commitlog.OffsetEntry) int { return a.Partition.Compare(b.Partition) })
	f := d.file(name)
	f.unsure = true
	if err := commitlog.WriteOffsets(d.FS(), d.Path(), name, entries); err != nil {
		return err
	}
	*f = offsetFile{entries: entries}
	return nil
}

// forget takes the partitions that match out of the checkpoints that a start goes by, durably. It writes nothing if
// they are not in there.
func (b *Broker) forget(d *logDir, match func(base.TopicPartition) bool) error {
	b.checkpoints.Lock()
	defer b.checkpoints.Unlock()
	return b.forgetLocked(d, match)
}

// forgetLocked is forget for those who hold the checkpoints.
func (b *Broker) forgetLocked(d *logDir, match func(base.TopicPartition) bool) error {
	for _, name := range []string{commitlog.RecoveryPointFile, commitlog.LogStartFile} {
		f := d.file(name)
		kept := slices.DeleteFunc(slices.Clone(f.entries), func(e commitlog.OffsetEntry) bool {
			return match(e.Partition)
		})
		if len(kept) == len(f.entries) && !f.unsure {
			continue
		}
		if err := d.write(name, kept); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint writes one offset checkpoint in each log directory. offset returns a partition's entry, and whether it has
// one; was and listed are those of the file that is replaced.
func (b *Broker) checkpoint(name string,
	offset func(p *partition, was base.Offset, listed bool) (base.Offset, bool)) error {
	b.checkpoints.Lock()
	defer b.checkpoints.Unlock()
	var errs []error
	for i, d := range b.dirs {
		if d.failed() != nil {
			continue // whatever its files say, the next start looks at all of it
		}
		var entries []commitlog.OffsetEntry
		if i == 0 && name == commitlog.RecoveryPointFile {
			entries = append(entries, commitlog.OffsetEntry{
				Partition: MetadataPartition, Offset: b.controller.log.Synced(),
			})
		}
		before := d.file(name).entries
		for _, p := range b.partitions() {
			was, listed := commitlog.LookupOffset(before, p.tp)
			if p.place.Load() != d {
				if listed && p.log != nil && errors.Is(p.log.Failure(), commitlog.ErrMoveUnsettled) {
					// The next start may find the log here, where it was.
					entries = append(entries, commitlog.OffsetEntry{Partition: p.tp, Offset: was})
				}
				continue
			}
			if o, ok := offset(p, was, listed); ok {
				entries = append(entries, commitlog.OffsetEntry{Partition: p.tp, Offset: o})
			}
		}
		errs = append(errs, d.write(name, entries))
	}
	return errors.Join(errs...)
}

// writeRecovery checkpoints the recovery points, after the leader epochs that lie below them, and these after the logs'
// starts, as they are cut there.
func (b *Broker) writeRecovery() error {
	if err := b.writeStarts(); err != nil {
		return err
	}
	points, err := b.recoveryPoints()
	if err = errors.Join(err, b.controller.log.Checkpoint()); err != nil {
		return err
	}
	return b.checkpoint(commitlog.RecoveryPointFile,
		func(p *partition, was base.Offset, listed bool) (base.Offset, bool) {
			if o, ok := points[p]; ok {
				return o, true
			}
			return was, listed
		})
}

// recoveryPoints returns up to where logs are durable, their leader epochs included. A log that failed cannot write
// epochs any more: it has a point if it wrote its last one before, and keeps the one that it had otherwise.
func (b *Broker) recoveryPoints() (map[*partition]base.Offset, error) {
	points := make(map[*partition]base.Offset)
	written := make(map[*partition]base.LeaderEpoch)
	var errs []error
	for _, p := range b.partitions() {
		if p.log == nil {
			continue
		}
		epoch := p.epoch()
		point := p.log.Synced()
		if p.offline() == nil {
			err := p.log.Checkpoint()
			if p.deleted() {
				continue
			}
			errs = append(errs, err)
		} else if last, ok := b.epochsWritten[p]; !ok || last != epoch {
			continue
		}
		points[p], written[p] = point, epoch
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b.epochsWritten = written
	return points, nil
}

// epoch returns the partition's leader epoch.
func (p *partition) epoch() base.LeaderEpoch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.leaderEpoch
}

func (b *Broker) writeStarts() error {
	return b.checkpoint(commitlog.LogStartFile,
		func(p *partition, was base.Offset, listed bool) (base.Offset, bool) {
			if p.log == nil {
				return was, listed
			}
			return p.log.StartCheckpoint()
		})
}

func (b *Broker) writeHighs() error {
	return b.checkpoint(commitlog.HighWatermarkFile,
		func(p *partition, was base.Offset, listed bool) (base.Offset, bool) {
			if p.log == nil {
				return was, listed
			}
			return p.highWatermark(), true
		})
}
