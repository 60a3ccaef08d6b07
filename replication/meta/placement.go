package meta

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// placeReplicas chooses factor brokers for each of partitions, the leader first. The aims, most important first:
// replicas of a partition on as many racks as there are; leaders, then replicas, spread evenly over brokers; fenced
// brokers only when the others do not suffice, and never first.
//
// Partition p starts at rack p, counted around, and takes one broker of each rack in turn until it has enough. Each
// rack hands out its brokers in a circle that moves on by one after every round of all racks, so with racks of equal
// size each broker leads once before any leads twice:
//
//	racks a: 1 4   b: 2 5   c: 3 6      p0: 1 2 3   p1: 2 3 1   p2: 3 1 2   p3: 4 5 6   p4: 5 6 4   p5: 6 4 5
//
// After such a cycle the racks' circles are shuffled, since otherwise the same brokers would always follow each other,
// and one that fails would leave all its leaderships to one neighbour. The seed decides the first order, and where the
// first partition starts.
func placeReplicas(m *Image, partitions, factor int, seed uint64) ([][]base.NodeID, *Error) {
	racks, registered, active := racksOf(m)
	switch {
	case factor <= 0:
		return nil, refuse(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): Invalid "+
			"replication factor %d: the replication factor must be positive.", factor, factor)
	case active == 0:
		return nil, refuse(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): All brokers "+
			"are currently fenced, or have all their log directories cordoned.", factor)
	case factor > registered:
		return nil, refuse(kerr.InvalidReplicationFactor, "Unable to replicate the partition %d time(s): The target "+
			"replication factor of %d cannot be reached because only %d broker(s) are registered or some brokers have "+
			"all their log directories cordoned.", factor, factor, registered)
	}
	draw := stream(seed)
	first := draw.below(len(racks))
	cycle := len(racks) * largest(racks)
	placed := make([][]base.NodeID, partitions)
	for p := range placed {
		if p%cycle == 0 {
			for _, r := range racks {
				draw.shuffle(r.fenced)
				draw.shuffle(r.unfenced)
			}
		}
		placed[p] = stripe(racks, (first+p)%len(racks), p/len(racks), factor)
	}
	return placed, nil
}

// stripe takes factor brokers, one rack after another from rack start on, at the given turn of the racks' circles.
func stripe(racks []*rack, start, turn, factor int) []base.NodeID {
	for _, r := range racks {
		r.taken = 0
	}
	for len(racks[start].unfenced) == 0 {
		start = (start + 1) % len(racks)
	}
	replicas := make([]base.NodeID, 0, factor)
	for i := start; len(replicas) < factor; i = (i + 1) % len(racks) {
		if id, ok := racks[i].next(turn); ok {
			replicas = append(replicas, id)
		}
	}
	return replicas
}

// rack is what one rack has to offer. Brokers without a rack are in one rack together.
type rack struct {
	name             string
	unfenced, fenced []base.NodeID
	// taken is how many brokers the partition being placed has taken.
	taken int
}

// next takes the next broker of the rack's circle at the given turn; it returns false when all are taken.
func (r *rack) next(turn int) (base.NodeID, bool) {
	i := r.taken
	r.taken++
	if i < len(r.unfenced) {
		return r.unfenced[(turn+i)%len(r.unfenced)], true
	}
	if i -= len(r.unfenced); i < len(r.fenced) {
		return r.fenced[(turn+i)%len(r.fenced)], true
	}
	return base.NoNode, false
}

// racksOf sorts the brokers that may take replicas into racks, ordered by name and within by id, and counts them and
// those of them that are active.
func racksOf(m *Image) (racks []*rack, registered, active int) {
	for b := range m.Brokers() {
		if !b.placeable() {
			continue
		}
		i, ok := slices.BinarySearchFunc(racks, b.Rack, func(r *rack, name string) int {
			return strings.Compare(r.name, name)
		})
		if !ok {
			racks = slices.Insert(racks, i, &rack{name: b.Rack})
		}
		registered++
		if b.Active() {
			active++
			racks[i].unfenced = append(racks[i].unfenced, b.ID)
		} else {
			racks[i].fenced = append(racks[i].fenced, b.ID)
		}
	}
	return racks, registered, active
}

// largest is the number of unfenced brokers of the rack that has most; there is at least one.
func largest(racks []*rack) int {
	most := 0
	for _, r := range racks {
		most = max(most, len(r.unfenced))
	}
	return most
}

// stream is a small generator of numbers that a seed decides (splitmix64: Steele, Lea, Flood, 2014).
type stream uint64

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws a number from 0 to n-1. The bias of the remainder is of no account for the few brokers there are.
func (s *stream) below(n int) int { return int(s.next() % uint64(n)) }

// shuffle puts ids into a random order (Fisher and Yates).
func (s *stream) shuffle(ids []base.NodeID) {
	for i := len(ids) - 1; i > 0; i-- {
		j := s.below(i + 1)
		ids[i], ids[j] = ids[j], ids[i]
	}
}
