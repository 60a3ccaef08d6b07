package broker

import (
	"errors"
	"fmt"
)

// Close ends the broker cleanly: every log is closed and synced, the checkpoints are written, and each log directory
// gets the mark that lets the next start trust it, unless one of its partitions is offline. No Step and no task may be
// running. It blocks.
func (b *Broker) Close() error {
	partitions := b.partitions()
	errs := make([]error, len(partitions))
	b.parallel(len(partitions), func(i int) {
		if log := partitions[i].log; log != nil {
			errs[i] = log.Close()
		}
	})
	failed := make(map[*logDir]bool)
	for i, p := range partitions {
		if errs[i] != nil || p.log == nil {
			failed[p.place.Load()] = true
		}
		if errs[i] != nil {
			errs[i] = fmt.Errorf("close %s: %w", p.tp, errs[i])
		}
	}
	err := errors.Join(errs...)
	if cerr := b.controller.log.Close(); cerr != nil {
		failed[b.dirs[0]] = true
		err = errors.Join(err, fmt.Errorf("close metadata log: %w", cerr))
	}
	err = errors.Join(err, b.writeRecovery(), b.writeHighs())
	for _, d := range b.dirs {
		if !failed[d] && d.failed() == nil && err == nil {
			err = d.MarkClean(int64(b.epoch))
		}
	}
	return errors.Join(err, b.closeDirs())
}

// Abandon lets go of the log directories of a broker that came to a bad end, without writing anything.
func (b *Broker) Abandon() error {
	for _, p := range b.partitions() {
		if p.log != nil {
			p.log.Abandon()
		}
	}
	b.controller.log.Abandon()
	return b.closeDirs()
}
