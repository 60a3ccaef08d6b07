package config

import (
	"slices"
	"strings"
	"testing"
)

// A reload takes what may change at run time, in either direction, and names what may not.
func TestReload(t *testing.T) {
	b := parsed(t, "log.retention.ms=1000", "num.partitions=2", "message.max.bytes=500", "node.id=3",
		"gregor.log.level=warn", "typo=1")
	next, taken, left, err := b.Reload(pairs("log.retention.ms=2000", "num.partitions=4", "node.id=4",
		"gregor.log.level=debug", "max.connections=5", "listener.name.plaintext.max.connections=6",
		"log.cleanup.policy=delete", "typo=2"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"gregor.log.level", "log.cleanup.policy", "log.retention.ms", "message.max.bytes", "typo"}
	if !slices.Equal(taken, want) {
		t.Errorf("taken: got %v, expected %v", taken, want)
	}
	want = []string{"listener.name.plaintext.max.connections", "max.connections", "node.id", "num.partitions"}
	if !slices.Equal(left, want) {
		t.Errorf("left: got %v, expected %v", left, want)
	}
	if next.Defaults.RetentionMs != 2000 || next.Defaults.MaxMessageBytes != parsed(t).Defaults.MaxMessageBytes ||
		next.NodeID != 3 || next.NumPartitions != 2 || next.LogLevel() != "debug" {
		t.Errorf("got %+v", next)
	}
	if b.Defaults.RetentionMs != 1000 || b.LogLevel() != "warn" {
		t.Error("the broker itself has changed")
	}
	if same, taken, left, err := next.Reload(pairs("log.retention.ms=2000", "num.partitions=2", "node.id=3",
		"gregor.log.level=debug", "log.cleanup.policy=delete", "typo=2")); err != nil || taken != nil || left != nil ||
		same.Defaults.RetentionMs != 2000 {
		t.Errorf("no change: got %v, %v and %v", taken, left, err)
	}
	_, _, _, err = b.Reload(pairs("log.retention.ms=x"))
	if err == nil || !strings.Contains(err.Error(), "log.retention.ms") {
		t.Errorf("got %v, expected the bad value", err)
	}
}
