package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// referencePage is the page on the command line. Its tables of flags are made from the commands, and its examples are
// one session in a shell that TestReference types in.
const referencePage = "../../docs/reference/cli.md"

// TestReference holds docs/reference/cli.md against the commands: each has its heading and its flags' table, and each
// example prints what stands there. go test -rewrite writes tables and output anew.
func TestReference(t *testing.T) {
	name, err := filepath.Abs(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := withFlags(t, string(content))
	shell := &typist{t: t, dir: t.TempDir()}
	t.Chdir(shell.dir)
	t.Setenv("GREGOR_BROKERS", "127.0.0.1:1")
	text = shell.session(text)
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, want := strings.Split(string(content), "\n"), strings.Split(text, "\n")
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("line %d:\ngot      %s\nexpected %s\nchanged on purpose: go test -run TestReference -rewrite",
				i+1, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d lines, expected %d", len(got), len(want))
	}
}

// withFlags puts the tables of flags into the text, which must have a place for each command that does something.
func withFlags(t *testing.T, text string) string {
	t.Helper()
	eachCommand(newRootCommand(), func(c *cobra.Command) {
		if c.HasSubCommands() && c.Name() != "bench" || c.Parent() == nil || c.Name() == "help" || c.Hidden {
			return
		}
		if !strings.Contains(text, "\n### gregor "+cli.CommandName(c)+"\n") {
			t.Errorf("there is no heading ### %s", c.CommandPath())
		}
		table := flagTable(c)
		if table == "" {
			return
		}
		mark := "<!-- flags of " + cli.CommandName(c) + " -->\n"
		before, rest, ok := strings.Cut(text, mark)
		_, after, closed := strings.Cut(rest, "<!-- end of flags -->\n")
		if !ok || !closed {
			t.Errorf("the flags of %s have no place: expected %s<!-- end of flags -->", c.CommandPath(), mark)
			return
		}
		text = before + mark + table + "<!-- end of flags -->\n" + after
	})
	return text
}

// flagTable writes the flags of a command as a table, "" for one without any.
func flagTable(c *cobra.Command) string {
	var rows []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		flags := "--" + f.Name
		if f.Shorthand != "" {
			flags = "-" + f.Shorthand + ", " + flags
		}
		if value != "" {
			flags += " " + strings.ReplaceAll(value, "|", `\|`)
		}
		otherwise := strings.Trim(f.DefValue, "[]")
		if otherwise != "" && !slices.Contains([]string{"false", "0"}, otherwise) {
			otherwise = "`" + otherwise + "`"
		}
		usage, _, _ = strings.Cut(usage, " [$")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | `%s` |\n", flags, otherwise, usage, cli.EnvOf(f)))
	})
	if rows == nil {
		return ""
	}
	return "| flag | default | meaning | variable |\n|---|---|---|---|\n" + strings.Join(rows, "")
}

// typist is a shell that knows as much as the examples need: gregor with a pipe before it, cat of a file that the
// example writes thereby, "&" behind a broker, kill of it, and the last exit code.
type typist struct {
	t      *testing.T
	dir    string
	code   int
	broker *servingCommand
}

// session types in the commands of all console blocks and returns the text with what they print.
func (s *typist) session(text string) string {
	var out []string
	inside := false
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		out = append(out, line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside && strings.HasPrefix(line, "$ "):
			var printed []string
			for i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "$ ") && lines[i+1] != "```" {
				i++
				printed = append(printed, lines[i])
			}
			if output := s.typeIn(line[2:], strings.Join(printed, "\n")+"\n"); output != "" {
				out = append(out, strings.Split(strings.TrimSuffix(output, "\n"), "\n")...)
			}
		}
	}
	return strings.Join(out, "\n")
}

// typeIn runs one line and returns what a terminal shows then: stdout, then stderr.
func (s *typist) typeIn(line, printed string) string {
	s.t.Helper()
	switch {
	case line == "echo $?":
		return fmt.Sprintln(s.code)
	case line == "kill %1":
		s.broker.stop(s.t)
		return ""
	case strings.HasPrefix(line, "cat "):
		if err := os.WriteFile(line[4:], []byte(printed), 0o600); err != nil {
			s.t.Fatal(err)
		}
		return printed
	case strings.HasSuffix(line, " &"):
		return s.serve(words(strings.TrimSuffix(line, " &"))[1:])
	}
	in, errs := "", ""
	for part := range strings.SplitSeq(line, " | ") {
		args := words(part)
		switch args[0] {
		case "echo":
			in = strings.Join(args[1:], " ") + "\n"
		case "printf":
			in = strings.ReplaceAll(args[1], `\n`, "\n")
		case "gregor":
			r := gregor(s.t, in, args[1:]...)
			in, s.code = r.out, r.code
			errs += r.errs
		default:
			s.t.Fatalf("no shell for %q", line)
		}
	}
	return s.mask(in + errs)
}

// serve starts a broker at any address and has all commands that follow talk to it.
func (s *typist) serve(args []string) string {
	s.t.Helper()
	own := []string{"--override", "listeners=PLAINTEXT://127.0.0.1:0"}
	if args[0] == "dev" {
		own = []string{"--port", "0", "--log-level", "info"}
	}
	s.broker = serveCommand(s.t, append(args, own...)...)
	address, _ := s.broker.ready["address"].(string)
	s.t.Setenv("GREGOR_BROKERS", address)
	if args[0] != "dev" {
		return ""
	}
	var greeting strings.Builder
	for !strings.HasSuffix(greeting.String(), "Ctrl-C ends it.\n") {
		line, err := s.broker.out.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		greeting.WriteString(line)
	}
	return strings.ReplaceAll(s.mask(greeting.String()), " -b 127.0.0.1:9092", "")
}

// mask makes output the same on every machine.
func (s *typist) mask(text string) string {
	return mask(strings.ReplaceAll(text, s.dir, "/srv"))
}
