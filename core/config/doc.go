// Package config is the one source of what gregor knows about Kafka's properties: their names, types, defaults, valid
// values, synonyms and documentation, whether they may change while the broker runs, and what gregor does with each.
// It reads no files: the command line hands in pairs of names and values, and the metadata image hands in what clients
// have altered.
//
// The tables (the files keys_*.go) hold every property of Apache Kafka 4.3 for topics and brokers. A test compares
// them, default by default, with testdata/keys.tsv, which was read out of Kafka's own ConfigDefs. Everything else is
// derived from them: parsing (ParseBroker), validation (ValidateTopic, AlterTopic, AlterBroker), the answers to
// DescribeConfigs (Broker.Describe and its siblings) and the tables of the documentation (Markdown).
//
// # Layers
//
// A value is looked up from the strongest source to the weakest (KIP-226):
//
//	TOPIC_CONFIG                    a topic's own override           retention.ms
//	DYNAMIC_BROKER_CONFIG           altered for this broker          log.retention.ms
//	DYNAMIC_DEFAULT_BROKER_CONFIG   altered for all brokers          log.retention.ms
//	STATIC_BROKER_CONFIG            server.properties                log.retention.ms, .minutes, .hours
//	DEFAULT_CONFIG                  this package's tables            log.retention.hours=168
//
// A topic's property takes its default from a broker's property of another name, and a broker's property may have
// synonyms in other units, of which the first that is set counts. As in Kafka, a dynamic value drives out all
// synonyms of its name from the weaker layers before it takes its place: with log.retention.ms altered dynamically,
// log.retention.minutes of server.properties is worth nothing any more.
//
// A Broker holds all layers below the topic's, resolved to typed values, and never changes: a dynamic change makes a
// new Broker with With. So a reader needs no lock, and keeps a consistent set.
//
// # Text
//
// Values are kept as the text they were given as, since that is what Kafka stores and describes. They are parsed with
// Kafka's rules: blanks around are cut; integers are decimal with an optional sign; lists are separated by commas,
// with blanks around each element cut; lists that must be of known values drop repeated ones. Errors that reach a
// client carry Kafka's wording to the letter, since tools and tests match it.
//
// Results come sorted by name. (Kafka's order in DescribeConfigs is that of a Java hash table and means nothing.)
package config
