package world

import (
	"context"
	"log/slog"
	"strings"
)

// logHandler hands the broker's own log lines on, with the world's time.
type logHandler struct {
	n     *Node
	attrs string
}

var _ slog.Handler = (*logHandler)(nil)

// Enabled takes everything from Info on.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle writes one line.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(" " + a.String())
		return true
	})
	h.n.w.logf("broker %d: %s: %s%s%s", h.n.opts.ID, r.Level, r.Message, h.attrs, line.String())
	return nil
}

// WithAttrs adds attributes to every line.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	for _, a := range attrs {
		more.attrs += " " + a.String()
	}
	return &more
}

// WithGroup is not of use here.
func (h *logHandler) WithGroup(string) slog.Handler {
	return h
}
