package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ProgressFlags say whether a command shows how far it is.
type ProgressFlags struct {
	off bool
}

// AddProgress adds --no-progress to a command that may take long.
func AddProgress(c *cobra.Command) *ProgressFlags {
	f := &ProgressFlags{}
	c.Flags().BoolVar(&f.off, "no-progress", false, "show no progress, as with CI set or without a terminal")
	Share(c.Flags(), "no-progress")
	return f
}

// throttle is the least time between two drawings of a bar.
const throttle = 100 * time.Millisecond

// Progress is a bar on stderr, or nothing. It is used by one goroutine.
type Progress struct {
	bar *progressbar.ProgressBar
	// lines is where whole lines go, terminal or not; nil if nothing is to be shown.
	lines io.Writer
}

// Start begins a bar of so many units; the total may be set later. Nothing is shown with --no-progress or the
// environment variable CI, and nothing but whole lines where stderr is no terminal; NO_COLOR leaves out colours.
func (f *ProgressFlags) Start(c *cobra.Command, title string, total int64, more ...progressbar.Option) *Progress {
	if f.off || os.Getenv("CI") != "" {
		return &Progress{}
	}
	p := &Progress{lines: c.ErrOrStderr()}
	if !IsTerminal(p.lines) {
		return p
	}
	o := append([]progressbar.Option{
		progressbar.OptionSetWriter(c.ErrOrStderr()), progressbar.OptionSetDescription(title),
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""), progressbar.OptionThrottle(throttle),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(), progressbar.OptionShowCount(),
	}, more...)
	p.bar = progressbar.NewOptions64(max(total, 1), o...)
	return p
}

// StartBytes is Start for a number of bytes.
func (f *ProgressFlags) StartBytes(c *cobra.Command, title string, total int64) *Progress {
	return f.Start(c, title, total, progressbar.OptionShowBytes(true))
}

// SetTotal says how many units there are.
func (p *Progress) SetTotal(total int64) {
	if p.bar != nil && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
}

// Title says what is being done, cut to what a line of the terminal has room for beside the bar.
func (p *Progress) Title(text string) {
	if p.bar == nil {
		return
	}
	if f, ok := p.lines.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			text = cut(text, width-barRoom)
		}
	}
	p.bar.Describe(text)
}

// barRoom is what the bar, its percentage and its counts take beside the title.
const barRoom = 32

// cut shortens a text to so many characters at most.
func cut(text string, most int) string {
	all := []rune(text)
	if most < 1 || len(all) <= most {
		return text
	}
	return string(all[:most-1]) + "…"
}

// Line writes a line that stays, above the bar if there is one. It is written without a terminal too.
func (p *Progress) Line(text string) {
	if p.lines == nil {
		return
	}
	if p.bar != nil {
		p.note(p.bar.Clear())
	}
	fmt.Fprintln(p.lines, text)
}

// Set says how many units are done.
func (p *Progress) Set(done int64) {
	if p.bar != nil {
		p.note(p.bar.Set64(done))
	}
}

// Add says that so many more units are done.
func (p *Progress) Add(n int64) {
	if p.bar != nil {
		p.note(p.bar.Add64(n))
	}
}

// End takes the bar away.
func (p *Progress) End() {
	if p.bar != nil {
		p.note(p.bar.Finish())
	}
}

// note gives a bar up that cannot be drawn: it is no reason to fail.
func (p *Progress) note(err error) {
	if err != nil {
		p.bar = nil
	}
}
