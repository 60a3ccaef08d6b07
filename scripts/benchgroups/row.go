//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"encoding/json"

	"github.com/gregor-log/gregor/bench/result"
)

const (
	gregorName = "gregor"
	kafkaName  = "kafka"
)

var sideNames = [2]string{gregorName, kafkaName}

// row is one line of the table.
type row struct {
	name, what, unit string
	aim              aim
	pairs            []result.Pair // Raw is Kafka's figure
	facts            []*facts
	failure          error
}

// facts are the values of one fact in all samples.
type facts struct {
	key    string
	values []float64
}

func (r *row) addFact(key string, value float64) {
	at := slices.IndexFunc(r.facts, func(f *facts) bool { return f.key == key })
	if at < 0 {
		at = len(r.facts)
		r.facts = append(r.facts, &facts{key: key})
	}
	r.facts[at].values = append(r.facts[at].values, value)
}

// aim is what a row is to reach. A zero value asks for nothing.
type aim struct {
	// atMost bounds gregor's figure, ratio its ratio to Kafka's.
	atMost, ratio float64
	// atLeast and times ask for so much, and for so many times Kafka's figure.
	atLeast, times float64
}

// String returns the aim as a short formula.
func (a aim) String() string {
	var all []string
	if a.atMost > 0 {
		all = append(all, fmt.Sprintf("<= %g", a.atMost))
	}
	if a.ratio > 0 {
		all = append(all, fmt.Sprintf("ratio <= %g", a.ratio))
	}
	if a.atLeast > 0 {
		all = append(all, fmt.Sprintf(">= %g", a.atLeast))
	}
	if a.times > 0 {
		all = append(all, fmt.Sprintf("ratio >= %g", a.times))
	}
	return strings.Join(all, " and ")
}

// met reports whether the medians reach the aim.
func (a aim) met(gregor, kafka float64) bool {
	return (a.atMost == 0 || gregor <= a.atMost) && (a.ratio == 0 || gregor <= a.ratio*kafka) &&
		gregor >= a.atLeast && gregor >= a.times*kafka
}

// medians returns the medians of gregor's figures and of Kafka's.
func (r *row) medians() (gregor, kafka float64) {
	return (&result.Row{Pairs: r.pairs}).Medians()
}

// means returns the means of gregor's figures and of Kafka's: where either has two ways to go, as a rebalance has that
// takes one round or several, the median tells of one of them alone.
func (r *row) means() (gregor, kafka float64) {
	for _, p := range r.pairs {
		gregor += p.Gregor / float64(len(r.pairs))
		kafka += p.Raw / float64(len(r.pairs))
	}
	return gregor, kafka
}

// spread returns the least and the largest ratio of a pair.
func (r *row) spread() (least, largest float64) {
	_, least, largest = (&result.Row{Pairs: r.pairs}).Ratio()
	return least, largest
}

func (r *row) verdict() string {
	switch {
	case r.failure != nil:
		return "failed"
	case r.aim.met(r.medians()):
		return "yes"
	}
	return "no"
}

// print writes the table, and below it what each row measured and its other figures.
func (b *bench) print(w io.Writer) error {
	for _, f := range b.machine {
		fmt.Fprintf(w, "%s %v, ", f.Key, f.Value)
	}
	fmt.Fprint(w, "\n\n")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "row\tgregor\tKafka\tratio of medians (pairs min-max, n)\taim\tmet")
	for _, r := range b.rows {
		cells := []string{r.name, "", "", "", r.aim.String(), r.verdict()}
		if len(r.pairs) > 0 {
			gregor, kafka := r.medians()
			least, largest := r.spread()
			cells[1], cells[2] = number(gregor)+" "+r.unit, number(kafka)+" "+r.unit
			cells[3] = fmt.Sprintf("%.3f (%.3f-%.3f, %d)", gregor/kafka, least, largest, len(r.pairs))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, r := range b.rows {
		fmt.Fprintf(w, "%s: %s\n", r.name, r.what)
		if len(r.pairs) > 0 {
			gregor, kafka := r.means()
			fmt.Fprintf(w, "    means %s and %s, their ratio %s\n", number(gregor), number(kafka), number(gregor/kafka))
		}
		for _, f := range r.facts {
			fmt.Fprintf(w, "    %s %s\n", f.key, number(result.Median(f.values)))
		}
		if r.failure != nil {
			fmt.Fprintf(w, "    failed: %v\n", r.failure)
		}
	}
	return nil
}

// number writes a figure with as many digits as it bears: whole from 100 on.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// fields returns the row as one flat object.
func (r *row) fields() result.Fields {
	out := result.Fields{{Key: "row", Value: r.name}, {Key: "what", Value: r.what}, {Key: "unit", Value: r.unit}}
	if len(r.pairs) > 0 {
		gregor, kafka := r.medians()
		least, largest := r.spread()
		out.Add("gregor", gregor)
		out.Add("kafka", kafka)
		out.Add("ratio", gregor/kafka)
		gregor, kafka = r.means()
		out.Add("gregor_mean", gregor)
		out.Add("kafka_mean", kafka)
		out.Add("ratio_min", least)
		out.Add("ratio_max", largest)
	}
	out.Add("pairs", len(r.pairs))
	out.Add("aim", r.aim.String())
	out.Add("met", r.verdict())
	for _, f := range r.facts {
		out.Add(f.key, result.Median(f.values))
	}
	if r.failure != nil {
		out.Add("failure", r.failure.Error())
	}
	return out
}

// writeJSON writes the run as one object.
func (b *bench) writeJSON() error {
	var rows []result.Fields
	for _, r := range b.rows {
		rows = append(rows, r.fields())
	}
	text, err := json.MarshalIndent(result.Fields{
		{Key: "_command", Value: "bench-groups"}, {Key: "_version", Value: "1"},
		{Key: "machine", Value: b.machine}, {Key: "rows", Value: rows},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.json), 0o755); err != nil {
		return err
	}
	return os.WriteFile(b.json, append(text, '\n'), 0o644)
}
