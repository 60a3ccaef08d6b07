package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kadm"
)

// offsetsTopic is the log of groups, which has so many partitions here: the properties of both brokers say so.
const (
	offsetsTopic      = "__consumer_offsets"
	offsetsPartitions = 5
)

// offsetsDir is the directory of one of its partitions.
func (s *side) offsetsDir(partition int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s-%d", offsetsTopic, partition))
}

// leaveGroups leaves two groups behind that the other broker does not have: one of offsets alone, and one whose only
// member is killed, with a session that outlives this run.
func (s *side) leaveGroups(ctx context.Context) error {
	if err := s.commit(ctx, 11); err != nil {
		return err
	}
	group := s.own() + "member"
	consumer, err := startProcess(exec.Command("kcat", "-b", s.address, "-G", group, "-q", "-X", "client.id=left",
		"-X", "session.timeout.ms=1200000", "-X", "max.poll.interval.ms=1200000", seeded))
	if err != nil {
		return err
	}
	stable := s.awaitGroup(ctx, group, "Stable", "1")
	_, err = consumer.end(syscall.SIGKILL)
	return errors.Join(stable, err)
}

// commit commits an offset for each group of offsets alone that the broker has: its own, or the other's that came over.
func (s *side) commit(ctx context.Context, offset int64) error {
	var at kadm.Offsets
	at.Add(kadm.Offset{Topic: seeded, Partition: 0, At: offset, LeaderEpoch: -1, Metadata: "by " + s.name})
	at.Add(kadm.Offset{Topic: grouped, Partition: 2, At: offset + 1, LeaderEpoch: -1})
	replies, err := kadm.NewClient(s.client).CommitOffsets(ctx, s.commits+"offsets", at)
	if err := errors.Join(err, replies.Error()); err != nil {
		return fmt.Errorf("commit for group %soffsets: %w", s.commits, err)
	}
	return nil
}

// groupDescriptions are what a broker says of all groups.
var groupDescriptions = [][]string{
	{"--describe", "--all-groups"},
	{"--describe", "--all-groups", "--state"},
	{"--describe", "--all-groups", "--members", "--verbose"},
}

// describeGroups asks for all of them. Ids of members are not masked: they go with the log.
func (s *side) describeGroups(ctx context.Context) ([]string, error) {
	var found []string
	for _, d := range groupDescriptions {
		a, err := s.tools.run(ctx, "", class("ConsumerGroupCommand"),
			append([]string{"--bootstrap-server", s.address}, d...)...)
		if err := failure(a, err); err != nil {
			return nil, err
		}
		found = append(found, sortLines(strings.ReplaceAll(a.stdout, s.address, "BROKER")))
	}
	return found, nil
}

// bothDescribeGroups has both say what they know of groups.
func (w *world) bothDescribeGroups(ctx context.Context) (gregor, kafka []string, err error) {
	said := make(map[string][]string)
	err = w.both(func(s *side) error {
		found, err := s.describeGroups(ctx)
		// The other side's goroutine writes another key; both waits for both.
		w.lock.Lock()
		said[s.name] = found
		w.lock.Unlock()
		return err
	})
	return said[w.gregor.name], said[w.kafka.name], err
}

// checkpoints have a line for a partition; those of another log would be wrong.
var checkpoints = []string{logStarts, "recovery-point-offset-checkpoint", "replication-offset-checkpoint"}

// exchangeGroups gives each broker the log of groups of the other, while both are stopped.
func (w *world) exchangeGroups() error {
	for p := range offsetsPartitions {
		aside := filepath.Join(w.out, "copies", fmt.Sprintf("%s-%d", offsetsTopic, p))
		err := errors.Join(
			os.RemoveAll(aside),
			os.CopyFS(aside, os.DirFS(w.gregor.offsetsDir(p))),
			receive(w.kafka.offsetsDir(p), w.gregor.offsetsDir(p)),
			receive(aside, w.kafka.offsetsDir(p)),
		)
		for _, s := range w.sides() {
			for _, name := range checkpoints {
				line := fmt.Sprintf("%s %d", offsetsTopic, p)
				err = errors.Join(err, dropCheckpointLine(filepath.Join(s.dir, name), line))
			}
		}
		if err != nil {
			return fmt.Errorf("exchange %s-%d: %w", offsetsTopic, p, err)
		}
	}
	w.gregor.commits, w.kafka.commits = w.kafka.commits, w.gregor.commits
	return nil
}

// receive replaces a partition's files by those of another one. The topic's id stays.
func receive(source, target string) error {
	id, err := os.ReadFile(filepath.Join(target, topicFile))
	if err != nil {
		return err
	}
	return errors.Join(
		os.RemoveAll(target),
		os.CopyFS(target, os.DirFS(source)),
		os.WriteFile(filepath.Join(target, topicFile), id, 0o644),
	)
}

// checkGroupsServed compares what each broker says of groups with what the other said before they were exchanged.
func (w *world) checkGroupsServed(ctx context.Context, gregorSaid, kafkaSaid []string, after string) {
	knows := func(who, what string, s *side, said []string) []check {
		return []check{{client: who, what: what + ", after " + after, body: func(ctx context.Context) error {
			if err := s.awaitCoordinator(ctx); err != nil {
				return err
			}
			say, err := s.describeGroups(ctx)
			if err != nil {
				return err
			}
			var errs []error
			for i, text := range say {
				if text != said[i] {
					errs = append(errs, fmt.Errorf("%v: the other said (-), it says (+):\n%s", groupDescriptions[i],
						strings.Join(edits(strings.Split(said[i], "\n"), strings.Split(text, "\n")), "\n")))
				}
			}
			return errors.Join(errs...)
		}}}
	}
	w.rep.concurrently(ctx,
		knows("Apache Kafka", "coordinates the groups that gregor stored", w.kafka, gregorSaid),
		knows("gregor", "coordinates the groups that Apache Kafka stored", w.gregor, kafkaSaid))
}

// checkGroupLog has DumpLogSegments decode the logs of groups of both brokers. What counts is the last record of each
// key, in groups that both have.
func (w *world) checkGroupLog(ctx context.Context) {
	what := "--offsets-decoder reads gregor's log of groups; the last record of each key is Kafka's"
	w.rep.check(ctx, "DumpLogSegments", what, func(ctx context.Context) error {
		var texts []string
		for _, s := range w.sides() {
			text, err := w.groupRecords(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			texts = append(texts, text)
		}
		if strings.Count(texts[0], "\n") < 10 {
			return fmt.Errorf("got few records:\n%s", texts[0])
		}
		return diff(texts[0], texts[1])
	})
}

var (
	// groupRecord is how the decoder prints a record.
	groupRecord = regexp.MustCompile(`^\| offset: .* key: (\{.*\}) payload: (.*)$`)
	// generation is how often a group's members came and went, which time decides, and random what Streams and topics
	// draw: its metadata has the time.
	generation = regexp.MustCompile(`"generation":\d+`)
	random     = regexp.MustCompile(`("metadata":"AgAAA|"topicId":")[\w+/=-]+"`)
)

// groupRecords returns the last payload of each key, a line each, but for those of the groups that only one broker has.
func (w *world) groupRecords(ctx context.Context, s *side) (string, error) {
	var files []string
	for p := range offsetsPartitions {
		found, err := findFiles(s.offsetsDir(p), []string{".log"})
		if err != nil {
			return "", err
		}
		files = append(files, found...)
	}
	if err := w.dump(ctx, files, "--offsets-decoder", "--deep-iteration"); err != nil {
		return "", err
	}
	a, err := w.gregor.tools.run(ctx, "", class("DumpLogSegments"), "--files", strings.Join(files, ","),
		"--offsets-decoder")
	if err := failure(a, err); err != nil {
		return "", err
	}
	last := make(map[string]string)
	for line := range strings.SplitSeq(a.stdout, "\n") {
		m := groupRecord.FindStringSubmatch(line)
		if m == nil || strings.Contains(m[1], `"`+ours) || strings.Contains(m[1], `"`+theirs) {
			continue
		}
		payload := random.ReplaceAllString(generation.ReplaceAllString(m[2], `"generation":N`), `${1}..."`)
		last[m[1]] = s.mask(payload)
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(last)) {
		if payload := last[key]; !strings.HasPrefix(payload, "<") && payload != "null" {
			fmt.Fprintf(&text, "%s %s\n", key, payload)
		}
	}
	return text.String(), nil
}
