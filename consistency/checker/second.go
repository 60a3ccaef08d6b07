package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// maxPictures bounds the windows that are kept for drawing, of either sort.
const maxPictures = 4

// secondOpinion has Porcupine judge the view, and compares the opinions.
func (v *view) secondOpinion() {
	count := &v.report.Porcupine
	if !v.dense {
		count.Skipped++
		return
	}
	windows := model.Cut(v.log(), v.options.Window)
	illegal, undecided, full := 0, 0, 0
	for n := range windows {
		result := model.Undecided
		if left := time.Until(v.deadline); left > 0 {
			result = windows[n].Check(min(left, v.options.Window.WithDefaults().Timeout))
		}
		switch result {
		case model.Legal:
			count.Legal++
		case model.Illegal:
			count.Illegal++
			illegal++
			if len(windows[n].Holes) == 0 {
				full++
			}
		default:
			count.Undecided++
			undecided++
		}
		v.keep(&windows[n], result != model.Legal || v.marks(&windows[n]))
	}
	inversions := model.Inversions(windows)
	for _, pair := range inversions {
		v.keep(&windows[pair.EarlierWindow], true)
		v.keep(&windows[pair.LaterWindow], true)
	}
	count.Windows += len(windows)
	count.Inversions += len(inversions)
	v.compare(illegal, undecided, full+len(inversions))
}

// log translates the view for package model.
func (v *view) log() *model.Log {
	log := &model.Log{
		Name: v.name.String(), Start: v.begin(), Ops: make([]model.Op, 0, len(v.acts)+len(v.soft)),
	}
	if len(v.cuts) > 0 {
		log.Name += fmt.Sprintf(" after %d losses", v.inc)
	}
	for _, acts := range [][]act{v.acts, v.soft} {
		for n := range acts {
			a := &acts[n]
			e := v.entry(a)
			op := model.Op{
				Kind: a.kind, Offset: a.offset, Call: a.call, Return: a.ret, Process: e.Process, Line: e.Line,
			}
			if e.Kind == history.Append {
				ids := v.h.ValuesOf(v.h.RunsOf(e)[0])
				op.Count, op.Content = uint32(len(ids)), model.ContentOf(ids)
			}
			log.Ops = append(log.Ops, op)
		}
	}
	if v.inc == v.last() && v.finals.ret >= 0 {
		log.Seen = v.finals.pieces(v.partition)
		log.SeenCall, log.SeenReturn = v.finals.call, v.finals.ret
	}
	return log
}

// compare holds the opinions against each other. certain counts what Porcupine rejects without any hole in the log,
// where nothing is left to search for and the sweep must have found the cause.
func (v *view) compare(illegal, undecided, certain int) {
	shared := v.shared[v.inc]
	switch {
	case certain > 0 && v.found == 0:
		v.report.Disagreements = append(v.report.Disagreements, fmt.Sprintf(
			"%s: Porcupine finds no order for %d windows, and the sweep found nothing", v.log().Name, certain))
	case illegal > 0 && v.found == 0:
		v.finding(NotLinearizable, -1, v.inc, false, nil,
			"no order of the operations explains %d windows: the unknown appends do not fill a hole exactly", illegal)
	case shared > 0 && illegal == 0 && certain == 0 && undecided == 0:
		v.report.Disagreements = append(v.report.Disagreements, fmt.Sprintf(
			"%s: the sweep found %d violations that Porcupine must see, and it sees none", v.log().Name, shared))
	}
}

// marks reports whether a window has an operation that a finding names.
func (v *view) marks(w *model.Window) bool {
	return len(v.marked) > 0 && slices.ContainsFunc(w.Ops, func(op model.Op) bool { return v.marked[op.Line] })
}

// keep remembers a window for drawing: the first few that show something bad, and the first few that do not.
func (v *view) keep(w *model.Window, bad bool) {
	same := 0
	for _, kept := range v.report.windows {
		if kept.bad == bad {
			same++
		}
	}
	if same < maxPictures {
		kept := *w
		kept.Ops = slices.Clone(w.Ops)
		v.report.windows = append(v.report.windows, picture{kept, bad})
	}
}
