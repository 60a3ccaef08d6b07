package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/reports"
)

// writePage renders what was found.
func (d *demo) writePage(context.Context) error {
	s := d.say.begin("page", -1)
	load, err := d.loadSection()
	if err != nil {
		return err
	}
	groups, err := d.groupSection()
	if err != nil {
		return err
	}
	disk, err := d.diskSection()
	if err != nil {
		return err
	}
	beside, err := d.benchSection()
	if err != nil {
		return err
	}
	page := reports.Page{
		Title: "gregor: real text through a real broker, and back",
		Lead: fmt.Sprintf("%s of %s, loaded twice by franz-go while the broker was killed %s and started again; then "+
			"everything was read back, rebuilt and compared, and read again by "+
			"consumer groups.", reports.Plural(d.input.lines, "line"),
			reports.Plural(len(d.input.files), "file"), times(d.killed())),
		Verdicts: d.verdicts(),
		Sections: []reports.Section{
			d.inputSection(), load, d.backSection(), groups, d.logSection(), d.historySection(), disk,
			beside, d.simSection(), d.machineSection(s),
		},
		Foot: d.found.version + ", " + time.Now().UTC().Format("2006-01-02 15:04 UTC") + ". gregor is Kafka " +
			"wire-compatible and not affiliated with the Apache Software Foundation.",
	}
	var out bytes.Buffer
	if err := page.Render(&out); err != nil {
		return err
	}
	if err := os.WriteFile(d.path(pageName), out.Bytes(), 0o644); err != nil {
		return err
	}
	s.end("%.0f kB", float64(out.Len())/1e3)
	return nil
}

// killed returns how often the broker was killed.
func (d *demo) killed() int {
	n := 0
	for _, l := range d.found.loads {
		n += len(l.kills)
	}
	return n
}

// times writes how often something happened.
func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return reports.Plural(n, "time")
}

// outcome returns Good if something holds, and else Bad.
func outcome(holds bool) reports.Outcome {
	if holds {
		return reports.Good
	}
	return reports.Bad
}

// verdicts are the answers at the top of the page.
func (d *demo) verdicts() []reports.Verdict {
	differences, same, read := 0, 0, int64(0)
	for _, r := range d.found.readings {
		differences, same, read = differences+r.found, same+r.same, read+r.records
	}
	whole := same == topics*len(d.input.files) && differences == 0
	list := []reports.Verdict{
		{Outcome: outcome(whole), Name: reports.Plural(differences, "difference"), Text: fmt.Sprintf(
			"%s of %s rebuilt files have their SHA-256: %s records, each exactly once and in order",
			reports.Count(same), reports.Count(topics*len(d.input.files)), reports.Count(read))},
		d.groupVerdict(),
		{Outcome: outcome(d.found.logVerify.code == 0), Name: "log verify",
			Text: "exit code " + fmt.Sprint(d.found.logVerify.code) + ": the directory after a clean stop"},
		d.historyVerdict(),
	}
	good := 0
	for _, s := range d.found.seeds {
		if s.Verdict == "ok" {
			good++
		}
	}
	return append(list, reports.Verdict{
		Outcome: outcome(good > 0 && good == len(d.found.seeds) && d.found.sim.code == 0), Name: "simulation",
		Text: fmt.Sprintf("%d of %s ok", good, reports.Plural(len(d.found.seeds), "simulated seed")),
	})
}

func (d *demo) historyVerdict() reports.Verdict {
	v := reports.Verdict{Outcome: reports.Bad, Name: "history", Text: "there is no judgement"}
	if r := d.found.report; r != nil {
		v.Text = fmt.Sprintf("verdict %s on %s and %s", r.Verdict, reports.Plural(r.Counts.Operations, "operation"),
			reports.Plural(r.Counts.Events, "event"))
		switch r.Verdict {
		case checker.OK:
			v.Outcome = reports.Good
		case checker.Inconclusive:
			v.Outcome = reports.Open
		}
	}
	return v
}

func (d *demo) inputSection() reports.Section {
	in := d.input
	root := filepath.Base(filepath.Dir(in.root)) + "/" + filepath.Base(in.root)
	facts := reports.Facts{
		{Name: "Taken", Value: fmt.Sprintf("%s below %s, one record a line", in.what, root)},
		{Name: "Files", Value: reports.Count(len(in.files))},
		{Name: "Lines", Value: reports.Count(in.lines)},
		{Name: "Bytes", Value: reports.Bytes(in.bytes)},
		{Name: "Longest line", Value: fmt.Sprintf("%s bytes: %s", reports.Count(in.longest), shown(in.longestAt))},
		{Name: "Last line without newline", Value: reports.Plural(in.noEnd, "file")},
		{Name: "Without any byte", Value: reports.Plural(in.empty, "file")},
	}
	limit := "No line needs a larger batch than Kafka's default of max.message.bytes allows."
	if d.maxBatch() > defaultMaxMessage {
		limit = fmt.Sprintf("The topics' max.message.bytes was raised to %s for the longest line; a record is never "+
			"split.", reports.Count(d.maxBatch()))
	}
	var rows []reports.Row
	for _, f := range in.largest(5) {
		rows = append(rows, reports.Row{Cells: []string{shown(f.path), reports.Count(f.lines), reports.Count(f.size)}})
	}
	return reports.Section{ID: "input", Title: "The input", Parts: []reports.Part{
		facts,
		reports.Text("A record's value is a line with its newline, whatever bytes it holds, so the values of a " +
			"file's records, one after another, are the file. Only a last line may lack its newline, and a file " +
			"without any byte is one record with an empty value, which no line has. The key is the path: its hash " +
			"picks the partition, so one file is in one partition, in order. A header counts each file's lines, so " +
			"that one that is missing, comes twice or comes late is found even among equal lines. " + limit),
		reports.Fold{Title: "The largest files", Parts: []reports.Part{
			&reports.Table{Head: []string{"file", "lines", "bytes"}, Rows: rows},
		}},
	}}
}

// shown is a path as a page can show it.
func shown(path string) string { return strings.ToValidUTF8(path, "\uFFFD") }

func (d *demo) backSection() reports.Section {
	t := &reports.Table{
		Caption: "What came back (files are compared by SHA-256 and number of lines)",
		Head: []string{"topic", "records", "MB", "s", "lines/s", "MB/s", "fetches", "files as they were",
			"differences"},
	}
	var listed []string
	for _, r := range d.found.readings {
		seconds := r.took.Seconds()
		t.Rows = append(t.Rows, reports.Row{Outcome: outcome(r.found == 0), Cells: []string{
			r.topic, reports.Count(r.records), reports.Number(float64(r.bytes) / 1e6), reports.Number(seconds),
			reports.Count(int64(float64(r.records) / seconds)), reports.Number(float64(r.bytes) / 1e6 / seconds),
			reports.Count(r.fetches), reports.Count(r.same) + " of " + reports.Count(len(d.input.files)),
			reports.Count(r.found),
		}})
		for _, each := range r.differences {
			listed = append(listed, each.String())
		}
	}
	parts := []reports.Part{t, reports.Text("MB are of the lines alone, without keys and headers. One client reads " +
		"all partitions, hashes every file and writes the history at the same time, which is not the broker's limit.")}
	if len(listed) > 0 {
		parts = append(parts, reports.Listing{Caption: "The differences", Text: strings.Join(listed, "\n") + "\n"})
	}
	return reports.Section{ID: "back", Title: "Read back and rebuilt", Parts: parts}
}

func (d *demo) logSection() reports.Section {
	p := d.found.logVerify
	return reports.Section{ID: "log", Title: "The directory", Parts: []reports.Part{
		reports.Text(fmt.Sprintf("The broker was stopped cleanly with SIGTERM, which took %s. Then its directory was "+
			"checked offline: every batch of every segment with its CRC, the indexes against the segments, the "+
			"producer snapshots and the checkpoints.", reports.Took(d.found.shutdown))),
		listing(p),
	}}
}

// listing shows a command and the beginning and the end of what it printed.
func listing(p *printed) reports.Listing {
	const most = 60
	text := strings.Split(strings.TrimSpace(p.stdout+"\n"+p.problems), "\n")
	if len(text) > most {
		left := len(text) - most
		head, tail := text[:most/2], text[len(text)-most/2:]
		text = append(append(append([]string{}, head...), fmt.Sprintf("... %d more lines ...", left)), tail...)
	}
	return reports.Listing{Caption: p.command, Text: strings.Join(text, "\n") + "\n"}
}

func (d *demo) historySection() reports.Section {
	parts := []reports.Part{reports.Text("The whole run as a history: each append is a run of records that were " +
		"acknowledged together at consecutive offsets, each fetch what one answer held, every record by its number " +
		"and a hash of its content; with the kills and restarts. An append begins when its first record was handed " +
		"to the client, a fetch when its client was made, the earliest instants at which they may have been asked " +
		"for. The judge's first opinion is a sweep over offsets, its second Porcupine.")}
	if r := d.found.report; r != nil {
		parts = append(parts, reports.Listing{Caption: "gregor verify " + historyName, Text: r.Text()})
	} else {
		parts = append(parts, listing(d.found.verify))
	}
	return reports.Section{ID: "history", Title: "The verdict on the history", Parts: parts}
}

// machineNames are better words for some of the machine's facts.
var machineNames = map[string]string{
	"cpu": "processor", "cpus": "processors", "memory_gib": "memory (GiB)", "go": "Go",
	"system_congestion_control": "congestion control",
}

func (d *demo) machineSection(page *step) reports.Section {
	var facts reports.Facts
	for _, f := range result.Machine(d.out) {
		value := fmt.Sprint(f.Value)
		if v, ok := f.Value.(float64); ok {
			value = reports.Number(v)
		}
		name := strings.ReplaceAll(f.Key, "_", " ")
		if better, ok := machineNames[f.Key]; ok {
			name = better
		}
		facts = append(facts, reports.Fact{Name: name, Value: value})
	}
	facts = append(facts,
		reports.Fact{Name: "durability class", Value: "page-cache, Kafka's default: an acknowledged record survives " +
			"a kill of the process (which is what happened here), not a loss of power"},
		reports.Fact{Name: "validation", Value: "full: the broker checks the CRC and walks every record, inflating " +
			"compressed ones"},
		reports.Fact{Name: "sharing", Value: "broker, clients and everything else share this machine's processors"},
	)
	times := &reports.Table{Caption: "What took how long (s)", Head: []string{"step", "s"}}
	for _, each := range d.say.steps {
		seconds := fmt.Sprintf("%.1f", each.took.Seconds())
		times.Rows = append(times.Rows, reports.Row{Cells: []string{each.name, seconds}})
	}
	times.Rows = append(times.Rows, reports.Row{Cells: []string{
		"in all", fmt.Sprintf("%.1f", page.began.Sub(d.say.began).Seconds()),
	}})
	return reports.Section{ID: "machine", Title: "Machine, time, and how to repeat it", Parts: []reports.Part{
		facts, times,
		reports.Listing{Caption: "The commands", Text: "make demo\n" +
			"go run ./scripts/demo --input DIR            # another folder of text\n" +
			"go run ./scripts/demo --kills 5 --keep       # more kills; keep the broker's directory\n" +
			"bin/demo/gregor verify bin/demo/" + historyName + "   # the verdict again\n"},
	}}
}
