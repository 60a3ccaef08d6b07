package config

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func set(name, level string) Op { return Op{Name: name, Value: &level} }

// TestLoggersFollowTheirLevels alters levels while loggers are in use: what is logged goes by the level in force.
func TestLoggersFollowTheirLevels(t *testing.T) {
	var out bytes.Buffer
	l := NewLoggers(slog.LevelInfo, slog.NewTextHandler(&out, &slog.HandlerOptions{Level: levelTrace}))
	storage, broker := l.Logger(StorageLogger), l.Logger(BrokerLogger).With("k", 1).WithGroup("g")
	if LoggersOf(storage) != l || LoggersOf(l.Logger("nobody")) != l {
		t.Fatal("a logger does not know the loggers that it belongs to")
	}
	said := func() (words string) {
		out.Reset()
		storage.Debug("storage-debug")
		storage.Info("storage-info")
		broker.Debug("broker-debug")
		broker.Warn("broker-warn")
		for _, each := range []string{"storage-debug", "storage-info", "broker-debug", "broker-warn"} {
			if strings.Contains(out.String(), each) {
				words += " " + each
			}
		}
		return words
	}
	for _, step := range []struct {
		ops  []Op
		want string
	}{
		{nil, " storage-info broker-warn"},
		{[]Op{set(StorageLogger, "DEBUG")}, " storage-debug storage-info broker-warn"},
		{[]Op{set("root", "TRACE"), set(StorageLogger, "ERROR")}, " broker-debug broker-warn"},
		{[]Op{set("root", "FATAL")}, ""},
		{[]Op{{Name: StorageLogger, Kind: OpDelete}, set("root", "INFO")}, " storage-info broker-warn"},
	} {
		if err := l.Alter(step.ops, true); err != nil {
			t.Fatal(err)
		}
		before := said()
		if err := l.Alter(step.ops, false); err != nil {
			t.Fatal(err)
		}
		if got := said(); got != step.want {
			t.Errorf("after %v: got%s, expected%s (before:%s)", step.ops, got, step.want, before)
		}
	}
}

// TestLoggerRefusals has the answers of Kafka 4.3.1; nothing of a refused request is applied.
func TestLoggerRefusals(t *testing.T) {
	l := NewLoggers(slog.LevelInfo, slog.DiscardHandler)
	for _, test := range []struct {
		ops  []Op
		kind error
		want string
	}{
		{[]Op{set("no.such", "DEBUG")}, ErrInvalidConfig, "Logger no.such does not exist!"},
		{[]Op{set("ROOT", "DEBUG")}, ErrInvalidConfig, "Logger ROOT does not exist!"},
		{[]Op{{Name: "no.such", Kind: OpDelete}}, ErrInvalidConfig, "Logger no.such does not exist!"},
		{[]Op{{Name: "root", Kind: OpDelete}}, ErrInvalidRequest,
			"Removing the log level of the root logger is not allowed"},
		{[]Op{set("root", "debug")}, ErrInvalidConfig, "Cannot set the log level of root to debug as it is not a " +
			"supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"},
		{[]Op{{Name: "root", Kind: OpAppend, Value: new(string)}}, ErrInvalidRequest,
			"APPEND operation is not allowed for the BROKER_LOGGER resource"},
		{[]Op{{Name: "root", Kind: OpSubtract, Value: new(string)}}, ErrInvalidRequest,
			"SUBTRACT operation is not allowed for the BROKER_LOGGER resource"},
		{[]Op{set("root", "WARN"), set("root", "INFO")}, ErrInvalidRequest, "Error due to duplicate config keys"},
		{[]Op{{Name: "root"}}, ErrInvalidRequest, "Null value not supported for : root"},
		{[]Op{set("root", "WARN"), set("no.such", "INFO")}, ErrInvalidConfig, "Logger no.such does not exist!"},
	} {
		err := l.Alter(test.ops, false)
		if err == nil || err.Error() != test.want || !errors.Is(err, test.kind) {
			t.Errorf("got %v, expected %s", err, test.want)
		}
	}
	for _, e := range l.Describe() {
		if *e.Value != "INFO" || e.Source != SourceLogger || e.ReadOnly || e.Sensitive {
			t.Errorf("got %s=%s, source %d, expected INFO", e.Name, *e.Value, e.Source)
		}
	}
}
