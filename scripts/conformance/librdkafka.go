package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// librdkafkaPackage is the release of npm that carries the sources of librdkafka 2.15.1 with its tests.
const librdkafkaPackage = "@confluentinc/kafka-javascript@1.10.1"

// librdkafkaLimit is how long one number of librdkafka's tests may take.
const librdkafkaLimit = 5 * time.Minute

// runLibrdkafka builds librdkafka and runs the numbers of its own tests that the cases ask for, each in a process.
func runLibrdkafka(ctx context.Context, j *job) ([]outcome, error) {
	source, err := buildLibrdkafka(ctx, filepath.Join(j.cache, j.name))
	if err != nil {
		return nil, err
	}
	var found []outcome
	for _, number := range units(j.cases) {
		outcomes, err := runNumber(ctx, j, source, number)
		if err != nil {
			return nil, err
		}
		found = append(found, outcomes...)
	}
	return found, nil
}

// buildLibrdkafka returns the folder of sources with the library and its test-runner built, once.
func buildLibrdkafka(ctx context.Context, dir string) (string, error) {
	source := filepath.Join(dir, "package", "deps", "librdkafka")
	built := filepath.Join(dir, "built")
	if got, err := os.ReadFile(built); err == nil && string(got) == librdkafkaPackage {
		return source, nil
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	const build = `npm pack --silent "$PACKAGE"
tar xzf ./*.tgz
cd package/deps/librdkafka
./configure --disable-gssapi
make -j"$(nproc)" libs
make -C tests -j"$(nproc)" build`
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", build)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PACKAGE="+librdkafkaPackage)
	inGroup(cmd)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build librdkafka in %s: %w\n%s", dir, err, text[max(0, len(text)-4000):])
	}
	return source, os.WriteFile(built, []byte(librdkafkaPackage), 0o644)
}

// runNumber runs one number and returns what became of its parts.
func runNumber(ctx context.Context, j *job, source, number string) ([]outcome, error) {
	config := filepath.Join(j.out, number+".conf")
	settings := fmt.Sprintf("metadata.broker.list=%s\ntest.timeout.multiplier=2\ntest.topic.random=true\n", j.address)
	if err := os.WriteFile(config, []byte(settings), 0o644); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, librdkafkaLimit)
	defer cancel()
	args := []string{"-p1", "-L"}
	if number != "0022" { // its quick form leaves parts out
		args = append(args, "-Q")
	}
	cmd := exec.CommandContext(limited, "./test-runner", args...)
	cmd.Dir = filepath.Join(source, "tests")
	cmd.Env = append(os.Environ(), "RDKAFKA_TEST_CONF="+config, "BROKERS="+j.address, "TESTS="+number,
		"TEST_KAFKA_VERSION=4.3.0.0", "TEST_LEVEL=2",
		"LD_LIBRARY_PATH="+filepath.Join(source, "src")+":"+filepath.Join(source, "src-cpp"))
	inGroup(cmd)
	began := time.Now()
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	fmt.Fprintf(j.log, "%s--- %s ran, %v\n", text, number, cmd.ProcessState)
	return partsOf(number, plainText(text), err == nil, time.Since(began)), nil
}

// escape matches what colours a terminal.
var escape = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func plainText(text []byte) string { return string(escape.ReplaceAll(text, nil)) }

// What librdkafka's tests print: a part's begin and end as
//
//	[ function:line: more ]
//	[ function:line: more: PASS (1.23s) ]       or SKIP: and a reason
//
// and at the end of the process a table with a row
//
//	| 0030_offset_commit                       |     PASSED |   6.5s |
var (
	partBegins = regexp.MustCompile(`\[ (\w+):\d+(: .*?)? \]$`)
	partEnds   = regexp.MustCompile(`\[ (\w+):\d+(: .*)?: (PASS|SKIP)(?: \(([\d.]+)s\) \]|: .*)$`)
	tableRow   = regexp.MustCompile(`(?m)^\|\s*\d{4}_\S+\s*\|\s*(PASSED|FAILED|SKIPPED)\s*\|`)
	// Names of topics and addresses differ from run to run.
	ownTopic   = regexp.MustCompile(`rdkafkatest\w*`)
	ownPointer = regexp.MustCompile(`\b0x[0-9a-f]+\b`)
)

// partName makes the name of a part, the same in every run.
func partName(function, more string) string {
	return strings.TrimSpace(ownPointer.ReplaceAllString(ownTopic.ReplaceAllString(function+more, "TOPIC"), "PTR"))
}

// partsOf reads what became of the parts of a number, or of the number itself where it has none. Some parts do not
// print that they passed: they did if the number as a whole did.
func partsOf(number, text string, clean bool, took time.Duration) []outcome {
	var parts []outcome
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \r\n")
		if end := partEnds.FindStringSubmatch(line); end != nil && open {
			part := &parts[len(parts)-1]
			part.verdict, open = verdict(strings.ToLower(end[3])), false
			_, _ = fmt.Sscan(end[4], &part.seconds) // one that was skipped has no time
			continue
		}
		if begin := partBegins.FindStringSubmatch(line); begin != nil && partEnds.FindString(line) == "" {
			name := unique(parts, number+"/"+partName(begin[1], begin[2]))
			parts, open = append(parts, outcome{name: name}), true
		}
	}
	row := tableRow.FindStringSubmatch(text)
	whole := outcome{name: number, verdict: failed, seconds: took.Seconds()}
	switch {
	case clean && row != nil && row[1] == "PASSED":
		whole.verdict = passed
	case clean && row != nil && row[1] == "SKIPPED":
		whole.verdict = skipped
	}
	if len(parts) == 0 {
		parts = []outcome{whole}
	}
	for i := range parts {
		part := &parts[i]
		if part.verdict == "" {
			part.verdict = whole.verdict
		}
		part.text = text
	}
	return parts
}

// unique adds a number to a name that is taken.
func unique(parts []outcome, name string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(parts, func(o outcome) bool { return o.name == name })
	}
	if !taken(name) {
		return name
	}
	n := 2
	for taken(fmt.Sprintf("%s #%d", name, n)) {
		n++
	}
	return fmt.Sprintf("%s #%d", name, n)
}
