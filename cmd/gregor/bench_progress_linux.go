package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/reports"
)

// pace is how far a run is. How long the rest takes follows from how long this run took so far.
type pace struct {
	// planned are the samples that each row is expected to take.
	planned []int
	// rows is how many have ended, with so many samples.
	rows, taken int
	// began is when the row that is being measured did, from the run's beginning; done of its total samples are there.
	began       time.Duration
	done, total int
}

func newPace(planned []int) *pace {
	p := &pace{planned: planned}
	p.enter(0)
	return p
}

// enter begins the row that is next.
func (p *pace) enter(now time.Duration) {
	p.began, p.done, p.total = now, 0, 0
	if p.rows < len(p.planned) {
		p.total = p.planned[p.rows]
	}
}

// next ends the row: one that failed takes no more samples, however many were planned.
func (p *pace) next(now time.Duration) {
	p.rows, p.taken = p.rows+1, p.taken+p.done
	p.enter(now)
}

// later is how many samples the rows behind this one take.
func (p *pace) later() int {
	n := 0
	for _, planned := range p.planned[min(p.rows+1, len(p.planned)):] {
		n += planned
	}
	return n
}

// samples returns how many samples of the whole run are taken, of how many.
func (p *pace) samples() (done, total int) {
	return p.taken + p.done, p.taken + p.total + p.later()
}

// left estimates how long the rest of the run takes: this row's samples as long as those it has, those of the rows
// behind it as long as all so far did in the mean. It is false before the first sample.
func (p *pace) left(now time.Duration) (time.Duration, bool) {
	done, _ := p.samples()
	if done == 0 {
		return 0, false
	}
	each := now / time.Duration(done)
	here := each
	if p.done > 0 {
		here = (now - p.began) / time.Duration(p.done)
	}
	return here*time.Duration(p.total-p.done) + each*time.Duration(p.later()), true
}

// title is what stands beside the bar: the row, the last sample, and how long the run still takes.
func (p *pace) title(row, last string, now time.Duration) string {
	text := fmt.Sprintf("%s (%d of %d)", row, p.rows+1, len(p.planned))
	if last != "" {
		text += ", " + last
	}
	if left, ok := p.left(now); ok {
		text += ", " + reports.Took(left.Round(time.Second)) + " left"
	}
	return text
}

// line is what is said of a row that has ended: how long it took, gregor's median and its ratios to the other sides.
func (p *pace) line(m *result.Measurement, now time.Duration) string {
	text := fmt.Sprintf("%s (%d of %d): %s", m.Row, p.rows+1, len(p.planned), reports.Took(now-p.began))
	if s := m.Side(result.Gregor); s != nil && len(s.Samples) > 0 {
		text += fmt.Sprintf(", %s %s", result.Number(result.Median(s.Figures())), result.UnitText(m.Unit))
	}
	for _, s := range m.Sides {
		if r, ok := m.Ratio(s.Name); ok && s.IsRival() {
			text += fmt.Sprintf(", %s times %s", result.Number(r.Median), s.Name)
		}
	}
	if m.Failure != "" {
		text += ", not measured as it should be: " + strings.ReplaceAll(m.Failure, "\n", "; ")
	}
	return text
}

// watch shows a run on stderr: a line that changes with each sample, and one that stays for each row that has ended.
type watch struct {
	*pace
	bar   *cli.Progress
	since func() time.Duration
	row   string
}

// watch begins a run whose rows are expected to take so many samples.
func (f *benchRun) watch(c *cobra.Command, planned []int) *watch {
	began := time.Now()
	w := &watch{pace: newPace(planned), since: func() time.Duration { return time.Since(began) }}
	_, total := w.samples()
	w.bar = f.progress.Start(c, "", int64(total), progressbar.OptionSetPredictTime(false))
	return w
}

// begin begins the next row.
func (w *watch) begin(row string) {
	w.row = row
	w.show("")
}

// step shows a sample.
func (w *watch) step(s matrix.Step) {
	w.done, w.total = s.Done, s.Total
	w.show(fmt.Sprintf("%s %s %s", s.Side, result.Number(s.Figure), result.UnitText(s.Unit)))
}

func (w *watch) show(last string) {
	done, total := w.samples()
	// A bar that has been full shows nothing more, and a noisy row may take more samples than were planned.
	w.bar.SetTotal(int64(max(total, done+1)))
	w.bar.Set(int64(done))
	w.bar.Title(w.title(w.row, last, w.since()))
}

// ended tells of a row that has ended.
func (w *watch) ended(m *result.Measurement) {
	now := w.since()
	w.bar.Line(w.line(m, now))
	w.next(now)
}
