package cli

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
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
}

// Start begins a bar of so many units; the total may be set later. Nothing is shown
// where stderr is no terminal, with --no-progress, or with the environment variable CI; NO_COLOR leaves out colours.
func (f *ProgressFlags) Start(c *cobra.Command, title string, total int64, more ...progressbar.Option) *Progress {
	if f.off || os.Getenv("CI") != "" || !IsTerminal(c.ErrOrStderr()) {
		return &Progress{}
	}
	o := append([]progressbar.Option{
		progressbar.OptionSetWriter(c.ErrOrStderr()), progressbar.OptionSetDescription(title),
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""), progressbar.OptionThrottle(throttle),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(), progressbar.OptionShowCount(),
	}, more...)
	return &Progress{bar: progressbar.NewOptions64(max(total, 1), o...)}
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

// Title says what is being done.
func (p *Progress) Title(text string) {
	if p.bar != nil {
		p.bar.Describe(text)
	}
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
