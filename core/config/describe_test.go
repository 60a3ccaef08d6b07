package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// kafkaPairs are the properties with which Kafka 4.3.1 ran when it gave the answers in testdata/describe.
func kafkaPairs(t *testing.T) []KV {
	t.Helper()
	data, err := os.ReadFile("testdata/describe/server.properties")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []KV
	for line := range strings.Lines(string(data)) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		pairs = append(pairs, KV{name, text})
	}
	return pairs
}

func kafkaBroker(t *testing.T) *Broker {
	t.Helper()
	b, _, err := ParseBroker(kafkaPairs(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kafkaLayers reads the layers that were altered before the dynamic answers were taken.
func kafkaLayers(t *testing.T) (layer map[string]map[string]string) {
	t.Helper()
	layer = map[string]map[string]string{"default": {}, "broker": {}, "topic": {}}
	for _, row := range rows(t, "describe/dynamic.txt") {
		layer[row[0]][row[1]] = row[2]
	}
	return layer
}

func text(p *string) string {
	if p == nil {
		return "<null>"
	}
	return *p
}

// line writes an entry as the golden files do.
func line(e Entry) string {
	s := fmt.Sprintf("%s\t%s\tsrc=%d\tro=%v\tsens=%v\ttype=%d",
		e.Name, text(e.Value), e.Source, e.ReadOnly, e.Sensitive, e.Type)
	for _, synonym := range e.Synonyms {
		s += fmt.Sprintf("\t%s=%s(%d)", synonym.Name, text(synonym.Value), synonym.Source)
	}
	return s
}

func createdLine(c Created) string {
	return fmt.Sprintf("%s\t%s\tsrc=%d\tro=false\tsens=false", c.Name, c.Value, c.Source)
}

// compare wants the lines of a golden file, and beside them only gregor's own properties.
func compare[E any](t *testing.T, file string, entries []E, write func(E) string) {
	t.Helper()
	data, err := os.ReadFile("testdata/describe/" + file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	var got []string
	for _, e := range entries {
		if s := write(e); !strings.HasPrefix(s, "gregor.") {
			got = append(got, s)
		}
	}
	for _, s := range got {
		if !slices.Contains(want, s) {
			t.Errorf("%s: Kafka does not say\n%s", file, s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			t.Errorf("%s: only Kafka says\n%s", file, s)
		}
	}
	if len(got) != len(want) || !slices.IsSorted(got) {
		t.Errorf("%s: %d lines, sorted %v, expected %d sorted", file, len(got), slices.IsSorted(got), len(want))
	}
}

// withELR is what Kafka's controller puts into the dynamic default layer by itself while eligible leader replicas
// (KIP-966) are enabled, as they were.
func withELR(layer map[string]string) map[string]string {
	layer["min.insync.replicas"] = "1"
	return layer
}

func compareAll(t *testing.T, prefix string, b *Broker, overrides map[string]string) {
	t.Helper()
	entries, err := DescribeTopic(b, overrides)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, prefix+"-topic.tsv", entries, line)
	compare(t, prefix+"-created.tsv", DescribeCreated(b, overrides), createdLine)
	compare(t, prefix+"-broker.tsv", b.Describe(), line)
	compare(t, prefix+"-default.tsv", b.DescribeDefault(), line)
}

func TestDescribeIsKafkas(t *testing.T) {
	b, err := kafkaBroker(t).With(withELR(map[string]string{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	compareAll(t, "static", b, nil)
	layers := kafkaLayers(t)
	if b, err = b.With(withELR(layers["default"]), layers["broker"]); err != nil {
		t.Fatal(err)
	}
	compareAll(t, "dynamic", b, layers["topic"])
}

func TestDescribeDocuments(t *testing.T) {
	b := kafkaBroker(t)
	entries, err := DescribeTopic(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Documentation == "" {
			t.Errorf("topic property %s has no documentation", e.Name)
		}
	}
	for _, e := range b.Describe() {
		if (BrokerKey(e.Name) == nil || strings.HasPrefix(e.Name, listenerPrefix)) != (e.Documentation == "") {
			t.Errorf("broker property %s has documentation %q", e.Name, e.Documentation)
		}
	}
	if _, err := DescribeTopic(b, map[string]string{"retention.ms": "x"}); err == nil {
		t.Error("a topic with a bad value was described")
	}
}

// TestNoSecretIsShown sets every property that is secret, in every layer, and looks for it in all that is described.
func TestNoSecretIsShown(t *testing.T) {
	const secret = "s3cr3t"
	static, dynamic := []KV{}, map[string]string{}
	for _, key := range BrokerKeys() {
		if key.Type == Password {
			static = append(static, KV{key.Name, secret})
			dynamic["listener.name.plaintext."+key.Name] = secret
		}
	}
	static = append(static, KV{"unknown.password", secret})
	b, found, err := ParseBroker(static)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.With(dynamic, dynamic); err != nil {
		t.Fatal(err)
	}
	lines := fmt.Sprint(found)
	for _, e := range append(b.Describe(), b.DescribeDefault()...) {
		lines += line(e) + "\n"
	}
	if strings.Contains(lines, secret) {
		t.Errorf("a secret is shown in\n%s", lines)
	}
	if len(dynamic) < 5 || !strings.Contains(lines, "listener.name.plaintext.ssl.key.password\t<null>\tsrc=2") {
		t.Error("the secrets are not described at all")
	}
}
