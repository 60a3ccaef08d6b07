package broker

import (
	"slices"
	"testing"
)

// A reloaded configuration holds for topics that say nothing else, at once, and what a request has altered still wins.
func TestReload(t *testing.T) {
	h := newHarness(t)
	h.create("plain", 1)
	h.create("own", 1, "retention.ms", "77")
	pairs := append(slices.Clone(h.config), kv("log.retention.ms", "5000"))
	next, taken, left, err := h.b.config().Reload(pairs)
	if err != nil || !slices.Equal(taken, []string{"log.retention.ms"}) || left != nil {
		t.Fatalf("got %v, %v and %v", taken, left, err)
	}
	h.b.Reload(next)
	for topic, want := range map[string]int64{"plain": 5000, "own": 77} {
		if got := h.b.topics.partition(topic, 0).config().RetentionMs; got != want {
			t.Errorf("%s: got retention.ms %d, expected %d", topic, got, want)
		}
	}
	if got := h.b.config().Defaults.RetentionMs; got != 5000 {
		t.Errorf("got %d as the default", got)
	}
}
