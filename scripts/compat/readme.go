package main

import (
	"fmt"
	"strings"
)

// blockName is the name of the README's generated part.
const blockName = "compat"

// summaries say in a few words what was done with each client. Those of scripts are named there.
var summaries = map[string]string{
	"ApiVersions": "versions of every API, asked in every version of the request",
	"kcat": "produces with every codec, keys, headers, nulls, acks and idempotence; consumes from every kind of " +
		"offset; metadata, offsets for times; groups",
	"TopicCommand":              "create, list, describe, alter, delete, and what is refused",
	"ConsoleProducer":           "keys, headers, nulls, every codec, acks, auto-created topics",
	"ConsoleConsumer":           "`--partition` from any offset, with all that a record has; groups, patterns",
	"ProducerPerformance":       "every codec, acks, idempotence, large records",
	"VerifiableProducer":        "acks all and 1, keys",
	"GetOffsetShell":            "every form of `--time`, filters",
	"VerifiableConsumer":        "groups, static members, commits of its own and automatic ones",
	"ConsumerPerformance":       "a group",
	"ConsumerGroupCommand":      "list, describe, reset in eight modes, delete; with members and without",
	"GroupsCommand":             "list, by type and protocol",
	"ConfigCommand":             "topics, brokers, the brokers' defaults, levels of loggers",
	"DeleteRecordsCommand":      "to an offset, to the end, beyond it; below and above a group's offsets",
	"LeaderElectionCommand":     "preferred and unclean; what does not exist",
	"ReassignPartitionsCommand": "propose, execute, verify, cancel, list; between log directories",
	"MetadataQuorumCommand":     "status, replication",
	"FeatureCommand":            "dry runs, what cannot be changed",
	"LogDirsCommand":            "sizes of partitions",
	"BrokerApiVersionsCommand, ClusterTool, FeatureCommand": "versions, cluster id, endpoints, features",
	"Connect":             "standalone, file source and sink, with a restart in between",
	"Streams":             "a word count with repartition and changelog topics, restarted without its state in between",
	"TransactionsCommand": "producers of a partition",
	laterTools:            "refused cleanly until gregor has them",
	"franz-go":            "produces in every codec and acks, consumes from every kind of offset",
	"directories":         "logs, indexes, snapshots, checkpoints are Kafka's bytes",
	"DumpLogSegments":     "reads gregor's files and log of groups, in depth; complains of damaged ones",
	"Apache Kafka": "opens partitions and groups that gregor wrote, after a clean stop and SIGKILL, and goes on; " +
		"starts on gregor's whole directory",
	"gregor":            "the same with those that Apache Kafka wrote; refuses its whole directory, for now",
	"known differences": "each that is listed shows",
}

// laterTools is the client, in the script, of all that gregor refuses.
const laterTools = "tools of transactions, quotas and clusters"

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
