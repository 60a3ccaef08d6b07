package world

import (
	"fmt"

	"github.com/gregor-log/gregor/netsim/clock"
)

// Violation is something that must never happen.
type Violation struct {
	// Name is the rule that was broken. Those about records bear the names of package consistency/checker.
	Name string
	// At is when it was found.
	At clock.Time
	// Detail says what was got and what was expected.
	Detail string
}

// Error returns the violation in one line.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s at %.6fs: %s", v.Name, float64(v.At)/1e9, v.Detail)
}

// violate reports a broken rule. The first one is kept.
func (w *World) violate(name, format string, args ...any) {
	v := &Violation{Name: name, At: w.now, Detail: fmt.Sprintf(format, args...)}
	w.logf("VIOLATION %v", v)
	if w.first == nil {
		w.first = v
	}
}

// Violate reports a broken rule that somebody outside has found.
func (w *World) Violate(name, format string, args ...any) {
	w.violate(name, format, args...)
}

// Violation returns the first rule that was broken, or nil.
func (w *World) Violation() *Violation {
	return w.first
}
