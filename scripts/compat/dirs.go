package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// The topics of directories come in two sorts, which both brokers have: those that only gregor fills at first, and
// those that only Kafka fills, with the same batches.
const ours, theirs = "ours-", "theirs-"

// The batches of a topic come in three parts, that end this many before its last one.
const (
	firstPart  = 12
	secondPart = 6
)

// checkDirectories compares the directories that both brokers write, exchanges partitions after a clean stop and after
// SIGKILL, and has Kafka's tool read what gregor wrote. The brokers are stopped when it ends.
func (w *world) checkDirectories(ctx context.Context) error {
	say("filling %d topics on each broker, and stopping both", len(specs))
	err := w.both(func(s *side) error {
		if err := errors.Join(s.createTopics(ctx, ours), s.createTopics(ctx, theirs)); err != nil {
			return err
		}
		own := s.own()
		s.commits = own
		return errors.Join(s.fill(ctx, own, everything, firstPart), s.deleteRecords(ctx, own), s.leaveGroups(ctx))
	})
	if err != nil {
		return err
	}
	gregorSaid, kafkaSaid, err := w.bothDescribeGroups(ctx)
	if err := errors.Join(err, w.both((*side).stop)); err != nil {
		return err
	}
	w.checkFiles(ctx)
	w.checkDump(ctx, "after clients and a clean stop")
	w.checkCodecsOnDisk(ctx)
	w.checkGroupLog(ctx)
	w.checkDamage(ctx)
	if err := w.exchange(); err != nil {
		return err
	}
	if err := w.startBoth(ctx); err != nil {
		return err
	}
	w.checkGroupsServed(ctx, gregorSaid, kafkaSaid, "a clean stop")
	w.checkServed(ctx, firstPart, "a clean stop")
	w.checkContinued(ctx)
	say("going on with the topics and groups, and killing both brokers")
	err = w.both(func(s *side) error {
		return errors.Join(s.fill(ctx, s.own(), secondPart, 0), s.commit(ctx, 22))
	})
	if err != nil {
		return err
	}
	gregorSaid, kafkaSaid, err = w.bothDescribeGroups(ctx)
	if err := errors.Join(err, w.both((*side).kill)); err != nil {
		return err
	}
	if err := w.exchange(); err != nil {
		return err
	}
	if err := w.startBoth(ctx); err != nil {
		return err
	}
	w.checkGroupsServed(ctx, gregorSaid, kafkaSaid, "SIGKILL")
	w.checkServed(ctx, 0, "SIGKILL")
	said, err := w.gregor.describe(ctx)
	if err := errors.Join(err, w.both((*side).stop)); err != nil {
		return err
	}
	w.checkDump(ctx, "after SIGKILL, recovery and a clean stop; segments that Kafka began among them")
	w.checkWhole(ctx, said)
	w.checkForeign(ctx)
	return nil
}

// own is the prefix of the topics that the broker fills.
func (s *side) own() string {
	if s.name == "gregor" {
		return ours
	}
	return theirs
}

// deleteRecords deletes records where the specs say so.
func (s *side) deleteRecords(ctx context.Context, prefix string) error {
	for _, sp := range specs {
		if sp.start == 0 {
			continue
		}
		var at kadm.Offsets
		at.Add(kadm.Offset{Topic: prefix + sp.name, Partition: 0, At: sp.start})
		replies, err := kadm.NewClient(s.client).DeleteRecords(ctx, at)
		if err := errors.Join(err, replies.Error()); err != nil {
			return fmt.Errorf("delete records of %s%s: %w", prefix, sp.name, err)
		}
	}
	return nil
}

// checkFiles compares the files of the partitions that both brokers filled with the same batches.
func (w *world) checkFiles(ctx context.Context) {
	what := "log, index, time index, producer snapshot and leader epochs are Kafka's, byte for byte, but for what a " +
		"broker stamps or compresses itself"
	w.rep.check(ctx, "directories", what, func(context.Context) error {
		var errs []error
		for _, sp := range specs {
			if sp.squeezed {
				continue
			}
			if err := w.compareFiles(sp); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", sp.name, err))
			}
		}
		return errors.Join(errs...)
	})
}

func (w *world) compareFiles(sp spec) error {
	got, err := readFiles(filepath.Join(w.gregor.dir, ours+sp.name+"-0"))
	if err != nil {
		return err
	}
	want, err := readFiles(filepath.Join(w.kafka.dir, theirs+sp.name+"-0"))
	if err != nil {
		return err
	}
	for _, files := range []map[string][]byte{got, want} {
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return sp.gone(name) })
	}
	if g, k := names(got), names(want); !slices.Equal(g, k) {
		return fmt.Errorf("gregor's files are not Kafka's: %w", diff(strings.Join(g, "\n"), strings.Join(k, "\n")))
	}
	var errs []error
	for _, name := range names(got) {
		switch {
		case sp.stamped && !strings.HasSuffix(name, ".index"):
			// Times differ, and with them checksums and how often an entry of the time index is due.
		case len(got[name]) != len(want[name]):
			errs = append(errs, fmt.Errorf("%s: got %d bytes, Kafka's has %d", name, len(got[name]), len(want[name])))
		case !bytes.Equal(got[name], want[name]):
			errs = append(errs, fmt.Errorf("%s: %s", name, firstDifference(got[name], want[name])))
		}
	}
	return errors.Join(errs...)
}

// gone reports that a file is that of a segment whose records were all deleted, and so is removed sooner or later.
func (sp spec) gone(name string) bool {
	base, err := strconv.ParseInt(strings.SplitN(name, ".", 2)[0], 10, 64)
	return strings.HasSuffix(name, ".deleted") || err == nil && sp.start > 0 && base < sp.start/2
}

// readFiles reads the files of a partition that are alike on every broker: all but the topic's id.
func readFiles(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if e.Name() == topicFile {
			content, _, _ = bytes.Cut(content, []byte("topic_id: "))
		}
		files[e.Name()] = content
	}
	return files, nil
}

// topicFile is the file of a partition that has the topic's id.
const topicFile = "partition.metadata"

func names(files map[string][]byte) []string {
	return slices.Sorted(maps.Keys(files))
}

func firstDifference(got, want []byte) string {
	for i := range got {
		if got[i] != want[i] {
			from := max(i-8, 0)
			return fmt.Sprintf("differs at byte %d of %d: got % x, Kafka's has % x", i, len(got),
				got[from:min(i+16, len(got))], want[from:min(i+16, len(want))])
		}
	}
	return "is the same"
}
