package main

import (
	"fmt"
	"strings"
)

// topicPartitions is a topic with some of its partitions, or with all if partitions is nil.
type topicPartitions struct {
	topic      string
	partitions []int32
}

// parseTopicPartitions reads texts such as "orders" and "orders:0,3-5", each topic at most once.
func parseTopicPartitions(texts []string) ([]topicPartitions, error) {
	var out []topicPartitions
	seen := map[string]bool{}
	for _, text := range texts {
		topic, list, some := strings.Cut(text, ":")
		partitions, err := parsePartitions(list)
		if err != nil {
			return nil, err
		}
		if topic == "" || some && partitions == nil {
			return nil, fmt.Errorf("got %q, expected topic or topic:partitions", text)
		}
		if seen[topic] {
			return nil, fmt.Errorf("got topic %s twice, expected topic:0,1 for two of its partitions", topic)
		}
		seen[topic] = true
		out = append(out, topicPartitions{topic, partitions})
	}
	return out, nil
}
