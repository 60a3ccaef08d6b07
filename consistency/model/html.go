package model

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Note is something drawn beside the operations: a fault, or what the sweep found.
type Note struct {
	// Row names the row of the page, "node 1" or "findings".
	Row string
	// From and To are its interval; To below From means a point in time.
	From, To int64
	// Text is shown, Detail appears under the pointer.
	Text, Detail string
	// Bad colours it as a finding.
	Bad bool
}

// WriteHTML searches the windows once more, keeps the longest legal beginnings, and writes Porcupine's page with them
// and the notes: each window is drawn apart, a row a process, with one more row for each operation that never returned.
// Each search may take the given time.
func WriteHTML(w io.Writer, windows []Window, notes []Note, timeout time.Duration) error {
	if len(windows) == 0 {
		_, err := io.WriteString(w, emptyPage)
		return err
	}
	rows := newRows(windows)
	var all []porcupine.Operation
	for number := range windows {
		all = append(all, windows[number].operations(rows.of)...)
	}
	timeout = Limits{Timeout: timeout}.WithDefaults().Timeout
	specification := partitionLog()
	specification.DescribeOperationMetadata = func(data any) string {
		where := data.(where)
		if where.line == 0 {
			return where.log
		}
		return fmt.Sprintf("%s, process %d, line %d", where.log, where.process, where.line)
	}
	for i := range all {
		in := all[i].Input.(input)
		all[i].Metadata = where{in.window.Log, in.op.Process, in.op.Line}
	}
	_, info := porcupine.CheckOperationsVerbose(specification, all, timeout)
	info.AddAnnotations(annotations(notes))
	if err := porcupine.Visualize(specification, info, w); err != nil {
		return fmt.Errorf("model: draw the history: %w", err)
	}
	return nil
}

// emptyPage stands for a page without operations, on which Porcupine's script would stumble.
const emptyPage = "<!DOCTYPE html>\n<html><title>Porcupine</title><body>no operations to draw</body></html>\n"

// where says for people which operation of the history one is.
type where struct {
	log     string
	process int32
	line    uint32
}

// rows gives each process a row and each operation that never returned one of its own.
type rows struct {
	processes []int32
	extra     map[*Op]int
}

func newRows(windows []Window) *rows {
	r := &rows{extra: make(map[*Op]int)}
	for i := range windows {
		for j := range windows[i].Ops {
			r.processes = append(r.processes, windows[i].Ops[j].Process)
		}
	}
	slices.Sort(r.processes)
	r.processes = slices.Compact(r.processes)
	return r
}

func (r *rows) of(op *Op) int {
	if op.Return != Never && op.Kind != Read && op.Kind != start {
		row, _ := slices.BinarySearch(r.processes, op.Process)
		return row
	}
	row, ok := r.extra[op]
	if !ok {
		row = len(r.processes) + len(r.extra)
		r.extra[op] = row
	}
	return row
}

func annotations(notes []Note) []porcupine.Annotation {
	list := make([]porcupine.Annotation, 0, len(notes))
	for _, note := range notes {
		colour := "#ffe9a8"
		if note.Bad {
			colour = "#ffb3a8"
		}
		list = append(list, porcupine.Annotation{
			Tag: note.Row, Start: note.From, End: max(note.From, note.To), Description: note.Text,
			Details: note.Detail, BackgroundColor: colour, TextColor: "#000000",
		})
	}
	return list
}
