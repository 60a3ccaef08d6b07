package reports

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

// Outcome is how something ended. The zero value says nothing.
type Outcome int

// The outcomes.
const (
	// Neutral is neither good nor bad: a figure.
	Neutral Outcome = iota
	// Good: it holds.
	Good
	// Bad: it does not hold, or could not be done.
	Bad
	// Open: nothing can be said.
	Open
)

// Class returns the outcome's name in the style sheet.
func (o Outcome) Class() string {
	return [...]string{"neutral", "good", "bad", "open"}[o]
}

// Sign returns a character that says the same as the colour.
func (o Outcome) Sign() string {
	return [...]string{"", "✓ ", "✗ ", "? "}[o]
}

// Page is one HTML page.
type Page struct {
	// Title stands in the window and above the page, Lead in a few words below it.
	Title, Lead string
	// Verdicts are what the page found, in short, at its top.
	Verdicts []Verdict
	Sections []Section
	// Foot stands at the end: what made the page, when.
	Foot string
}

// Verdict is one thing that was to hold.
type Verdict struct {
	Outcome Outcome
	// Name says what was looked at, Text what was found.
	Name, Text string
}

// Section is a heading and its parts. Id is the anchor, and what the table of contents links to.
type Section struct {
	ID, Title string
	Parts     []Part
}

// Part is a piece of a section: Text, List, Facts, *Table, *Chart, Listing or Fold.
type Part interface {
	// Kind names the template of the part.
	Kind() string
}

// Text is a paragraph.
type Text string

// Kind implements Part.
func (Text) Kind() string { return "text" }

// Facts are names with values, one below the other.
type Facts []Fact

// Fact is one of Facts.
type Fact struct{ Name, Value string }

// Kind implements Part.
func (Facts) Kind() string { return "facts" }

// Table is a table. Its first column is of names, the others of figures, unless Words says otherwise.
type Table struct {
	// Caption says what the table shows, with the units of all that has none of its own.
	Caption string
	Head    []string
	Rows    []Row
	// Words are the indexes of further columns that hold words, and stand to the left.
	Words []int
}

// Row is a row of a table, as many cells as the head has. An outcome other than Neutral colours it.
type Row struct {
	Cells   []string
	Outcome Outcome
}

// Kind implements Part.
func (*Table) Kind() string { return "table" }

// Align returns the class of a column.
func (t *Table) Align(column int) string {
	if column == 0 {
		return "word"
	}
	for _, c := range t.Words {
		if c == column {
			return "word"
		}
	}
	return "figure"
}

// List is short paragraphs, each with a dot before it.
type List []string

// Kind implements Part.
func (List) Kind() string { return "list" }

// Listing is text as a program printed it, or commands to type; long lines scroll.
type Listing struct {
	// Caption stands above; "" is none.
	Caption, Text string
}

// Kind implements Part.
func (Listing) Kind() string { return "listing" }

// Fold holds parts that most readers skip, behind a heading to open. Printed, it is open.
type Fold struct {
	Title string
	Parts []Part
}

// Kind implements Part.
func (Fold) Kind() string { return "fold" }

//go:embed page.html page.css
var files embed.FS

// Render writes the page.
func (p *Page) Render(w io.Writer) error {
	style, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	t := template.New("page.html").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
		"svg":   func(image []byte) template.HTML { return template.HTML(image) },
	})
	if _, err := t.ParseFS(files, "page.html"); err != nil {
		return err
	}
	for _, s := range p.Sections {
		if err := check(s.Parts); err != nil {
			return fmt.Errorf("section %q: %w", s.ID, err)
		}
	}
	return t.Execute(w, p)
}

// check finds tables whose rows do not fit their heads.
func check(parts []Part) error {
	for _, part := range parts {
		switch part := part.(type) {
		case *Table:
			for i, row := range part.Rows {
				if len(row.Cells) != len(part.Head) {
					return fmt.Errorf("table %q, row %d: got %d cells, expected %d", part.Caption, i, len(row.Cells),
						len(part.Head))
				}
			}
		case Fold:
			if err := check(part.Parts); err != nil {
				return err
			}
		}
	}
	return nil
}
