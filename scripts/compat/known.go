package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// known is one difference in what tools print that is meant.
type known struct {
	// name is for messages; what and why are for the page.
	name, what, why string
	// gregor and kafka match the lines that only one of them prints. Groups of gregor's match may stand in kafka, as
	// $1.
	gregor *regexp.Regexp
	kafka  string
}

// differences are all that are meant.
var differences = []known{
	{
		name:   "own properties",
		what:   "ConfigCommand --describe --all shows gregor's own properties, `gregor.*`, beside Kafka's",
		why:    "they are settings of gregor",
		gregor: regexp.MustCompile(`^  gregor\.[a-z.]+=`),
	},
	{
		name: "own features",
		what: "FeatureCommand shows `metadata.version` alone; Kafka was formatted without " +
			"`eligible.leader.replicas.version`, which would give every topic a `min.insync.replicas` of its cluster",
		why:   "gregor has no consumer group protocol, transactions, share groups or eligible leader replicas yet",
		kafka: `^Feature: (group|kraft|share|streams|transaction|eligible\.leader\.replicas)\.version `,
	},
	{
		name:  "loggers",
		what:  "ConfigCommand shows `root` and gregor's own loggers of a broker; Kafka shows each of Log4j's",
		why:   "gregor has no Log4j",
		kafka: `^  [\w$]*[A-Z.][\w.$]*=(WARN|INFO|ERROR|DEBUG) sensitive=false synonyms=\{\}$`,
	},
	{
		name:   "voters",
		what:   "MetadataQuorumCommand shows no endpoint of the one voter",
		why:    "gregor opens no listener for controllers",
		gregor: regexp.MustCompile(`^(CurrentVoters): +\[\{"id": 1\}\]$`),
		kafka:  `^$1: +\[\{"id": 1, "endpoints": `,
	},
	{
		name:   "own APIs",
		what:   "BrokerApiVersionsCommand shows APIs as UNSUPPORTED that Kafka has",
		why:    "what is not served is not advertised; the table above has what is",
		gregor: regexp.MustCompile(`^\t(\w+\(\d+\)): UNSUPPORTED,?$`),
		kafka:  `^\t$1: `,
	},
}

// settle takes known differences out of both answers to one command and counts them.
func (w *world) settle(gregor, kafka string) (string, string) {
	if gregor == kafka {
		return gregor, kafka
	}
	g, k := strings.Split(gregor, "\n"), strings.Split(kafka, "\n")
	for _, d := range differences {
		var met int
		g, k, met = d.settle(g, k)
		w.met[d.name] += met
	}
	return strings.Join(g, "\n"), strings.Join(k, "\n")
}

// settle takes one known difference out of the lines, and returns how often it was there.
func (d known) settle(gregor, kafka []string) (g, k []string, met int) {
	patterns := []string{d.kafka}
	if d.gregor != nil {
		patterns = nil
		for _, line := range gregor {
			m := d.gregor.FindStringSubmatchIndex(line)
			if m == nil {
				g = append(g, line)
				continue
			}
			met++
			if d.kafka != "" {
				quoted := regexp.QuoteMeta(line[m[2]:m[3]])
				patterns = append(patterns, strings.ReplaceAll(d.kafka, "$1", quoted))
			}
		}
	} else {
		g = gregor
	}
	if len(patterns) == 0 {
		return g, kafka, met
	}
	pattern := regexp.MustCompile(strings.Join(patterns, "|"))
	for _, line := range kafka {
		if pattern.MatchString(line) {
			met++
		} else {
			k = append(k, line)
		}
	}
	return g, k, met
}

// checkKnown finds known differences that did not show: the table must not outlive its reasons.
func (w *world) checkKnown() {
	w.rep.check(context.Background(), "known differences", "each that is listed shows", func(context.Context) error {
		var errs []error
		for _, d := range differences {
			if w.met[d.name] == 0 {
				errs = append(errs, fmt.Errorf("%s: no command showed it: take it out of the table", d.name))
			}
		}
		return errors.Join(errs...)
	})
}
