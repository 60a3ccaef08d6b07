package main

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
)

// decode reads the object that a command printed.
func decode[T any](t *testing.T, out string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return v
}

// TestConfigVerbose wants the values behind a property, its type and its documentation, which only --verbose asks for.
func TestConfigVerbose(t *testing.T) {
	startBroker(t)
	ok(t, "", "topic", "create", "orders", "--config", "retention.ms=60000")
	type entities struct{ Entities []describedEntity }
	show := []string{"config", "describe", "topic/orders", "--name", "retention.ms"}
	found := decode[entities](t, ok(t, "", append(show, "--verbose", "--format", "json")...)).Entities[0].Configs
	if len(found) != 1 || found[0].Source != "DYNAMIC_TOPIC_CONFIG" || found[0].Type != "LONG" ||
		len(found[0].Synonyms) == 0 || found[0].Synonyms[0].Source != "DYNAMIC_TOPIC_CONFIG" || found[0].About == "" {
		t.Errorf("got %+v", found)
	}
	text := ok(t, "", append(show, "-v")...)
	for _, want := range []string{
		"  retention.ms=60000 (DYNAMIC_TOPIC_CONFIG, LONG)\n", "\n    DYNAMIC_TOPIC_CONFIG retention.ms=60000\n",
		"\n    # " + found[0].About + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	found = decode[entities](t, ok(t, "", append(show, "--format", "json")...)).Entities[0].Configs
	if len(found) != 1 || found[0].Synonyms != nil || found[0].About != "" {
		t.Errorf("without --verbose: got %+v", found)
	}
	few := strings.Count(ok(t, "", "config", "describe", "topic/orders"), "\n")
	all := strings.Count(ok(t, "", "config", "describe", "topic/orders", "--all"), "\n")
	if few != 2 || all < 20 {
		t.Errorf("got %d lines, and %d with --all", few, all)
	}
}

// TestClusterAnswers wants the metadata version among the features, and a leader of the quorum who lags behind nobody.
func TestClusterAnswers(t *testing.T) {
	startBroker(t)
	if out := ok(t, "", "cluster", "features"); !strings.Contains(out, "\nmetadata.version ") {
		t.Errorf("got features\n%s", out)
	}
	q := decode[quorum](t, ok(t, "", "cluster", "quorum", "--format", "json"))
	if q.Leader != 1 || len(q.Replicas) != 1 || q.Replicas[0].Role != "leader" || q.Replicas[0].Lag != 0 {
		t.Errorf("got %+v", q)
	}
	if out := ok(t, "", "cluster", "quorum"); !strings.HasPrefix(out, "leader          1\n") {
		t.Errorf("got quorum\n%s", out)
	}
}

// TestCompletion offers topics, groups and entities, each once, and nothing where nobody listens.
func TestCompletion(t *testing.T) {
	startBroker(t)
	ok(t, "", "topic", "create", "orders", "events")
	ok(t, "", "consume", "orders", "-g", "billing", "-e")
	for _, c := range []struct{ line, want string }{
		{"consume ", "events orders"}, {"consume orders ", "events"}, {"consume -g ", "billing"},
		{"group describe ", "billing"}, {"group describe billing ", ""},
		{"group delete-offsets billing --topic ", "events orders"}, {"group delete-members ", "billing"},
		{"group list --state ", strings.Join(groupStates, " ")},
		{"config describe ", "topic/__consumer_offsets topic/events topic/orders broker/default broker/1 logger/1"},
		{"config set topic/orders ", ""}, {"topic delete events ", "orders"},
	} {
		args := append([]string{"__complete"}, strings.Split(c.line, " ")...)
		lines := strings.Split(ok(t, "", args...), "\n")
		end := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, ":") })
		got := strings.Join(lines[:end], " ")
		if got != c.want {
			t.Errorf("%s: got %q, expected %q", c.line, got, c.want)
		}
	}
}

// TestCompletionSilence wants no names, no words and the usual exit code from completion that nobody answers, be it
// that nobody listens or that one listens who says nothing.
func TestCompletionSilence(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, address := range []string{"127.0.0.1:1", silent.Addr().String(), "no address"} {
		t.Setenv("GREGOR_BROKERS", address)
		for _, args := range [][]string{{"consume", ""}, {"group", "describe", ""}, {"config", "set", ""}} {
			r := gregor(t, "", append([]string{"__complete"}, args...)...)
			if r.code != 0 || r.out != ":4\n" || strings.Contains(r.errs, "refused") {
				t.Errorf("%s %v: got %+v", address, args, r)
			}
		}
	}
}

// TestNearestName compares with all names by the definition of the distance.
func TestNearestName(t *testing.T) {
	names := []string{"retention.ms", "retention.bytes", "segment.bytes", "cleanup.policy"}
	for unknown, want := range map[string]string{
		"retentoin.ms": "retention.ms", "retention.byte": "retention.bytes", "cleanup_policy": "cleanup.policy",
		"nothing": "", "": "", strings.Repeat("retention", 1000): "",
	} {
		if got := nearestName(unknown, names); got != want {
			t.Errorf("%.20s: got %q, expected %q", unknown, got, want)
		}
	}
	random := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		a, b := randomWord(random), randomWord(random)
		if got, want := letters(a, b), slowDistance(a, b); got != want {
			t.Fatalf("%q and %q: got %d, expected %d", a, b, got, want)
		}
	}
}

func randomWord(random *rand.Rand) string {
	word := make([]byte, random.IntN(6))
	for i := range word {
		word[i] = 'a' + byte(random.IntN(3))
	}
	return string(word)
}

// slowDistance is the definition of Levenshtein's distance.
func slowDistance(a, b string) int {
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case a[0] == b[0]:
		return slowDistance(a[1:], b[1:])
	}
	return 1 + min(slowDistance(a[1:], b), slowDistance(a, b[1:]), slowDistance(a[1:], b[1:]))
}
