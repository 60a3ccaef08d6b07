package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// SchemaVersion is the "_version" of every JSON object. It grows when a key changes its meaning or goes; new keys may
// come at any time.
const SchemaVersion = 1

// The names of the formats that every command has.
const (
	Text = "text"
	JSON = "json"
)

// Choice is a flag that takes one of a few words. It is a pflag.Value.
type Choice struct {
	value   string
	allowed []string
}

// String returns the word that was chosen.
func (c *Choice) String() string { return c.value }

// Type returns what help prints for the value.
func (c *Choice) Type() string { return strings.Join(c.allowed, "|") }

// Set takes a word, or refuses it.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("got %q, expected %s", text, Alternatives(c.allowed))
	}
	c.value = text
	return nil
}

// Alternatives writes words as "a, b or c".
func Alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// AddChoice adds a flag that takes one of a few words, which the shell completes.
func AddChoice(c *cobra.Command, name, usage, otherwise string, words []string) *Choice {
	choice := &Choice{value: otherwise, allowed: words}
	c.Flags().Var(choice, name, usage)
	must(c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
	return choice
}

// AddFormat adds --format to a command; text and json, and whatever else the command knows.
func AddFormat(c *cobra.Command, more ...string) *Choice {
	choice := AddChoice(c, "format", "form of the output", Text, append([]string{Text, JSON}, more...))
	Share(c.Flags(), "format")
	return choice
}

// CommandName returns the words of a command without the program's name: "topic list".
func CommandName(c *cobra.Command) string {
	_, words, _ := strings.Cut(c.CommandPath(), " ")
	return words
}

// WriteJSON writes one object to the command's stdout: "_command", "_version", and the fields of v, which must encode
// to an object.
func WriteJSON(c *cobra.Command, v any) error {
	head := struct {
		Command string `json:"_command"`
		Version int    `json:"_version"`
	}{CommandName(c), SchemaVersion}
	object, err := Marshal(head)
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	body, err := Marshal(v)
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	if len(body) > 2 {
		object = append(append(object[:len(object)-1], ','), body[1:]...)
	}
	_, err = c.OutOrStdout().Write(append(object, '\n'))
	return err
}

// Marshal encodes v as JSON on one line, without a newline at its end and without escapes for HTML.
func Marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// IsTerminal reports whether a stream of a command is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Notef writes one line for people to the command's stderr.
func Notef(c *cobra.Command, format string, args ...any) {
	fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
}

// Table writes rows in columns that are two blanks apart; numbers among the columns stand to the right.
type Table struct {
	rows  [][]string
	right []bool
}

// NewTable returns a table with these headings. One that begins with ">" is of a column of numbers.
func NewTable(headings ...string) *Table {
	t := &Table{right: make([]bool, len(headings))}
	row := make([]string, len(headings))
	for i, heading := range headings {
		row[i], t.right[i] = strings.CutPrefix(heading, ">")
	}
	t.rows = append(t.rows, row)
	return t
}

// Add adds a row; every cell is printed as %v does.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(t.right))
	for i := range row {
		row[i] = fmt.Sprint(cells[i])
	}
	t.rows = append(t.rows, row)
}

// Write writes the table with a newline after each row and without blanks at their ends.
func (t *Table) Write(w io.Writer) error {
	width := make([]int, len(t.right))
	for _, row := range t.rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-len(cell))
			if t.right[i] {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
