package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func newConfigCommand() *cobra.Command {
	return newGroup("config", "List, describe, set and delete properties of topics, brokers and loggers",
		newConfigListCommand(), newConfigDescribeCommand(), newConfigSetCommand(), newConfigDeleteCommand())
}

// defaultBroker is the name of the entity that stands for all brokers.
const defaultBroker = "default"

// entity is something that has properties:
//
//	topic/NAME  broker/ID  logger/ID     a topic, a broker, a broker's loggers
//	broker/default                       all brokers
type entity struct {
	kind kmsg.ConfigResourceType
	// name is Kafka's: empty for all brokers.
	name string
}

// entityKinds are the kinds by the words that stand before the slash.
var entityKinds = []struct {
	word string
	kind kmsg.ConfigResourceType
}{
	{"topic", kmsg.ConfigResourceTypeTopic}, {"broker", kmsg.ConfigResourceTypeBroker},
	{"logger", kmsg.ConfigResourceTypeBrokerLogger},
}

// parseEntity reads an entity.
func parseEntity(text string) (entity, error) {
	word, name, ok := strings.Cut(text, "/")
	for _, k := range entityKinds {
		if !ok || k.word != word || name == "" {
			continue
		}
		e := entity{k.kind, name}
		if k.kind == kmsg.ConfigResourceTypeBroker && name == defaultBroker {
			e.name = ""
		} else if k.kind != kmsg.ConfigResourceTypeTopic {
			if _, err := strconv.ParseUint(name, 10, 31); err != nil {
				return e, cli.Usagef("got %q, expected %s/ID with a number", text, word)
			}
		}
		return e, nil
	}
	return entity{}, cli.Usagef("got %q, expected topic/NAME, broker/ID, broker/default or logger/ID", text)
}

// String writes the entity as it is read.
func (e entity) String() string {
	for _, k := range entityKinds {
		if k.kind == e.kind {
			return k.word + "/" + cmp.Or(e.name, defaultBroker)
		}
	}
	return e.kind.String() + "/" + e.name
}

// own returns the source of properties that are set on the entity itself.
func (e entity) own() kmsg.ConfigSource {
	switch {
	case e.kind == kmsg.ConfigResourceTypeTopic:
		return kmsg.ConfigSourceDynamicTopicConfig
	case e.kind == kmsg.ConfigResourceTypeBrokerLogger:
		return kmsg.ConfigSourceDynamicBrokerLoggerConfig
	case e.name == "":
		return kmsg.ConfigSourceDynamicDefaultBrokerConfig
	}
	return kmsg.ConfigSourceDynamicBrokerConfig
}

// parseEntities reads some entities, each once.
func parseEntities(texts []string) ([]entity, error) {
	var out []entity
	for _, text := range distinct(texts) {
		e, err := parseEntity(text)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// allEntities asks for everything that has properties: topics, then brokers, and the brokers' loggers if wanted.
func allEntities(ctx context.Context, admin *kadm.Client, loggers bool) ([]entity, error) {
	metadata, err := admin.Metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics and brokers: %w", err)
	}
	var out []entity
	for _, name := range metadata.Topics.Names() {
		out = append(out, entity{kmsg.ConfigResourceTypeTopic, name})
	}
	out = append(out, entity{kind: kmsg.ConfigResourceTypeBroker})
	kinds := []kmsg.ConfigResourceType{kmsg.ConfigResourceTypeBroker}
	if loggers {
		kinds = append(kinds, kmsg.ConfigResourceTypeBrokerLogger)
	}
	ids := metadata.Brokers.NodeIDs()
	slices.Sort(ids)
	for _, kind := range kinds {
		for _, id := range ids {
			out = append(out, entity{kind, strconv.Itoa(int(id))})
		}
	}
	return out, nil
}

// completeEntities offers entities for a command's first arguments, as many as most.
func completeEntities(f *clientFlags, most int) cobra.CompletionFunc {
	return completeNames(f, most, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		entities, err := allEntities(ctx, admin, true)
		names := make([]string, len(entities))
		for i, e := range entities {
			names[i] = e.String()
		}
		return names, err
	})
}
