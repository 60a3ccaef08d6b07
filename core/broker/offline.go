package broker

import (
	"errors"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
)

// A log directory other than the first goes offline as a whole when a write or a sync in one of its partitions fails:
// all its partitions answer KAFKA_STORAGE_ERROR from then on, and the others live on (as in Kafka, KIP-112). The first
// one holds the metadata log. Kafka stops the broker when that directory fails; here the partition whose write failed
// is offline, the others are tried, and once the metadata log itself fails nothing can be created or altered any more,
// while what is known is served.

// Offline returns the partitions that cannot be served because their directories failed, in the order of their topics
// and numbers. What is in those directories has not been recovered. The slice is the caller's.
func (b *Broker) Offline() []base.TopicPartition {
	var found []base.TopicPartition
	for _, p := range b.partitions() {
		if p.offline() != nil {
			found = append(found, p.tp)
		}
	}
	return found
}

// failed returns why the directory is offline, or nil.
func (d *logDir) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.failure
}

// failDir takes a directory offline in which a partition has failed, and answers whatever waits on its partitions.
// Damage inside one log says nothing of the others.
func (b *Broker) failDir(now base.Instant, d *logDir, cause error, out *Effects) {
	if d == b.dirs[0] || errors.Is(cause, commitlog.ErrCorruptLog) {
		return
	}
	d.mu.Lock()
	first := d.mu.failure == nil
	if first {
		d.mu.failure = coded(kafkaStorageError, "log directory %s is offline: %v", d.Path(), cause)
	}
	d.mu.Unlock()
	if !first {
		return
	}
	b.storage.Error("log directory is offline", "directory", d.Path(), "cause", cause.Error())
	for _, p := range b.partitions() {
		if p.place.Load() == d {
			p.release(b, now, kafkaStorageError, out)
		}
	}
}

// twice returns why a partition that is in several directories cannot be opened, unless one of them is where a move
// has brought it: that one is returned, and the others are what the move left behind.
func (b *Broker) twice(found []foundDir) (moved int, lost, err error) {
	moved = -1
	for i, f := range found {
		marked, err := commitlog.WasMoved(b.fs, path.Join(f.dir.Path(), f.tp.String()))
		if err != nil {
			return -1, nil, err
		}
		if marked && moved >= 0 {
			moved = -1
			break
		}
		if marked {
			moved = i
		}
	}
	if moved < 0 {
		lost = coded(kafkaStorageError, "%s is in %s and in %s: move one of them away", found[0].tp,
			found[0].dir.Path(), found[1].dir.Path())
	}
	return moved, lost, nil
}
