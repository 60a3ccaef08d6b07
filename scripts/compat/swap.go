package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// logStarts is the checkpoint of first offsets that DeleteRecords moved: a line "topic partition offset" each.
const logStarts = "log-start-offset-checkpoint"

// exchange gives each broker the partitions that the other one filled, and its log of groups, while both are stopped.
// The topic ids stay those of the receiver: its metadata has them. So do all checkpoints but the first offsets; they
// know less than the logs, which is what a broker finds that was down for long.
func (w *world) exchange() error {
	for _, sp := range specs {
		err := errors.Join(
			give(w.gregor, w.kafka, ours+sp.name),
			give(w.kafka, w.gregor, theirs+sp.name),
		)
		if err != nil {
			return fmt.Errorf("exchange %s: %w", sp.name, err)
		}
	}
	return w.exchangeGroups()
}

// give replaces a partition's files by those of another broker.
func give(from, to *side, topic string) error {
	err := receive(filepath.Join(from.dir, topic+"-0"), filepath.Join(to.dir, topic+"-0"))
	if err != nil {
		return err
	}
	line, err := checkpointLine(filepath.Join(from.dir, logStarts), topic)
	if err != nil || line == "" {
		return err
	}
	return addCheckpointLine(filepath.Join(to.dir, logStarts), topic, line)
}

// checkpointLine finds the line of partition 0 of a topic; empty if there is none.
func checkpointLine(file, topic string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, topic+" 0 ") {
			return line, nil
		}
	}
	return "", nil
}

// addCheckpointLine adds a line to a checkpoint, or replaces the topic's.
func addCheckpointLine(file, topic, line string) error {
	return editCheckpoint(file, topic+" 0 ", line)
}

// dropCheckpointLine takes the line of a partition, "topic number", out of a checkpoint, if it has one.
func dropCheckpointLine(file, partition string) error {
	return editCheckpoint(file, partition+" ")
}

// editCheckpoint replaces the lines of a checkpoint that begin in a way. The file has a version, a count, and as many
// lines. A file that is not there has none.
func editCheckpoint(file, begin string, lines ...string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && len(lines) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(all) < 2 {
		return fmt.Errorf("%s: got %d lines, expected at least 2", file, len(all))
	}
	for _, l := range all[2:] {
		if !strings.HasPrefix(l, begin) {
			lines = append(lines, l)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n%d\n", all[0], len(lines))
	for _, l := range lines {
		out.WriteString(l + "\n")
	}
	return os.WriteFile(file, []byte(out.String()), 0o644)
}

// checkServed reads everything from the broker that did not write it, and from gregor what it did, with several
// clients. left says how many batches of each topic are not there yet.
func (w *world) checkServed(ctx context.Context, left int, after string) {
	serves := func(who, what string, reader *side, prefix string) check {
		return check{client: who, what: what + ", after " + after, body: func(ctx context.Context) error {
			return reader.readSpecs(ctx, prefix, left)
		}}
	}
	w.rep.concurrently(ctx,
		[]check{serves("Apache Kafka", "serves the partitions that gregor wrote", w.kafka, ours)},
		[]check{
			serves("gregor", "serves the partitions that Apache Kafka wrote", w.gregor, theirs),
			serves("gregor", "serves its own partitions", w.gregor, ours),
		})
}

// readSpecs reads all topics with all clients and compares. left says how many batches of each are not there yet.
func (s *side) readSpecs(ctx context.Context, prefix string, left int) error {
	var errs []error
	for _, sp := range specs {
		want := sp.expected(sp.until(left))
		if sp.stamped {
			want = withoutTimes(want)
		}
		if err := s.readByAll(ctx, prefix+sp.name, want); err != nil {
			errs = append(errs, fmt.Errorf("%s%s: %w", prefix, sp.name, err))
		}
	}
	return errors.Join(errs...)
}

// checkContinued goes on where the other broker stopped: batches sent again are answered with their old offsets, and
// new ones get the next, which for idempotent producers means that their state came over, too.
func (w *world) checkContinued(ctx context.Context) {
	goOn := func(who, what string, s *side) []check {
		var errs []error
		for _, prefix := range []string{ours, theirs} {
			errs = append(errs, s.repeat(ctx, prefix), s.fill(ctx, prefix, firstPart, secondPart))
		}
		appended := errors.Join(errs...)
		return []check{{client: who, what: what, body: func(ctx context.Context) error {
			if appended != nil {
				return appended
			}
			return errors.Join(s.readSpecs(ctx, ours, secondPart), s.readSpecs(ctx, theirs, secondPart))
		}}}
	}
	w.rep.concurrently(ctx,
		goOn("Apache Kafka", "appends to the partitions that gregor wrote; idempotent producers go on", w.kafka),
		goOn("gregor", "appends to the partitions that Apache Kafka wrote; idempotent producers go on", w.gregor))
}

// repeat sends each idempotent producer's last batch again.
func (s *side) repeat(ctx context.Context, prefix string) error {
	for _, sp := range specs {
		for i := range sp.producers {
			index := sp.batches - firstPart - 1 - i
			b, err := sp.build(index)
			if err != nil {
				return err
			}
			offset, err := s.produce(ctx, prefix+sp.name, 0, b)
			if want := int64(index * sp.records); err != nil || offset != want {
				return fmt.Errorf("%s%s: batch %d again: got offset %d and error %v, expected offset %d",
					prefix, sp.name, index, offset, err, want)
			}
		}
	}
	return nil
}
