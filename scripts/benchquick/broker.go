//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gregor-log/gregor/bench/load"
)

const (
	topicName = "bench"
	// segmentBytes is segment.bytes, Kafka's default, and the size of the raw loops' files.
	segmentBytes = 1 << 30
)

// instance says how to run the broker that is measured.
type instance struct {
	partitions int32
	topic      map[string]string // the topic's configuration
	// counted asks for the broker of this program, which counts allocations; with countSyncs also syncs.
	counted, countSyncs bool
	profile             string // file name of profiles
}

// subject is a running broker with an empty topic.
type subject struct {
	*process // nil for a broker that somebody else started
	address  string
	conn     *load.Conn
	topic    string
}

// startBroker starts gregor in a fresh directory, or takes the broker that was named, and creates a topic.
func (b *bench) startBroker(ctx context.Context, i instance) (*subject, error) {
	s := &subject{topic: topicName, address: b.broker}
	if b.broker == "" {
		var err error
		if s.process, err = b.start(ctx, b.brokerArgs(i)); err != nil {
			return nil, err
		}
		s.address = s.process.address
	} else {
		// Of one length with the name that raw loops know, and new each time.
		s.topic = fmt.Sprintf("b%04d", time.Now().UnixMicro()/100%10000)
	}
	conn, err := load.Dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	configs := maps.Clone(i.topic)
	if b.broker != "" {
		delete(configs, validationKey)
	}
	if err := conn.CreateTopic(ctx, s.topic, i.partitions, configs); err != nil {
		return nil, err
	}
	return s, nil
}

const validationKey = "gregor.validation"

// brokerArgs returns how to start gregor: the binary, or this program where counters are asked for.
func (b *bench) brokerArgs(i instance) func(dir, address string) ([]string, error) {
	return func(dir, address string) ([]string, error) {
		file := filepath.Join(dir, "server.properties")
		text := propertiesText(map[string]string{
			"listeners": "PLAINTEXT://" + address, "log.dirs": filepath.Join(dir, "log"),
		})
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return nil, err
		}
		if b.gregor != "" && !i.counted {
			return []string{b.gregor, "broker", "-c", file}, nil
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		line := []string{self, serveArg, "broker", "-c", file}
		if i.countSyncs {
			line = append(line, "-count-syncs")
		}
		if i.profile != "" {
			line = append(line, "-profile", filepath.Join(b.profile, i.profile))
		}
		return line, nil
	}
}

func propertiesText(values map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s=%s\n", key, values[key])
	}
	return text.String()
}

// during returns a window's hook that fills s.
func (s *subject) during(into *sample, failed *error) func() func() {
	if s.process == nil {
		return nil
	}
	return s.watch(into, failed)
}

// end ends the broker; one that writes profiles is let to, and one that somebody else started only loses the topic.
func (s *subject) end(profiled bool) error {
	var err error
	if s.process == nil {
		err = s.conn.DeleteTopic(s.topic)
	}
	err = errors.Join(err, s.conn.Close())
	switch {
	case s.process == nil:
		return err
	case profiled:
		return s.stop()
	}
	return s.kill()
}
