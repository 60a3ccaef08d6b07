//go:build linux

package matrix

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// memory is a row of another kind with gregor's own stores as its sides: on the disk, in memory and on tmpfs.
type memory struct {
	workload
}

// shared is where Linux has a tmpfs, and shared memory of that much is enough for the rows.
const (
	shared     = "/dev/shm"
	sharedRoom = 4 << 30
)

// ErrNoMemory reports that there is no broker in memory to compare with.
var ErrNoMemory = errors.New("no broker that keeps its records in memory")

func memoryRows() []*Row {
	var rows []*Row
	for _, x := range []struct {
		name, as string
		of       []*Row
		least    float64
	}{
		{"memory-produce", "produce-64k", produceRows(), 0.9}, {"memory-fetch", "fetch-64k", fetchRows(), 0.98},
	} {
		for _, r := range x.of {
			if r.Name != x.as {
				continue
			}
			rows = append(rows, &Row{
				Name: x.name, What: r.What + ": gregor on the disk beside gregor in memory and on tmpfs",
				Unit: r.Unit, Durability: r.Durability, Settings: r.Settings, work: &memory{r.work},
				Aims: []result.Aim{{Against: result.Memory, AtLeast: x.least}},
			})
		}
	}
	return rows
}

var (
	_ workload = (*memory)(nil)
	_ adapting = (*memory)(nil)
)

// discard is that of the row whose kind it is.
func (w *memory) discard() []string {
	if d, ok := w.workload.(discarded); ok {
		return d.discard()
	}
	return nil
}

// adapt has gregor measured alone, on each of its stores.
func (w *memory) adapt(o *Options) ([]result.Setting, error) {
	if len(o.Peers) == 0 || o.Memory.Address == "" && o.Memory.Command == nil {
		return nil, ErrNoMemory
	}
	own, inMemory := o.Peers[0], o.Memory
	inMemory.Name = result.Memory
	o.Peers = []peer.Peer{own, inMemory}
	tmpfs, err := onTmpfs(own)
	if err != nil {
		return []result.Setting{{Key: result.Tmpfs, Value: "left out: " + err.Error()}}, nil
	}
	o.Peers = append(o.Peers, tmpfs)
	return []result.Setting{{Key: result.Tmpfs, Value: shared}}, nil
}

// onTmpfs returns a peer with its files in memory, or why there cannot be one.
func onTmpfs(own peer.Peer) (peer.Peer, error) {
	if own.Command == nil {
		return own, fmt.Errorf("%w: %s runs already", ErrNoRoom, own.Name)
	}
	free, kind, err := room(shared)
	switch {
	case err != nil:
		return own, err
	case kind != unix.TMPFS_MAGIC:
		return own, fmt.Errorf("%w: %s is no tmpfs", ErrNoRoom, shared)
	case free < sharedRoom:
		return own, fmt.Errorf("%w: got %d bytes in %s, expected %d", ErrNoRoom, free, shared, int64(sharedRoom))
	}
	own.Name, own.Parent = result.Tmpfs, shared
	return own, nil
}
