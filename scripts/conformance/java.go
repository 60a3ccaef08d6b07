package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// javaVersions are the releases of Kafka's own clients and tools that are run, oldest first. The names of the cases
// begin with them.
var javaVersions = []string{"2.1.1", "2.8.2", "3.3.2", "3.9.2", "4.1.1", "4.3.1"}

// messages is how many records each case writes or reads.
const messages = 1000

// javaStep is a case of every version that has it.
type javaStep struct {
	name string
	// limit is how long it may take.
	limit time.Duration
	// command returns the tool and its arguments.
	command func(l *ladder) []string
	// holds says what is wrong with what the tool printed.
	holds func(printed string) error
}

// ladder is one version's turn.
type ladder struct {
	version, address, topic string
	// acls says that the broker has an authorizer.
	acls bool
	// jars are the version's, newest those of the newest version.
	jars, newest string
}

// since reports that the version is as new as another.
func (l *ladder) since(version string) bool {
	return slices.Index(javaVersions, l.version) >= slices.Index(javaVersions, version)
}

// runJava runs the cases of each version.
func runJava(ctx context.Context, j *job) ([]outcome, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(j.address))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin, jars := kadm.NewClient(client), filepath.Join(j.cache, j.name)
	newest, err := fetchJars(ctx, jars, javaVersions[len(javaVersions)-1])
	if err != nil {
		return nil, err
	}
	acls := hasAuthorizer(ctx, client)
	var found []outcome
	for _, version := range units(j.cases) {
		l := &ladder{version: version, address: j.address, newest: newest, acls: acls}
		if l.jars, err = fetchJars(ctx, jars, version); err != nil {
			return nil, err
		}
		l.topic = fmt.Sprintf("java-%s-%d", version, time.Now().UnixMilli())
		if err := l.prepare(ctx, admin); err != nil {
			return nil, fmt.Errorf("topics for %s: %w", version, err)
		}
		for _, step := range javaSteps {
			if name := version + "/" + step.name; slices.Contains(j.cases, name) {
				o, err := step.run(ctx, j, l)
				if err != nil {
					return nil, err
				}
				o.name = name
				found = append(found, o)
			}
		}
	}
	return found, nil
}

// hasAuthorizer reports that the broker has ACLs to tell of, if only none.
func hasAuthorizer(ctx context.Context, client *kgo.Client) bool {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	res, err := req.RequestWith(ctx, client)
	return err == nil && res.ErrorCode == 0
}

// prepare makes the topics that are not to be made by themselves: copies are compared whole, so their source has one
// partition. ClientCompatibilityTest makes newtopic, and leaves it.
func (l *ladder) prepare(ctx context.Context, admin *kadm.Client) error {
	_, _ = admin.DeleteTopic(ctx, "newtopic") // it is there after another version's turn alone
	for _, topic := range []string{l.topic + "-in", l.topic + "-compat"} {
		if made, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
			return fmt.Errorf("%s: %w", topic, errors.Join(err, made.Err))
		}
	}
	return nil
}

// run runs a tool to its end and looks at what it printed.
func (s *javaStep) run(ctx context.Context, j *job, l *ladder) (outcome, error) {
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	command, jars := s.command(l), l.jars
	if command[0] == consoleConsumer {
		jars = l.newest
	}
	args := append([]string{"-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-cp", filepath.Join(jars, "*")}, command...)
	cmd := exec.CommandContext(limited, "java", args...)
	cmd.Dir = j.out
	inGroup(cmd)
	var printed, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &complained
	began := time.Now()
	err := cmd.Run()
	if ctx.Err() != nil {
		return outcome{}, context.Cause(ctx)
	}
	if limited.Err() != nil {
		err = fmt.Errorf("it did not end within %v: %w", s.limit, err)
	}
	if err == nil {
		err = s.holds(printed.String())
	}
	o := outcome{verdict: passed, seconds: time.Since(began).Seconds()}
	o.text = fmt.Sprintf("%v\n%s\nstderr:\n%s", cmd, &printed, &complained)
	if err != nil {
		o.verdict, o.text = failed, fmt.Sprintf("%v\n%s", err, o.text)
	}
	fmt.Fprintf(j.log, "%s\n", o.text)
	return o, nil
}

// fetchJars has Maven fetch the tools of a version, once, and returns the folder of their jars.
func fetchJars(ctx context.Context, dir, version string) (string, error) {
	jars := filepath.Join(dir, version)
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	const pom = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>gregor</groupId> <artifactId>conformance</artifactId> <version>1</version> <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId> <artifactId>kafka-tools</artifactId> <version>%s</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId> <artifactId>slf4j-nop</artifactId> <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`
	part, file := jars+".part", filepath.Join(dir, version+".pom.xml")
	err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755),
		os.WriteFile(file, fmt.Appendf(nil, pom, version), 0o644))
	if err != nil {
		return "", err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DoutputDirectory="+part)
	if text, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", mvn, err, text[:min(len(text), 4000)])
	}
	// Old releases bring a logger of their own, which would print what it is not asked for.
	for _, logger := range []string{"slf4j-log4j12-*.jar", "slf4j-reload4j-*.jar"} {
		found, err := filepath.Glob(filepath.Join(part, logger))
		if err != nil {
			return "", err
		}
		for _, jar := range found {
			if err := os.Remove(jar); err != nil {
				return "", err
			}
		}
	}
	return jars, os.Rename(part, jars)
}

// printedEvents reads the lines of JSON that the verifiable tools print, by their name.
func printedEvents(printed string) map[string][]map[string]any {
	found := make(map[string][]map[string]any)
	for line := range strings.Lines(printed) {
		var e map[string]any
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		if name, ok := e["name"].(string); ok {
			found[name] = append(found[name], e)
		}
	}
	return found
}

// producedAll wants each record of VerifiableProducer to be acknowledged.
func producedAll(printed string) error {
	events := printedEvents(printed)
	done := events["tool_data"]
	if len(events["producer_send_success"]) != messages || len(events["producer_send_error"]) > 0 || len(done) != 1 ||
		done[0]["acked"] != float64(messages) {
		return fmt.Errorf("got %d acknowledged and %d failed, expected all %d acknowledged",
			len(events["producer_send_success"]), len(events["producer_send_error"]), messages)
	}
	return nil
}

// consumedAll wants each value to be read by VerifiableConsumer, and every commit to succeed.
func consumedAll(printed string) error {
	events := printedEvents(printed)
	values := make(map[any]bool)
	for _, e := range events["record_data"] {
		values[e["value"]] = true
	}
	if len(values) != messages {
		return fmt.Errorf("got %d different values, expected %d", len(values), messages)
	}
	commits := events["offsets_committed"]
	refused := func(e map[string]any) bool { return e["success"] != true }
	if len(commits) == 0 || slices.ContainsFunc(commits, refused) {
		return fmt.Errorf("got commits %v, expected some, and all of them successful", commits)
	}
	return nil
}

// copiedAll wants TransactionalMessageCopier to have come to its end.
func copiedAll(printed string) error {
	events := printedEvents(printed)
	for _, name := range slices.Sorted(maps.Keys(events)) {
		if strings.HasPrefix(strings.ToLower(name), "shutdown") {
			return nil
		}
	}
	if text := strings.ToLower(printed); strings.Contains(text, "shutdown_complete") ||
		strings.Contains(text, "shutdowncomplete") {
		return nil
	}
	return errors.New("got no word of its end")
}

// numbersAll wants each number to be read once by ConsoleConsumer.
func numbersAll(printed string) error {
	var numbers []int
	for line := range strings.Lines(printed) {
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			numbers = append(numbers, n)
		}
	}
	count := len(numbers)
	slices.Sort(numbers)
	if distinct := len(slices.Compact(numbers)); count != messages || distinct != messages {
		return fmt.Errorf("got %d numbers, %d different ones, expected %d", count, distinct, messages)
	}
	return nil
}

// nothing asks for a successful end alone.
func nothing(string) error { return nil }
