package result

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Report is a whole run.
type Report struct {
	// Command and Version name what made the report.
	Command, Version string
	Machine          Fields
	Rows             []*Row
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Command string `json:"_command"`
		Version string `json:"_version"`
		Machine Fields `json:"machine"`
		Rows    []*Row `json:"rows"`
	}{r.Command, r.Version, r.Machine, r.Rows})
}

// WriteText writes the report as a table: a line for the machine, one for each row, and below the table what needs
// words.
func (r *Report) WriteText(w io.Writer) error {
	var machine []string
	for _, f := range r.Machine {
		machine = append(machine, fmt.Sprintf("%s %v", f.Key, plain(f.Value)))
	}
	if _, err := fmt.Fprintf(w, "%s %s\n%s\n\n", r.Command, r.Version, strings.Join(machine, ", ")); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "row\tgregor\traw loop\tratio (min-max, pairs)\treached\ttarget\tverdict")
	for _, row := range r.Rows {
		fmt.Fprintln(t, row.cells())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n"+r.details())
	return err
}

func (r *Row) cells() string {
	cells := []string{r.Name, "", "", "", "", r.Target.String(), r.Verdict()}
	if len(r.Pairs) > 0 {
		gregor, raw := r.Medians()
		median, least, largest := r.Ratio()
		unit := UnitText(r.Unit)
		cells[1], cells[2] = Number(gregor)+" "+unit, Number(raw)+" "+unit
		cells[3] = fmt.Sprintf("%.2f (%.2f-%.2f, %d)", median, least, largest, len(r.Pairs))
	}
	if r.Target.Bound != NoBound {
		cells[4] = fmt.Sprintf("%.4g", r.Reached)
	}
	return strings.Join(cells, "\t")
}

// details returns a paragraph a row: its settings, its other figures and its note.
func (r *Report) details() string {
	var out strings.Builder
	for _, row := range r.Rows {
		var words []string
		for _, f := range append(append(Fields(nil), row.Settings...), row.Facts...) {
			words = append(words, fmt.Sprintf("%s=%v", f.Key, plain(f.Value)))
		}
		if row.Dropped > 0 {
			words = append(words, fmt.Sprintf("pairs_dropped=%d", row.Dropped))
		}
		fmt.Fprintf(&out, "%s: %s\n", row.Name, strings.Join(words, " "))
		if row.Note != "" {
			fmt.Fprintf(&out, "    %s\n", row.Note)
		}
	}
	return out.String()
}

// UnitText turns a unit of a key into the one that people read.
func UnitText(unit string) string {
	switch unit {
	case "mb_per_s":
		return "MB/s"
	case "requests_per_s":
		return "req/s"
	case "records_per_s":
		return "records/s"
	case "acks_per_s":
		return "acks/s"
	case "mib":
		return "MiB"
	case "s_per_gb":
		return "s/GB"
	}
	return strings.ReplaceAll(unit, "_", " ")
}

// Number writes a figure as people like it: whole from 100 on.
func Number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// RatioText writes a ratio with the interval around it, small ones with two digits that count.
func RatioText(r Interval) string {
	text := func(v float64) string {
		if v != 0 && v < 0.1 {
			return fmt.Sprintf("%.2g", v)
		}
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%s (%s–%s)", text(r.Median), text(r.Low), text(r.High))
}
