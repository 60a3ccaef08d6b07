package main

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// The scripts:
//
//	# client | what it does              a check; it goes on to the next "#"
//	command argument 'an argument'       a command; kcat, or a Java tool by the last part of its class's name
//	! command ...                        one that must fail, with an exit code other than 0
//	? transactions | command ...         one that gregor refuses until it has what stands before the bar
//	& NAME | command ...                 one that runs beside the ones that follow
//	. NAME                               ends it with SIGTERM; its answers are compared here
//	* GROUP STATE N                      waits until a group is in that state, with so many members
//	< a line\tof standard input          for the command above
//	~ numbers                            of the command above, numbers in the answer are not compared; or order: lines
//	                                     may come in any; or objects: those of JSON may come in any order; or once:
//	                                     lines may come in any order and any number of times; or settled: it is asked
//	                                     again while it says that something is in progress
//	@ name text                          writes a file FILES/name before the next command
//	; a comment
//
// BROKER stands for the broker's address, FILES for a folder of the run, DIR and DIR2 for log directories. Commands of
// one script follow each other on the same brokers, so that each finds what the ones before did.
//
//go:embed commands/*.txt
var scripts embed.FS

// scriptNames are the scripts in the order in which they are played.
var scriptNames = []string{"kcat", "tools", "groups", "logdirs", "apps"}

// scene is one check of a script.
type scene struct {
	client, what string
	commands     []command
}

// compared counts the commands that both brokers answer.
func (s scene) compared() int {
	n := 0
	for _, c := range s.commands {
		if c.awaits == "" && c.begins == "" && len(c.state) == 0 {
			n++
		}
	}
	return n
}

// command is one command of a scene.
type command struct {
	// line is the number in the script.
	line int
	// words are the command and its arguments, as written.
	words []string
	stdin string
	// files are written before, by name.
	files [][2]string
	// fails says that the exit code must not be 0.
	fails bool
	// awaits is what gregor needs for it and does not have; empty for what must work.
	awaits string
	// begins names a command that the next ones do not wait for, and ends the one that is to be ended.
	begins, ends string
	// state is a group, its state and the number of its members, for what waits and asks nothing.
	state []string
	// loose says that numbers are not compared, unordered that lines may come in any order, objects that those of JSON
	// may, on lines of their own or not, and once that lines may be there any number of times.
	loose, unordered, objects, once bool
	// settled says that it is asked again while it says that something is in progress; see isUnderWay.
	settled bool
}

// String is the command as one would type it.
func (c command) String() string {
	var parts []string
	for _, word := range c.words {
		if strings.ContainsAny(word, " \t\\'\"") {
			word = "'" + word + "'"
		}
		parts = append(parts, word)
	}
	return strings.Join(parts, " ")
}

// readScript reads one of the scripts by name.
func readScript(name string) ([]scene, error) {
	text, err := scripts.ReadFile("commands/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	scenes, err := parseScript(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s.txt: %w", name, err)
	}
	return scenes, nil
}

// parseScript parses a script. What is not as described above is an error.
func parseScript(text string) ([]scene, error) {
	var scenes []scene
	var files [][2]string
	for i, line := range strings.Split(text, "\n") {
		number := i + 1
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || mark == ";":
			continue
		case mark == "#":
			client, what, ok := strings.Cut(rest, " | ")
			if !ok {
				return nil, fmt.Errorf("line %d: got %q, expected # client | what", number, line)
			}
			scenes = append(scenes, scene{client: client, what: what})
			continue
		case len(scenes) == 0:
			return nil, fmt.Errorf("line %d: got %q before the first #", number, line)
		case mark == "@":
			name, content, _ := strings.Cut(rest, " ")
			files = append(files, [2]string{name, content})
			continue
		}
		now := &scenes[len(scenes)-1]
		if mark == "<" || mark == "~" {
			if err := now.amend(mark, rest); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			continue
		}
		c, err := parseCommand(mark, rest, line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		c.line, c.files, files = number, files, nil
		now.commands = append(now.commands, c)
	}
	return scenes, nil
}

// amend adds what a line says of the command above it.
func (s *scene) amend(mark, rest string) error {
	if len(s.commands) == 0 {
		return fmt.Errorf("got %q without a command above", mark)
	}
	c := &s.commands[len(s.commands)-1]
	if mark == "~" {
		switch rest {
		case "numbers":
			c.loose = true
		case "order":
			c.unordered = true
		case "objects":
			c.objects = true
		case "once":
			c.once = true
		case "settled":
			c.settled = true
		default:
			return fmt.Errorf("got ~ %s, expected ~ numbers, ~ order, ~ objects, ~ once or ~ settled", rest)
		}
		return nil
	}
	text, err := strconv.Unquote(`"` + rest + `"`)
	if err != nil {
		return fmt.Errorf("standard input %q: %w", rest, err)
	}
	c.stdin += text + "\n"
	return nil
}

// parseCommand parses a line with a command.
func parseCommand(mark, rest, line string) (command, error) {
	var c command
	switch mark {
	case "!":
		c.fails, line = true, rest
	case "?":
		needs, command, ok := strings.Cut(rest, " | ")
		if !ok {
			return c, fmt.Errorf("got %q, expected ? what it needs | command", line)
		}
		c.awaits, line = needs, command
	case "&":
		name, command, ok := strings.Cut(rest, " | ")
		if !ok {
			return c, fmt.Errorf("got %q, expected & name | command", line)
		}
		c.begins, line = name, command
	case ".":
		c.ends = rest
	case "*":
		if c.state = strings.Fields(rest); len(c.state) != 3 {
			return c, fmt.Errorf("got %q, expected * group state members", line)
		}
	}
	var err error
	c.words, err = splitWords(line)
	return c, err
}

// splitWords splits at blanks that are not between single quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted, begun = !quoted, true
		case r == ' ' && !quoted:
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quoted || len(words) == 0 {
		return nil, fmt.Errorf("got %q, expected words and pairs of quotes", line)
	}
	return words, nil
}

// class returns the Java class of a tool.
func class(tool string) string {
	switch tool {
	case "ConfigCommand", "StorageTool":
		return map[string]string{"ConfigCommand": "kafka.admin.", "StorageTool": "kafka.tools."}[tool] + tool
	case "ConsoleConsumer":
		return "org.apache.kafka.tools.consumer." + tool
	case "ConsumerGroupCommand":
		return "org.apache.kafka.tools.consumer.group." + tool
	case "ReassignPartitionsCommand":
		return "org.apache.kafka.tools.reassign." + tool
	}
	return "org.apache.kafka.tools." + tool
}
