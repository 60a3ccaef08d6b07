package main

import "time"

// tools is the package of Kafka's tools, with the consumer of the newest ones.
const (
	tools           = "org.apache.kafka.tools."
	consoleConsumer = tools + "consumer.ConsoleConsumer"
)

// javaSteps are the cases of a version, in their order: later ones read what earlier ones wrote.
var javaSteps = []javaStep{
	{"producer", time.Minute, func(l *ladder) []string {
		return l.produce(l.topic, "2000")
	}, producedAll},
	{"consumer", time.Minute, func(l *ladder) []string {
		return l.consume("classic-" + l.topic)
	}, consumedAll},
	{"txn-seed", time.Minute, func(l *ladder) []string {
		return l.produce(l.topic+"-in", "-1")
	}, producedAll},
	{"txn-copier", 2 * time.Minute, func(l *ladder) []string {
		return l.copy("copier", "0")
	}, copiedAll},
	{"txn-copier-output", time.Minute, func(l *ladder) []string {
		return l.output("copier")
	}, numbersAll},
	{"txn-aborts", 2 * time.Minute, func(l *ladder) []string {
		return l.copy("aborts", "0", "--enable-random-aborts")
	}, copiedAll},
	{"txn-aborts-output", time.Minute, func(l *ladder) []string {
		return l.output("aborts")
	}, numbersAll},
	{"compat", 90 * time.Second, (*ladder).compatibility, nothing},
	{"consumer-848", time.Minute, func(l *ladder) []string {
		return append(l.consume("consumer-"+l.topic), "--group-protocol", "consumer")
	}, consumedAll},
	{"copier-group", 2 * time.Minute, func(l *ladder) []string {
		return l.copy("group", "-1", "--use-group-metadata", "--group-mode", "--enable-random-aborts")
	}, copiedAll},
	{"copier-group-output", time.Minute, func(l *ladder) []string {
		return l.output("group")
	}, numbersAll},
}

// bootstrap names the broker to the verifiable tools as the version wants it.
func (l *ladder) bootstrap() []string {
	if !l.since("2.8.2") {
		return []string{"--broker-list", l.address}
	}
	return []string{"--bootstrap-server", l.address}
}

func (l *ladder) produce(topic, throughput string) []string {
	return append(append([]string{tools + "VerifiableProducer"}, l.bootstrap()...),
		"--topic", topic, "--max-messages", "1000", "--acks", "-1", "--throughput", throughput)
}

func (l *ladder) consume(group string) []string {
	return append(append([]string{tools + "VerifiableConsumer"}, l.bootstrap()...),
		"--topic", l.topic, "--group-id", group, "--max-messages", "1000", "--verbose", "--reset-policy", "earliest")
}

// copy copies the source in transactions of 100 records.
func (l *ladder) copy(to, partition string, more ...string) []string {
	args := []string{
		tools + "TransactionalMessageCopier", "--broker-list", l.address, "--input-topic", l.topic + "-in",
		"--input-partition", partition, "--output-topic", l.topic + "-" + to,
		"--transactional-id", "transactions-" + l.topic + "-" + to, "--consumer-group", "copy-" + l.topic + "-" + to,
		"--transaction-size", "100",
	}
	if l.since("2.8.2") {
		args = append(args, "--transaction-timeout", "40000")
	}
	return append(args, more...)
}

// output reads what was copied and committed. The consumer is the newest version's: the oldest have theirs elsewhere.
func (l *ladder) output(of string) []string {
	return []string{
		consoleConsumer, "--bootstrap-server", l.address, "--topic", l.topic + "-" + of, "--from-beginning",
		"--timeout-ms", "2500", "--isolation-level", "read_committed",
	}
}

// compatibility tells ClientCompatibilityTest what the broker supports.
func (l *ladder) compatibility() []string {
	acls := "False"
	if l.acls {
		acls = "True"
	}
	args := []string{
		tools + "ClientCompatibilityTest", "--topic", l.topic + "-compat", "--bootstrap-server", l.address,
		"--offsets-for-times-supported", "True", "--cluster-id-supported", "True",
		"--expect-record-too-large-exception", "False", "--num-cluster-nodes", "1",
		"--create-topics-supported", "True", "--describe-acls-supported", acls,
	}
	if l.since("2.8.2") {
		args = append(args, "--describe-configs-supported", "True")
	}
	if l.since("3.3.2") {
		args = append(args, "--idempotent-producer-supported", "True")
	}
	return args
}
