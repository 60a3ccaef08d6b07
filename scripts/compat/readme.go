package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// The README's block stands between these lines.
const (
	blockBegin = "<!-- compat:begin -->"
	blockEnd   = "<!-- compat:end -->"
)

// summaries say in a few words what was done with each client. Those of scripts are named there.
var summaries = map[string]string{
	"ApiVersions": "versions of every API, asked in every version of the request",
	"kcat": "produces with every codec, keys, headers, nulls, acks and idempotence; consumes from every kind of " +
		"offset; metadata, offsets for times",
	"TopicCommand":         "create, list, describe, alter, delete, and what is refused",
	"ConsoleProducer":      "keys, headers, nulls, every codec, acks, auto-created topics",
	"ConsoleConsumer":      "`--partition` from any offset, with all that a record has",
	"ProducerPerformance":  "every codec, acks, idempotence, large records",
	"VerifiableProducer":   "acks all and 1, keys",
	"GetOffsetShell":       "every form of `--time`, filters",
	"ConfigCommand":        "topics, brokers, the brokers' defaults",
	"DeleteRecordsCommand": "to an offset, to the end, beyond it",
	"LogDirsCommand":       "sizes of partitions",
	"BrokerApiVersionsCommand, ClusterTool, FeatureCommand": "versions, cluster id, endpoints, features",
	"TransactionsCommand": "producers of a partition",
	laterTools:            "refused cleanly until gregor has them",
	"franz-go":            "produces in every codec and acks, consumes from every kind of offset",
	"directories":         "logs, indexes, snapshots, checkpoints are Kafka's bytes",
	"DumpLogSegments":     "reads gregor's files of every codec, in depth; complains of damaged ones",
	"Apache Kafka": "opens partitions that gregor wrote, after a clean stop and SIGKILL, and goes on; starts on " +
		"gregor's whole directory",
	"gregor":            "the same with partitions that Apache Kafka wrote; refuses its whole directory, for now",
	"known differences": "each that is listed shows",
}

// laterTools is the client, in the script, of all that gregor refuses.
const laterTools = "tools of groups, transactions and the quorum"

// block is the README's part, without the lines around it.
func (p page) block() string {
	var b strings.Builder
	each, all := p.rep.tallies()
	fmt.Fprintf(&b, "Unmodified clients against gregor and Apache Kafka %s in the same run, outputs compared "+
		"(`make compat`):\n%d checks, %d commands compared, %d failed.\n\n",
		kafkaVersion, all.checks, all.commands, all.failed)
	b.WriteString("| client | what was done | checks | result |\n|---|---|---|---|\n")
	for _, t := range each {
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n",
			cell(p.versioned(t.client)), cell(summaries[t.client]), t.checks, t.verdict())
	}
	fmt.Fprintf(&b, "\n%s\nEvery check, every difference that is meant and every API: "+
		"[docs/compatibility.md](docs/compatibility.md).\n", p.served())
	return b.String()
}

// versioned adds the version to a client's name, where it is not that of Apache Kafka's tools.
func (p page) versioned(client string) string {
	switch client {
	case "kcat":
		return client + " " + p.kcat
	case "franz-go":
		return client + " " + p.franz
	}
	return client
}

// writeBlock puts a block into a file, if there is one and it has the lines for it. It reports whether it did.
func writeBlock(file, block string) (bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	changed, ok := replaceBlock(string(text), block)
	if !ok {
		return false, nil
	}
	return true, os.WriteFile(file, []byte(changed), 0o644)
}

// replaceBlock replaces what stands between the two lines. Both must be there once, in this order.
func replaceBlock(text, block string) (string, bool) {
	before, rest, begun := strings.Cut(text, blockBegin+"\n")
	inside, after, ended := strings.Cut(rest, blockEnd)
	if !begun || !ended || strings.Contains(inside+after, blockBegin) || strings.Contains(before+after, blockEnd) {
		return text, false
	}
	return before + blockBegin + "\n" + block + blockEnd + after, true
}
