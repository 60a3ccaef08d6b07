package config

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// rootLogger is the name of the logger whose level holds where no other is set.
const rootLogger = "root"

// The loggers that gregor has beside the root: what clients may alter as BROKER_LOGGER.
const (
	// BrokerLogger tells of requests, configuration and the broker's life.
	BrokerLogger = "gregor.broker"
	// ControllerLogger tells of the metadata log.
	ControllerLogger = "gregor.controller"
	// GroupLogger tells of the group coordinators.
	GroupLogger = "gregor.group"
	// ServerLogger tells of sockets and connections.
	ServerLogger = "gregor.server"
	// StorageLogger tells of partitions' logs and of log directories.
	StorageLogger = "gregor.storage"
)

// Levels that slog has no names for.
const (
	levelTrace = slog.LevelDebug - 4
	levelFatal = slog.LevelError + 4
)

// levels are the levels by Kafka's names, in the order in which its message lists them.
var levels = []struct {
	name  string
	level slog.Level
}{
	{"DEBUG", slog.LevelDebug}, {"ERROR", slog.LevelError}, {"FATAL", levelFatal}, {"INFO", slog.LevelInfo},
	{"TRACE", levelTrace}, {"WARN", slog.LevelWarn},
}

// Loggers are named loggers over one handler, whose levels change while the broker runs. A logger without a level of
// its own has the root's. Levels are not kept over a restart, as in Kafka. It is safe for concurrent use.
type Loggers struct {
	next slog.Handler
	// names are sorted; holds has the level in force for each.
	names []string
	holds map[string]*slog.LevelVar

	mu struct {
		sync.Mutex
		set map[string]slog.Level // levels of their own; the root always has one
	}
}

// NewLoggers returns loggers that hand records to next, at the root's level. What next does not let pass, no level
// brings back.
func NewLoggers(root slog.Level, next slog.Handler) *Loggers {
	l := &Loggers{next: next, holds: make(map[string]*slog.LevelVar)}
	l.names = []string{BrokerLogger, ControllerLogger, GroupLogger, ServerLogger, StorageLogger, rootLogger}
	l.mu.set = map[string]slog.Level{rootLogger: root}
	for _, name := range l.names {
		l.holds[name] = new(slog.LevelVar)
		l.holds[name].Set(root)
	}
	return l
}

// LoggersOf returns the loggers that a logger belongs to; for one that belongs to none, new ones over its handler,
// which let everything pass that its handler does.
func LoggersOf(log *slog.Logger) *Loggers {
	if h, ok := log.Handler().(*namedHandler); ok {
		return h.of
	}
	level := slog.LevelInfo
	for _, x := range []slog.Level{slog.LevelDebug, levelTrace} {
		if log.Handler().Enabled(context.Background(), x) {
			level = x
		}
	}
	return NewLoggers(level, log.Handler())
}

// Logger returns the logger of a name; the root's for a name that there is not.
func (l *Loggers) Logger(name string) *slog.Logger {
	level, ok := l.holds[name]
	if !ok {
		level = l.holds[rootLogger]
	}
	return slog.New(&namedHandler{of: l, level: level, next: l.next})
}

// Describe returns the loggers with the levels in force, sorted by name.
func (l *Loggers) Describe() []Entry {
	var out []Entry
	for _, name := range l.names {
		text := levelName(l.holds[name].Level())
		out = append(out, Entry{Name: name, Value: &text, Source: SourceLogger})
	}
	return out
}

func levelName(level slog.Level) string {
	for _, x := range levels {
		if x.level == level {
			return x.name
		}
	}
	return level.String()
}

// Alter applies IncrementalAlterConfigs to the levels: OpSet sets one, OpDelete has the logger follow the root again.
// All ops are applied, or none and an *Error is returned. Nothing is changed if dry is set.
func (l *Loggers) Alter(ops []Op, dry bool) error {
	if err := checkOps(ops); err != nil {
		return err
	}
	for _, op := range ops {
		if err := l.check(op); err != nil {
			return err
		}
	}
	if dry {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, op := range ops {
		if op.Kind == OpDelete {
			delete(l.mu.set, op.Name)
			continue
		}
		l.mu.set[op.Name], _ = levelOf(*op.Value)
	}
	for _, name := range l.names {
		level, ok := l.mu.set[name]
		if !ok {
			level = l.mu.set[rootLogger]
		}
		l.holds[name].Set(level)
	}
	return nil
}

// check refuses one alteration, in Kafka's words.
func (l *Loggers) check(op Op) *Error {
	switch op.Kind {
	case OpAppend:
		return requestError("APPEND operation is not allowed for the BROKER_LOGGER resource")
	case OpSubtract:
		return requestError("SUBTRACT operation is not allowed for the BROKER_LOGGER resource")
	}
	if !slices.Contains(l.names, op.Name) {
		return configError("Logger " + op.Name + " does not exist!")
	}
	if op.Kind == OpDelete {
		if op.Name == rootLogger {
			return requestError("Removing the log level of the root logger is not allowed")
		}
		return nil
	}
	if _, ok := levelOf(*op.Value); !ok {
		var valid []string
		for _, x := range levels {
			valid = append(valid, x.name)
		}
		return configError("Cannot set the log level of " + op.Name + " to " + *op.Value +
			" as it is not a supported log level. Valid log levels are " + strings.Join(valid, ", "))
	}
	return nil
}

func levelOf(name string) (slog.Level, bool) {
	for _, x := range levels {
		if x.name == name {
			return x.level, true
		}
	}
	return 0, false
}

// namedHandler lets pass what its logger's level lets pass.
type namedHandler struct {
	of    *Loggers
	level *slog.LevelVar
	next  slog.Handler
}

var _ slog.Handler = (*namedHandler)(nil)

// Enabled reports whether records of the level are taken.
func (h *namedHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level.Level() && h.next.Enabled(ctx, level)
}

// Handle hands a record on.
func (h *namedHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.next.Handle(ctx, r)
}

// WithAttrs returns a handler that adds attributes.
func (h *namedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &namedHandler{of: h.of, level: h.level, next: h.next.WithAttrs(attrs)}
}

// WithGroup returns a handler that puts attributes into a group.
func (h *namedHandler) WithGroup(name string) slog.Handler {
	return &namedHandler{of: h.of, level: h.level, next: h.next.WithGroup(name)}
}
