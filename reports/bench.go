package reports

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/bench/result"
)

// Bench makes the page of a run of gregor bench: the worst row first. A run of studies has a page of its own kind.
func Bench(r *result.Run) (*Page, error) {
	if len(r.Studies) > 0 {
		return Studies(r)
	}
	rows := slices.Clone(r.Rows)
	slices.SortStableFunc(rows, func(a, b *result.Measurement) int { return cmp.Compare(standing(a), standing(b)) })
	p := &Page{
		Title: "gregor beside its limits", Lead: "What was measured in one run, the worst row first. A ratio of 1 " +
			"means as fast as the other side; lines over bars are intervals that hold the median with 95% confidence.",
		Verdicts: benchVerdicts(rows),
		Foot:     fmt.Sprintf("gregor bench, begun %s, binary %.12s.", r.Began, r.Binary),
	}
	p.caution(r)
	overview, err := BenchOverview(rows)
	if err != nil {
		return nil, err
	}
	p.Sections = append(p.Sections, overview)
	for _, m := range rows {
		s, err := benchRow(m)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, s)
	}
	jacobs, err := BenchJacobs(r.Limits)
	if err != nil {
		return nil, err
	}
	if jacobs != nil {
		p.Sections = append(p.Sections, *jacobs)
	}
	p.Sections = append(p.Sections, benchMachine(r))
	return p, nil
}

// caution says above all figures what spoils them.
func (p *Page) caution(r *result.Run) {
	for _, c := range r.Cautions {
		p.Lead += " Beware: " + c + "."
	}
}

// standing orders rows: those that failed, then by how far the aim that is missed most is away.
func standing(m *result.Measurement) float64 {
	if m.Failure != "" {
		return -1
	}
	least := math.Inf(1)
	for _, a := range m.Aims {
		if held, ok := m.Held(a); ok {
			least = math.Min(least, a.Distance(held.Median))
		}
	}
	return least
}

func benchVerdicts(rows []*result.Measurement) []Verdict {
	var all []Verdict
	for _, m := range rows {
		v := Verdict{Outcome: Good, Name: m.Row}
		var words []string
		for _, a := range m.Aims {
			held, ok := m.HeldText(a)
			if !ok {
				continue
			}
			if m.Reached(a) == "missed" {
				v.Outcome = Bad
			}
			words = append(words, fmt.Sprintf("%s, aim %s", held, m.AimText(a)))
		}
		v.Text = strings.Join(words, "; ")
		if len(words) == 0 {
			v.Outcome, v.Text = Neutral, "no aim could be looked at"
		}
		if m.Failure != "" {
			v.Outcome, v.Text = Open, m.Failure
		}
		all = append(all, v)
	}
	return all
}

// BenchOverview draws all ratios: those of rates in one chart, of latencies in another, of times and memory in a third.
func BenchOverview(rows []*result.Measurement) (Section, error) {
	s := Section{ID: "overview", Title: "Overview"}
	for i, b := range []Bars{
		{
			Title: "gregor's rate as a multiple of the other sides'", X: "times the other side's rate: more is better",
			Note: "1 is as fast. The limit is the raw loop, which does what no broker can leave out and nothing " +
				"else. Bars with an arrow are longer.",
			Most: 20,
		},
		{
			Title: "gregor's median latency as a multiple of the other sides'",
			X:     "times the other side's latency: less is better",
			Note:  "1 is as fast. The limit is the raw loop: a receive, a wake-up and a send.",
		},
		{
			Title: "gregor's start, recovery and memory as a multiple of the other sides'",
			X:     "times the other side's time or memory: less is better",
			Note:  "1 is as fast or as large. Only recovery has a limit: reading what was written once.",
		},
	} {
		drawn, err := b.ratios(rows, kind(i))
		if err != nil {
			return s, err
		}
		if drawn != nil {
			s.Parts = append(s.Parts, drawn)
		}
	}
	if len(s.Parts) == 0 {
		s.Parts = append(s.Parts, Text("No row has figures to compare."))
	}
	return s, nil
}

// kind sorts rows into charts by their units.
type kind int

const (
	rates kind = iota
	latencies
	lives
)

func kindOf(m *result.Measurement) kind {
	switch m.Unit {
	case "us":
		return latencies
	case "ms", "s", "mib":
		return lives
	}
	return rates
}

// ratios draws the ratios of the rows of a kind, nil if there are none.
func (b *Bars) ratios(rows []*result.Measurement, of kind) (*Chart, error) {
	names := benchSides(rows)
	b.Series = names
	b.Alt = "bars of ratios, a group for each row; the table of each row has the figures"
	for _, m := range rows {
		if kindOf(m) != of {
			continue
		}
		g := Group{Name: m.Row}
		for i, name := range names {
			if ratio, ok := m.Ratio(name); ok {
				g.Bars = append(g.Bars, Bar{Series: i, Median: ratio.Median, Low: ratio.Low, High: ratio.High})
			}
		}
		if len(g.Bars) > 0 {
			b.Groups = append(b.Groups, g)
		}
	}
	if len(b.Groups) == 0 {
		return nil, nil
	}
	return b.Chart()
}

// benchSides names all sides but gregor and the client alone, the limit first.
func benchSides(rows []*result.Measurement) []string {
	names := []string{result.Limit}
	for _, m := range rows {
		for _, s := range m.Sides {
			if s.IsRival() && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// benchRow is the section of one row.
func benchRow(m *result.Measurement) (Section, error) {
	s := Section{ID: m.Row, Title: m.Row, Parts: []Part{Text(capital(m.What) + ".")}}
	if m.Failure != "" {
		s.Parts = append(s.Parts, Text("Not measured as it should be: "+m.Failure+"."))
	}
	for _, note := range m.Remarks() {
		s.Parts = append(s.Parts, Text(capital(note)+"."))
	}
	for _, side := range m.Sides {
		if side.Missing != "" {
			s.Parts = append(s.Parts, Text("Without "+side.Name+": "+side.Missing+"."))
		}
	}
	t := &Table{
		Caption: fmt.Sprintf("Medians of %d rounds in %s, with 95%% intervals; processor time for 10⁹ bytes of "+
			"batches, for a request, a record or a sample; latencies in µs.", m.Rounds, result.UnitText(m.Unit)),
		Head: []string{
			"side", "figure", "interval", "gregor's ratio", "server's CPU", "client's CPU", "p50", "p99", "p99.9",
		},
	}
	for _, name := range m.ExtraNames() {
		t.Head = append(t.Head, strings.ReplaceAll(name, "_", " "))
	}
	b := Bars{
		Title: m.Row + " in " + result.UnitText(m.Unit), X: result.UnitText(m.Unit),
		Alt: "bars of the rates that the table has",
	}
	for _, side := range m.Sides {
		if len(side.Samples) == 0 {
			continue
		}
		figure := result.IntervalOf(side.Figures())
		b.Groups = append(b.Groups, Group{Name: side.Name, Bars: []Bar{{
			Series: len(b.Series), Median: figure.Median, Low: figure.Low, High: figure.High,
		}}})
		b.Series = append(b.Series, side.Name)
		t.Rows = append(t.Rows, sideRow(m, side, figure))
	}
	if len(t.Rows) > 0 {
		b.Series = nil // each bar has its name above it
		chart, err := b.Chart()
		if err != nil {
			return s, err
		}
		s.Parts = append(s.Parts, chart, t)
	}
	if m.Unit == "us" {
		chart, err := benchPercentiles(m)
		if err == nil {
			s.Parts = append(s.Parts, chart)
		} else if !errors.Is(err, ErrNoData) {
			return s, err
		}
	}
	if len(m.Hottest) > 0 {
		s.Parts = append(s.Parts, benchHottest(m))
	}
	var facts Facts
	for _, x := range m.Settings {
		facts = append(facts, Fact{x.Key, x.Value})
	}
	if m.Durability != "" {
		facts = append(facts, Fact{"durability", m.Durability})
	}
	facts = append(facts, Fact{"rounds thrown away", fmt.Sprint(m.Dropped)},
		Fact{"steal", fmt.Sprintf("%.2f%%", m.StealPercent)})
	s.Parts = append(s.Parts, Fold{Title: "What was set", Parts: []Part{facts}})
	return s, nil
}

// benchPercentiles draws how the latencies of all sides are spread.
func benchPercentiles(m *result.Measurement) (*Chart, error) {
	l := Lines{
		Title: m.Row + ": latency by percentile", X: "nines: 1 is 90 %, 2 is 99 %, 3 is 99.9 % of the records",
		Y: "µs", Alt: "lines of latencies by percentile; the table has p50, p99 and p99.9",
		Note: "From when a record was due to be sent, so that a stall counts for all that was due meanwhile.",
	}
	for _, side := range m.Sides {
		series := Series{Name: side.Name}
		for _, p := range side.Percentiles {
			series.Points = append(series.Points, Point{-math.Log10(1 - p.Percent/100), p.Latency})
		}
		if len(series.Points) > 0 {
			l.Series = append(l.Series, series)
		}
	}
	return l.Chart()
}

func sideRow(m *result.Measurement, s *result.Side, figure result.Interval) Row {
	row := Row{}
	ratio := ""
	if r, ok := m.Ratio(s.Name); ok && s.IsRival() {
		ratio = result.RatioText(r)
	}
	for _, a := range m.Aims {
		if a.Side() != s.Name {
			continue
		}
		switch m.Reached(a) {
		case "met":
			row.Outcome = max(row.Outcome, Good)
		case "missed":
			row.Outcome = Bad
		}
	}
	middle := func(of func(result.Sample) float64) string {
		var all []float64
		for _, x := range s.Samples {
			all = append(all, of(x))
		}
		if kindOf(m) == lives { // there are no latencies
			return ""
		}
		if median := result.Median(all); median > 0 {
			return result.Number(median)
		}
		return "–" // none were taken
	}
	server, client, unit := m.CPU(s)
	row.Cells = []string{
		s.Name, result.Number(figure.Median), result.Number(figure.Low) + "–" + result.Number(figure.High), ratio,
		known(server, unit), known(client, unit),
		middle(func(x result.Sample) float64 { return x.P50 }), middle(func(x result.Sample) float64 { return x.P99 }),
		middle(func(x result.Sample) float64 { return x.P999 }),
	}
	for _, name := range m.ExtraNames() {
		row.Cells = append(row.Cells, known(s.Extra(name), ""))
	}
	return row
}

func known(v float64, unit string) string {
	if math.IsNaN(v) {
		return "not known"
	}
	return strings.TrimSpace(result.Number(v) + " " + strings.ReplaceAll(unit, "us/", "µs/"))
}

func capital(text string) string {
	return strings.ToUpper(text[:1]) + text[1:]
}

// benchMachine tells what it was measured on, and how to do it again.
func benchMachine(r *result.Run) Section {
	var facts Facts
	for _, key := range slices.Sorted(maps.Keys(r.Machine)) {
		facts = append(facts, Fact{strings.ReplaceAll(key, "_", " "), fmt.Sprint(r.Machine[key])})
	}
	s := Section{ID: "machine", Title: "The machine, and how to do it again", Parts: []Part{facts}}
	if len(r.Limits) > 0 {
		s.Parts = append(s.Parts, benchLimits(r.Limits))
	}
	s.Parts = append(s.Parts, Listing{Caption: "The command", Text: "gregor " + strings.Join(r.Arguments, " ")})
	return s
}

// published are the values a second of 2009 beside the limits that they compare with.
var published = []struct {
	limit, name string
	rate        float64
}{
	{"L10-disk-sequential", "disk, in order", result.Jacobs2009.DiskInOrder},
	{"L10-disk-random", "disk, at random", result.Jacobs2009.DiskAtRandom},
	{"L10-memory-sequential", "memory, in order", result.Jacobs2009.MemoryInOrder},
	{"L10-memory-random", "memory, at random", result.Jacobs2009.MemoryAtRandom},
}

// BenchJacobs draws the published figures beside those of this machine; nil if it has none.
func BenchJacobs(limits []result.Limited) (*Section, error) {
	b := Bars{
		Title: "Values of four bytes read a second", X: "values a second (logarithmic)", Log: true,
		Series: []string{"2009", "here"},
		Alt:    "bars of values a second in 2009 and here, from disk and memory, in order and at random",
		Note: "2009: eight disks of 15,000 revolutions a minute in RAID 5, and a file of 4 GB. Here: the mean of " +
			"before and after the run, the disk without the page cache; its host may have one.",
	}
	for _, p := range published {
		at := slices.IndexFunc(limits, func(l result.Limited) bool { return l.Name == p.limit && l.Failure == "" })
		if at < 0 {
			continue
		}
		l := limits[at]
		b.Groups = append(b.Groups, Group{Name: p.name, Bars: []Bar{
			{Series: 0, Median: p.rate, Low: p.rate, High: p.rate},
			{
				Series: 1, Median: (l.Before + l.After) / 2, Low: math.Min(l.Before, l.After),
				High: math.Max(l.Before, l.After),
			},
		}})
	}
	if len(b.Groups) == 0 {
		return nil, nil
	}
	chart, err := b.Chart()
	if err != nil {
		return nil, err
	}
	return &Section{ID: "jacobs", Title: "Sequential disk against random memory", Parts: []Part{
		Text("Logs live on disk because reading and writing in order is fast everywhere. A. Jacobs, “The Pathologies " +
			"of Big Data” (Communications of the ACM 52(8), 2009), measured that a disk read in order was faster " +
			"than memory read at random, 53.2 against 36.7 million values a second; below, whether it still is."),
		chart,
	}}, nil
}

// benchLimits is a table of what the machine alone can do.
func benchLimits(limits []result.Limited) *Table {
	const steady = 0.05
	t := &Table{
		Caption: "What the machine alone could do before the run and after it",
		Head:    []string{"limit", "what is done", "it bounds", "unit", "before", "after"}, Words: []int{1, 2, 3},
	}
	for _, l := range limits {
		row := Row{Cells: []string{
			l.Name, l.What, l.Bounds, result.UnitText(l.Unit), result.Number(l.Before), result.Number(l.After),
		}}
		switch {
		case l.Failure != "":
			row.Outcome = Open
		case l.Drift() > steady:
			row.Outcome = Bad
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
