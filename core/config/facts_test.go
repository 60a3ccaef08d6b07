package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// rows reads a table of testdata: lines of fields between tabs, '#' begins a comment. The tables hold no other escapes
// than \t, \n and \\.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		for i := range fields {
			fields[i] = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n").Replace(fields[i])
		}
		out = append(out, fields)
	}
	if len(out) == 0 {
		t.Fatalf("testdata/%s is empty", name)
	}
	return out
}

// TestTablesAreKafkas compares every row of the tables with what was read out of Kafka 4.3.1's ConfigDefs: no property
// may be missing, made up, or differ in any fact.
func TestTablesAreKafkas(t *testing.T) {
	seen := map[string]bool{}
	var order []string
	for _, row := range rows(t, "keys.tsv") {
		kind, name := row[0], row[1]
		seen[kind+" "+name] = true
		key := brokers.byName[name]
		if kind == "topic" {
			key = topics.byName[name]
			order = append(order, name)
		}
		if key == nil {
			t.Errorf("%s property %s is missing", kind, name)
			continue
		}
		if got, want := strings.Join(factsOf(kind, key), "\t"), strings.Join(row, "\t"); got != want {
			t.Errorf("got\n%s\nexpected\n%s", got, want)
		}
	}
	for i := range topicKeys {
		if i < len(order) && topicKeys[i].Name != order[i] {
			t.Errorf("topic property %d is %s, expected %s", i, topicKeys[i].Name, order[i])
		}
	}
	for _, key := range topics.keys {
		if !seen["topic "+key.Name] && !strings.HasPrefix(key.Name, "gregor.") {
			t.Errorf("Kafka has no topic property %s", key.Name)
		}
	}
	for _, key := range brokers.keys {
		if !seen["broker "+key.Name] && !seen["dynamic "+key.Name] && !strings.HasPrefix(key.Name, "gregor.") {
			t.Errorf("Kafka has no broker property %s", key.Name)
		}
	}
	if len(brokers.keys) != len(brokers.byName) || len(topics.keys) != len(topics.byName) {
		t.Error("a property stands in a table twice")
	}
}

func factsOf(kind string, key *Key) []string {
	update, names, visible := key.Update.String(), synonyms(key.Name), "public"
	if kind == "topic" {
		update, names = "-", nil
		for _, name := range key.Defaults {
			switch {
			case strings.HasSuffix(name, ".hours"):
				name += "*hours"
			case strings.HasSuffix(name, ".minutes"):
				name += "*minutes"
			}
			names = append(names, name)
		}
	}
	if key.Hidden && kind != "dynamic" {
		visible = "internal"
	}
	synonyms := strings.Join(names, ",")
	if synonyms == "" {
		synonyms = "-"
	}
	return []string{
		kind, key.Name, key.Type.String(), key.Default, validFacts(key.Valid), key.Importance.String(), update,
		synonyms, visible,
	}
}

// validFacts writes a validator as keys.tsv does: Kafka's class, its text, and the flags of lists.
func validFacts(valid Validator) string {
	switch v := valid.(type) {
	case nil:
		return "-"
	case *validRange:
		return "Range " + v.String()
	case *validString:
		if v.fold {
			return "CaseInsensitiveValidString " + v.String()
		}
		return "ValidString " + v.String()
	case *validList:
		flags := map[allowance]string{
			mayBeEmpty: " isEmptyAllowed", mayBeNull: " isNullAllowed",
			mayBeNullOrEmpty: " isEmptyAllowed isNullAllowed",
		}
		return strings.TrimSpace("ValidList " + v.String() + flags[v.allowed])
	}
	class := map[string]string{
		"non-empty string": "NonEmptyString", "non-null string": "NonNullValidator", "[1,...,9] or -1": "Lambda",
		replicaPairs: "ThrottledReplicaListValidator",
	}[valid.String()]
	if class == "" {
		class = "ControllerQuorumVotersValidator"
		if err := valid.check("", value{list: []string{"host:1"}}); err == nil {
			class = "ControllerQuorumBootstrapServersValidator"
		}
	}
	return class + " " + valid.String()
}

// TestValuesAreKafkas parses the texts of values.tsv, of which Kafka said what it makes of them: the canonical value,
// or the whole message of its error.
func TestValuesAreKafkas(t *testing.T) {
	for _, row := range rows(t, "values.tsv") {
		name, text, want := row[0], row[1], row[2]+"\t"+row[3]
		key := topics.byName[name]
		if key == nil {
			key = brokers.byName[name]
		}
		if key == nil {
			t.Errorf("no property %s", name)
			continue
		}
		got := ""
		if v, err := key.parse(text); err != nil {
			got = "err\t" + err.Message
		} else {
			got = "ok\t" + v.text
		}
		if got != want {
			t.Errorf("%s=%q: got %q, expected %q", name, text, got, want)
		}
	}
}

func TestEveryRowIsWhole(t *testing.T) {
	for _, key := range append(TopicKeys(), BrokerKeys()...) {
		if !strings.HasSuffix(key.Doc, ".") || strings.Count(key.Doc, ". ") > 0 && key.Importance != Low {
			t.Errorf("%s: %q is not one sentence", key.Name, key.Doc)
		}
		if (key.Status == Works) != (key.Why == "") {
			t.Errorf("%s: status %v with reason %q", key.Name, key.Status, key.Why)
		}
		if text, ok := key.fallback(); ok && !key.sensitive() {
			v, err := key.parse(text)
			if err != nil || v.text != text {
				t.Errorf("%s: default %q parses to %q, %v", key.Name, text, v.text, err)
			}
		}
		for _, name := range key.Defaults {
			if BrokerKey(name) == nil {
				t.Errorf("%s takes its default from %s, which is no broker property", key.Name, name)
			}
		}
		if !strings.Contains(Markdown([]*Key{key}), fmt.Sprintf("| %s |", key.Name)) {
			t.Errorf("%s is not in its own row", key.Name)
		}
	}
	listed := 0
	for _, group := range Groups() {
		listed += len(group.Keys)
	}
	if listed != len(BrokerKeys()) {
		t.Errorf("the groups hold %d properties of %d", listed, len(BrokerKeys()))
	}
}
