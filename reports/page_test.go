package reports_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/reports"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// sample is a page with every kind of part.
func sample(t *testing.T) *reports.Page {
	t.Helper()
	line, err := lines().Chart()
	if err != nil {
		t.Fatal(err)
	}
	return &reports.Page{
		Title: "A <page>", Lead: "What it is & why.",
		Verdicts: []reports.Verdict{
			{Outcome: reports.Good, Name: "0 differences", Text: "all of it"},
			{Outcome: reports.Bad, Name: "log verify", Text: "exit code 1"},
			{Outcome: reports.Open, Name: "history", Text: "inconclusive"},
		},
		Sections: []reports.Section{
			{ID: "one", Title: "First", Parts: []reports.Part{
				reports.Text("A paragraph <b>with</b> signs."), line,
				reports.Facts{{Name: "processor", Value: "some"}, {Name: "kernel", Value: "6.1"}},
				reports.List{"a caveat", "another"},
			}},
			{ID: "two", Title: "Second", Parts: []reports.Part{
				&reports.Table{
					Caption: "Speed (MB/s)", Head: []string{"what", "how", "speed"}, Words: []int{1},
					Rows: []reports.Row{
						{Cells: []string{"disk", "synced", "123"}},
						{Cells: []string{"memory", "copied", "1,234"}, Outcome: reports.Bad},
					},
				},
				reports.Listing{Caption: "The command", Text: "make demo > out && echo \"done\"\n"},
				reports.Fold{Title: "More", Parts: []reports.Part{reports.Text("folded")}},
			}},
		},
		Foot: "made by a test",
	}
}

var (
	drawing = regexp.MustCompile(`(?s)<svg.*?</svg>`)
	sheet   = regexp.MustCompile(`(?s)<style>.*?</style>`)
)

func TestPageIsAsItWas(t *testing.T) {
	var out bytes.Buffer
	if err := sample(t).Render(&out); err != nil {
		t.Fatal(err)
	}
	got := sheet.ReplaceAll(drawing.ReplaceAll(out.Bytes(), []byte("<svg/>")), []byte("<style/>"))
	name := filepath.Join("testdata", "page.golden.html")
	if *rewrite {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another (write it anew with -rewrite and look at it); got:\n%s", name, got)
	}
}

func TestPageIsTheSameTwice(t *testing.T) {
	var first, second bytes.Buffer
	if err := sample(t).Render(&first); err != nil {
		t.Fatal(err)
	}
	if err := sample(t).Render(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two renderings differ")
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	var out bytes.Buffer
	if err := sample(t).Render(&out); err != nil {
		t.Fatal(err)
	}
	// Names of XML's own vocabularies look like addresses and are none.
	names := strings.NewReplacer(
		`xmlns="http://www.w3.org/2000/svg"`, "", `xmlns:xlink="http://www.w3.org/1999/xlink"`, "",
	)
	text := names.Replace(out.String())
	for _, bad := range []string{"<script", "http:", "https:", "src=", "@import", "url(", "<link"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, good := range []string{"A &lt;page&gt;", "&lt;b&gt;with", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(text, good) {
			t.Errorf("the page lacks %q", good)
		}
	}
}

func TestRowsFitTheirHeads(t *testing.T) {
	short := &reports.Table{Caption: "t", Head: []string{"a", "b"}, Rows: []reports.Row{{Cells: []string{"1"}}}}
	for _, part := range []reports.Part{short, reports.Fold{Parts: []reports.Part{short}}} {
		page := reports.Page{Sections: []reports.Section{{ID: "s", Parts: []reports.Part{part}}}}
		if err := page.Render(&bytes.Buffer{}); err == nil {
			t.Errorf("a row of 1 cell below 2 headings was rendered in %s", part.Kind())
		}
	}
}
