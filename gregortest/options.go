//go:build unix

package gregortest

import (
	"slices"

	"github.com/gregor-log/gregor/core/config"
)

// Option changes what Start starts.
type Option func(*options)

// options is what the options of one broker come to.
type options struct {
	properties []config.KV
	topics     []topic
	dir        string // "" for memory
	onDisk     bool
	logs       bool
}

// topic is a topic to create.
type topic struct {
	name       string
	partitions int32
	configs    []string // names and values in turn
}

// Property sets a property of the broker by its Kafka name, as in server.properties. A name that no broker has fails
// the test.
func Property(name, value string) Option {
	return func(o *options) { o.properties = append(o.properties, config.KV{Name: name, Value: value}) }
}

// Topic creates a topic before Start returns. configs are names and values of its configuration, in turn.
func Topic(name string, partitions int, configs ...string) Option {
	made := topic{name: name, partitions: int32(partitions), configs: slices.Clone(configs)}
	return func(o *options) { o.topics = append(o.topics, made) }
}

// OnDisk keeps the records in a directory of the test's own, which is removed when the test ends.
func OnDisk() Option {
	return func(o *options) { o.onDisk = true }
}

// Dir keeps the records in a directory of the caller's: a second broker may be started on it after the first is closed.
func Dir(dir string) Option {
	return func(o *options) { o.dir = dir }
}

// Logs writes the broker's log into the test's, with all its levels.
func Logs() Option {
	return func(o *options) { o.logs = true }
}
