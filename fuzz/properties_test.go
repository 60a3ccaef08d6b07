package fuzz

import (
	"errors"
	"testing"

	"github.com/magiconair/properties"

	"github.com/gregor-log/gregor/core/config"
)

// FuzzProperties takes any text for a server.properties: it is a configuration, which can be described and changed, or
// it is refused as invalid, never both.
func FuzzProperties(f *testing.F) {
	f.Add("node.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092\nlog.dirs=/tmp/a,/tmp/b\n")
	f.Add("# a comment\nlog.retention.hours : 168\nlog.segment.bytes 1073741824\nnum.partitions = \\\n  3\n")
	f.Add("listeners=A://:1,B://h:2\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\nx=${log.dirs}\n")
	f.Add("log.flush.interval.messages=1\ncompression.type=zstd\nlog.cleanup.policy=compact,delete\n\\u006ea=\\")
	f.Add("process.roles=broker,controller\ncontroller.quorum.voters=1@localhost:9093\ninter.broker.listener.name=A\n")
	f.Fuzz(func(t *testing.T, text string) {
		defer watch()()
		loader := properties.Loader{Encoding: properties.ISO_8859_1, DisableExpansion: true}
		file, err := loader.LoadBytes([]byte(text))
		if err != nil {
			return
		}
		var pairs []config.KV
		changes := make(map[string]string)
		for _, name := range file.Keys() {
			value := file.GetString(name, "")
			pairs = append(pairs, config.KV{Name: name, Value: value})
			changes[name] = value
		}
		cfg, notices, err := config.ParseBroker(pairs)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
		if err != nil {
			if !errors.Is(err, config.ErrInvalidConfig) {
				t.Fatal(err)
			}
			return
		}
		for _, n := range notices {
			if n.Text == "" || n.Name == "" {
				t.Fatalf("got notice %+v", n)
			}
		}
		if len(cfg.Describe()) == 0 || len(cfg.LogDirs) == 0 {
			t.Fatalf("got a configuration without content: %+v", cfg)
		}
		if changed, err := cfg.With(changes, nil); (changed == nil) == (err == nil) {
			t.Fatalf("with its own values as dynamic ones: got %v and %v", changed, err)
		}
	})
}
