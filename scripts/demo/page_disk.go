package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/reports"
)

// Words for the study's works and stores.
var (
	workNames = map[study.Work]string{
		study.LogAppend: "append through the log", study.LogRead: "read through the log",
		study.RawWrite: "raw write (in memory: copy)", study.RawRead: "raw read (in memory: copy)",
		study.RandomRead: "random read of 4 KiB", study.RandomWrite: "random write of 4 KiB",
	}
	storeNames = map[study.Store]string{
		study.Memory: "memory", study.PageCache: "disk: page cache", study.Device: "disk: the device",
	}
)

// figure finds one figure of the study.
func (d *demo) figure(w study.Work, store study.Store) *study.Figure {
	for i := range d.found.figures {
		if f := &d.found.figures[i]; f.Work == w && f.Store == store {
			return f
		}
	}
	return &study.Figure{Work: w, Store: store}
}

func (d *demo) diskSection() (reports.Section, error) {
	sequential := reports.Bars{
		Title: "Sequential: MB/s",
		Alt:   "Bars of megabytes a second: appending and reading through the log, and raw, in memory and on disk.",
		Note:  "Medians; the thin lines reach from the least to the greatest run. MB are 10^6 bytes.",
		X:     "MB/s",
	}
	random := reports.Bars{
		Title: "Random: accesses of 4 KiB a second",
		Alt:   "Bars of random accesses a second on a logarithmic scale, in memory and on disk.",
		Note: "Logarithmic scale: each step of a power of ten is ten times as much. A random write on the device is " +
			"one fdatasync each.",
		X: "accesses a second (logarithmic)", Log: true,
	}
	for _, store := range study.Stores {
		sequential.Series = append(sequential.Series, storeNames[store])
	}
	random.Series = sequential.Series
	for _, w := range study.Works {
		into := &sequential
		if w.Unit() == "accesses_per_s" {
			into = &random
		}
		group := reports.Group{Name: workNames[w]}
		for i, store := range study.Stores {
			f := d.figure(w, store)
			group.Bars = append(group.Bars, reports.Bar{Series: i, Median: f.Median(), Low: f.Low(), High: f.High()})
		}
		into.Groups = append(into.Groups, group)
	}
	parts := []reports.Part{reports.Text(d.diskWords())}
	for _, bars := range []*reports.Bars{&sequential, &random} {
		drawn, err := bars.Chart()
		if err != nil {
			return reports.Section{}, err
		}
		parts = append(parts, drawn)
	}
	caveats := append(reports.List{fmt.Sprintf("The machine's load average was %s when the runs began; it has %s.",
		d.found.loadAverage, reports.Plural(runtime.NumCPU(), "processor"))}, study.Caveats()...)
	parts = append(parts, d.diskTable(), reports.Text("What these figures do not say:"), caveats)
	return reports.Section{ID: "disk", Title: "Disk against memory, a first look",
		Parts: parts}, nil
}

// diskWords says in a few sentences what the figures show.
func (d *demo) diskWords() string {
	var b strings.Builder
	ratio := func(w study.Work, a, c study.Store) float64 { return d.figure(w, a).Median() / d.figure(w, c).Median() }
	fmt.Fprintf(&b, "The same log code on files in memory and on disk, %s each. Appending to the page cache runs at "+
		"%s times the speed of appending to memory; ", reports.Bytes(d.studyBytes),
		reports.Number(ratio(study.LogAppend, study.PageCache, study.Memory)))
	fmt.Fprintf(&b, "with the sync to the device counted, at %s. ",
		reports.Number(ratio(study.LogAppend, study.Device, study.Memory)))
	if random := d.figure(study.RandomRead, study.Device).Median(); random > 0 {
		fmt.Fprintf(&b, "On the device, reading in order gives %s MB/s and reading 4 KiB anywhere %s MB/s: order is "+
			"worth a factor of %s there, and of %s in memory.",
			reports.Number(d.figure(study.RawRead, study.Device).Median()), reports.Number(random*4096/1e6),
			reports.Number(d.figure(study.RawRead, study.Device).Median()/(random*4096/1e6)),
			reports.Number(d.figure(study.RawRead, study.Memory).Median()/
				(d.figure(study.RandomRead, study.Memory).Median()*4096/1e6)))
	}
	return b.String()
}

func (d *demo) diskTable() *reports.Table {
	t := &reports.Table{
		Caption: "Medians of the runs, with the least and the greatest",
		Head:    []string{"work", "unit"}, Words: []int{1},
	}
	for _, store := range study.Stores {
		t.Head = append(t.Head, storeNames[store])
	}
	for _, w := range study.Works {
		unit := map[string]string{"mb_per_s": "MB/s", "accesses_per_s": "accesses/s"}[w.Unit()]
		row := reports.Row{Cells: []string{workNames[w], unit}}
		for _, store := range study.Stores {
			f := d.figure(w, store)
			cell := "not taken"
			if len(f.Samples) > 0 {
				cell = fmt.Sprintf("%s (%s to %s)", reports.Number(f.Median()), reports.Number(f.Low()),
					reports.Number(f.High()))
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
