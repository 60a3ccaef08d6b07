package meta

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// twin is metadata as one would write it down without thinking of speed or sharing: maps that are changed in place. It
// predicts which commands are refused, and what an image must say after those that are not.
type twin struct {
	topics    map[string]*twinTopic
	configs   map[ConfigResource]map[string]string
	brokers   map[base.NodeID]*twinBroker
	producers base.ProducerID
}

type twinTopic struct {
	id       base.UUID
	replicas [][]base.NodeID
}

type twinBroker struct {
	incarnation base.UUID
	fenced      bool
}

func newTwin() twin {
	return twin{
		topics: map[string]*twinTopic{}, configs: map[ConfigResource]map[string]string{},
		brokers: map[base.NodeID]*twinBroker{},
	}
}

func (w *twin) active() (n int) {
	for _, b := range w.brokers {
		if !b.fenced {
			n++
		}
	}
	return n
}

// badName says whether a name is none, by other means than CheckTopicName.
func badName(name string) bool {
	rest := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")
	return name == "" || rest != "" || strings.Trim(name, ".") == "" && len(name) <= 2
}

// createTopic predicts the code of a CreateTopic without assignments, nil for success.
func (w *twin) createTopic(c CreateTopic) *kerr.Error {
	if w.topics[c.Name] != nil {
		return kerr.TopicAlreadyExists
	}
	if badName(c.Name) {
		return kerr.InvalidTopicException
	}
	for name := range w.topics {
		if strings.ReplaceAll(name, ".", "_") == strings.ReplaceAll(c.Name, ".", "_") {
			return kerr.InvalidTopicException
		}
	}
	factor, partitions := c.ReplicationFactor, c.Partitions
	if factor == -1 {
		factor = c.Defaults.ReplicationFactor
	}
	if partitions == -1 {
		partitions = c.Defaults.Partitions
	}
	if c.ReplicationFactor == 0 || c.ReplicationFactor < -1 {
		return kerr.InvalidReplicationFactor
	}
	if partitions <= 0 {
		return kerr.InvalidPartitions
	}
	if int(factor) > len(w.brokers) || w.active() == 0 {
		return kerr.InvalidReplicationFactor
	}
	w.topics[c.Name] = &twinTopic{c.ID, make([][]base.NodeID, partitions)}
	for _, entry := range c.Configs {
		w.set(ConfigResource{ResourceTopic, c.Name}, entry.Name, entry.Value)
	}
	return nil
}

func (w *twin) set(r ConfigResource, name, value string) {
	if w.configs[r] == nil {
		w.configs[r] = map[string]string{}
	}
	w.configs[r][name] = value
}

func (w *twin) createPartitions(c CreatePartitions) *kerr.Error {
	t := w.topics[c.Name]
	switch {
	case t == nil:
		return kerr.UnknownTopicOrPartition
	case int(c.Count) <= len(t.replicas):
		return kerr.InvalidPartitions
	case len(t.replicas[0]) > len(w.brokers) || w.active() == 0:
		return kerr.InvalidReplicationFactor
	}
	t.replicas = append(t.replicas, make([][]base.NodeID, int(c.Count)-len(t.replicas))...)
	return nil
}

func (w *twin) deleteTopic(name string) *kerr.Error {
	if w.topics[name] == nil {
		return kerr.UnknownTopicOrPartition
	}
	delete(w.topics, name)
	delete(w.configs, ConfigResource{ResourceTopic, name})
	return nil
}

func (w *twin) alter(c AlterConfigs) *kerr.Error {
	if c.Resource.Type == ResourceTopic && w.topics[c.Resource.Name] == nil {
		return kerr.UnknownTopicOrPartition
	}
	for _, entry := range c.Set {
		w.set(c.Resource, entry.Name, entry.Value)
	}
	for _, name := range c.Delete {
		delete(w.configs[c.Resource], name)
	}
	return nil
}

func (w *twin) register(c RegisterBroker) *kerr.Error {
	old := w.brokers[c.ID]
	if old != nil && c.SessionAlive && !old.fenced && old.incarnation != c.IncarnationID {
		return kerr.DuplicateBrokerRegistration
	}
	if old == nil || old.incarnation != c.IncarnationID {
		w.brokers[c.ID] = &twinBroker{c.IncarnationID, c.Fenced}
	}
	return nil
}

// compare checks an image against the twin, and has the twin learn the replicas of new partitions.
func (w *twin) compare(m *Image) error {
	partitions := 0
	for name, want := range w.topics {
		got := m.Topic(name)
		if got == nil || got.ID != want.id || m.TopicByID(want.id) != got || len(got.Partitions) != len(want.replicas) {
			return fmt.Errorf("topic %q is %+v, expected %+v", name, got, want)
		}
		for i, p := range got.Partitions {
			if want.replicas[i] == nil {
				want.replicas[i] = slices.Clone(p.Replicas)
			}
			if !slices.Equal(p.Replicas, want.replicas[i]) || len(p.Replicas) != len(want.replicas[0]) {
				return fmt.Errorf("partition %s-%d has replicas %v, expected %v",
					name, i, p.Replicas, want.replicas[i])
			}
		}
		partitions += len(want.replicas)
	}
	var names []string
	for t := range m.Topics() {
		names = append(names, t.Name)
	}
	if !slices.Equal(names, slices.Sorted(maps.Keys(w.topics))) || partitions != m.PartitionCount() {
		return fmt.Errorf("topics %q with %d partitions, expected %d of %d",
			names, m.PartitionCount(), len(w.topics), partitions)
	}
	for r, want := range w.configs {
		got := map[string]string{}
		for _, entry := range m.Config(r) {
			got[entry.Name] = entry.Value
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("configs of %v are %v, expected %v", r, got, want)
		}
	}
	for id, want := range w.brokers {
		if got := m.Broker(id); got == nil || got.Fenced != want.fenced || got.IncarnationID != want.incarnation {
			return fmt.Errorf("broker %d is %+v, expected %+v", id, got, want)
		}
	}
	if m.BrokerCount() != len(w.brokers) || m.NextProducerID() != w.producers {
		return fmt.Errorf("%d brokers, next producer id %d", m.BrokerCount(), m.NextProducerID())
	}
	return nil
}
