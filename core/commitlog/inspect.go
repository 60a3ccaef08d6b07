package commitlog

import "github.com/gregor-log/gregor/base"

// EpochEntry is one line of a leader epoch checkpoint: the offset at which a leader epoch began.
type EpochEntry struct {
	Epoch base.LeaderEpoch
	Start base.Offset
}

// ParseEpochs reads the content of a leader epoch checkpoint for tools that print it. Anything but strictly ascending
// epochs with offsets that do not descend is ErrBadCheckpoint.
func ParseEpochs(content []byte) ([]EpochEntry, error) {
	cache, err := parseEpochs(content)
	if err != nil {
		return nil, err
	}
	entries := make([]EpochEntry, len(cache))
	for i, e := range cache {
		entries[i] = EpochEntry{Epoch: e.epoch, Start: e.start}
	}
	return entries, nil
}
