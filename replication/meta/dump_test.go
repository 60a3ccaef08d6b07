package meta

import (
	"fmt"
	"strings"
)

// dump writes an image out in full, so that equal images have equal texts.
func dump(m *Image) string {
	var b strings.Builder
	fmt.Fprintf(&b, "position %d/%d producers %d partitions %d topics %d brokers %d\n", m.Position().Offset,
		m.Position().Epoch, m.NextProducerID(), m.PartitionCount(), m.TopicCount(), m.BrokerCount())
	for f := range m.Features() {
		fmt.Fprintf(&b, "feature %s %d\n", f.Name, f.Level)
	}
	for br := range m.Brokers() {
		fmt.Fprintf(&b, "broker %+v\n", *br)
	}
	for t := range m.Topics() {
		fmt.Fprintf(&b, "topic %q %v\n", t.Name, t.ID)
		for _, p := range t.Partitions {
			fmt.Fprintf(&b, "  %+v\n", *p)
		}
	}
	for r := range m.ConfigResources() {
		fmt.Fprintf(&b, "config %v %q\n", r, m.Config(r))
	}
	for key, names := range m.similar.all() {
		fmt.Fprintf(&b, "similar %q %q\n", key, names)
	}
	return b.String()
}
