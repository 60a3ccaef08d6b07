package group

import (
	"bytes"
	"math"
	"slices"
	"sort"

	"github.com/gregor-log/gregor/core/wire"
)

// readSubscriptions finds out which topics the members of the generation read. They are known of groups that use the
// consumer's protocol, whose subscriptions begin
//
//	version int16, topics [string]
//
// in every version. If one cannot be read, the group is taken to read everything.
func (g *group) readSubscriptions() {
	g.topics, g.topicsKnown = topicSet{}, false
	if g.protocolType != consumerType {
		return
	}
	var names [][]byte
	var last []byte
	for _, m := range g.members {
		metadata := m.metadata()
		if len(last) > 0 && bytes.HasPrefix(metadata, last) {
			continue // most members read what the others read
		}
		r := wire.NewReader(metadata, false)
		r.Int16()
		for range max(r.Array(2), 0) {
			name := r.Name()
			if r.Err() != nil {
				break
			}
			names = append(names, name)
		}
		if r.Err() != nil {
			return
		}
		last = metadata[:len(metadata)-r.Left()]
	}
	g.topics, g.topicsKnown = newTopicSet(names)
}

// reads reports that a member may read the topic.
func (g *group) reads(topic string) bool {
	if !g.topicsKnown {
		return g.protocolType == consumerType
	}
	return g.topics.has(topic)
}

// topicSet is a set of names that is never changed, in little more memory than the names take: a member may send a
// great many short ones, and they stay as long as the group does.
type topicSet struct {
	// text is the names in order, one behind the other, and ends where each ends.
	text string
	ends []uint32
}

// newTopicSet makes a set of names, whose order it changes. It reports false if they are too long together.
func newTopicSet(names [][]byte) (topicSet, bool) {
	slices.SortFunc(names, bytes.Compare)
	names = slices.CompactFunc(names, bytes.Equal)
	size := 0
	for _, name := range names {
		size += len(name)
	}
	if size > math.MaxUint32 {
		return topicSet{}, false
	}
	text, ends := make([]byte, 0, size), make([]uint32, 0, len(names))
	for _, name := range names {
		text = append(text, name...)
		ends = append(ends, uint32(len(text)))
	}
	return topicSet{text: string(text), ends: ends}, true
}

// name returns the name at a place.
func (s topicSet) name(i int) string {
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

func (s topicSet) has(name string) bool {
	i := sort.Search(len(s.ends), func(i int) bool { return s.name(i) >= name })
	return i < len(s.ends) && s.name(i) == name
}
