package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseScript(t *testing.T) {
	got, err := parseScript(`; a comment

# kcat | say hello
@ f.json {"a":1}
kcat -P -t 'a topic' -X ''
< one\ttwo
< three
~ numbers
~ order
~ objects
! GetOffsetShell --time soon
& one | kcat -G g t
* g Stable 1
~ once
~ settled
. one
# tools | later
? groups | GroupsCommand --list`)
	if err != nil {
		t.Fatal(err)
	}
	want := []scene{
		{client: "kcat", what: "say hello", commands: []command{
			{
				line: 5, words: []string{"kcat", "-P", "-t", "a topic", "-X", ""}, stdin: "one\ttwo\nthree\n",
				files: [][2]string{{"f.json", `{"a":1}`}}, loose: true, unordered: true, objects: true,
			},
			{line: 11, words: []string{"GetOffsetShell", "--time", "soon"}, fails: true},
			{line: 12, words: []string{"kcat", "-G", "g", "t"}, begins: "one"},
			{
				line: 13, words: []string{"*", "g", "Stable", "1"}, state: []string{"g", "Stable", "1"},
				once: true, settled: true,
			},
			{line: 16, words: []string{".", "one"}, ends: "one"},
		}},
		{client: "tools", what: "later", commands: []command{
			{line: 18, words: []string{"GroupsCommand", "--list"}, awaits: "groups"},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nexpected %+v", got, want)
	}
	if n := want[0].compared(); n != 3 {
		t.Errorf("got %d commands to compare, expected 3", n)
	}
}

func TestParseScriptRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a command before the first scene", "kcat -L", "line 1"},
		{"a scene without a bar", "# kcat does", "# client | what"},
		{"input without a command", "# a | b\n< text", "without a command"},
		{"a bad escape", "# a | b\nkcat -P\n< \\q", "standard input"},
		{"an unknown looseness", "# a | b\nkcat -L\n~ times", "~ numbers"},
		{"an open quote", "# a | b\nkcat 'x", "pairs of quotes"},
		{"a refusal without a bar", "# a | b\n? groups kcat", "? what it needs"},
		{"a beginning without a name", "# a | b\n& kcat -G g t", "& name | command"},
		{"a state without a number", "# a | b\n* g Stable", "* group state members"},
		{"an empty command", "# a | b\n! ", "expected words"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseScript(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, expected one with %q", err, c.want)
			}
		})
	}
}

// TestScripts reads the scripts that are played: each must parse and have a summary for the README.
func TestScripts(t *testing.T) {
	clients := make(map[string]bool)
	for _, name := range scriptNames {
		scenes, err := readScript(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scenes {
			clients[s.client] = true
			if len(s.commands) == 0 {
				t.Errorf("%s: %s | %s has no commands", name, s.client, s.what)
			}
			for _, c := range s.commands {
				if (c.awaits != "") != (s.client == laterTools) {
					t.Errorf("%s line %d: got %q among %s", name, c.line, c, s.client)
				}
			}
		}
	}
	for client := range clients {
		if summaries[client] == "" {
			t.Errorf("%s has no summary", client)
		}
	}
	if len(clients) < 10 {
		t.Errorf("got %d clients in the scripts, expected more", len(clients))
	}
}

func TestCommandString(t *testing.T) {
	c := command{words: []string{"kcat", "-f", `%t %p\n`, "-D", "|"}}
	if got, want := c.String(), `kcat -f '%t %p\n' -D |`; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

func TestClass(t *testing.T) {
	for tool, want := range map[string]string{
		"TopicCommand":              "org.apache.kafka.tools.TopicCommand",
		"ConfigCommand":             "kafka.admin.ConfigCommand",
		"ConsoleConsumer":           "org.apache.kafka.tools.consumer.ConsoleConsumer",
		"ConsumerGroupCommand":      "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
		"ReassignPartitionsCommand": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	} {
		if got := class(tool); got != want {
			t.Errorf("%s: got %s, expected %s", tool, got, want)
		}
	}
}
