// Package meta is the cluster's metadata as a pure machine: records in, immutable image out. It reads no clock, draws
// no randomness, writes no file; whoever stores and orders the records is outside.
//
// # The idea
//
// There is one log of metadata records and one writer, the controller. A command (create this topic, set that config)
// is a question put to an image: Decide answers with the records that carry the command out, or with Kafka's error.
// The records go to the log, and once they are committed every broker applies them to its own image, in log order.
// Since Apply is a function of image and records alone, all brokers hold the same image at the same offset.
//
//	command + image --Decide--> records --log--> Apply + image --> next image + delta
//
// An Image never changes. Deriving the next one copies the paths from the changed leaves to the roots of a few ordered
// trees, so creating the ten-thousandth topic costs as little as the tenth, readers need no lock, and a driver may keep
// an old image as long as it likes.
//
// # The driver's duties
//
//  1. At start, read the log and Apply each batch to the image, beginning with NewImage (Position tells how far).
//  2. The writer makes a Controller from the committed image. Controller.Do decides a command against the speculative
//     image, which already holds what was decided before and is still on its way to the log.
//  3. Append the records of the returned Batch, in the order of the calls to Do, atomically: all of a batch or nothing.
//  4. When they are committed, Apply them to the committed image and act on the Delta: open logs of partitions that
//     appeared, drop those of topics that went, push new configs. Answer the client only now.
//  5. If an append fails or the writer loses its office, Controller.Reset to the committed image: what was decided and
//     not committed never happened, and its clients are told so.
//  6. Draw topic ids and seeds of placement outside and pass them in, so that a run can be repeated.
//
// # The record format
//
// Values are those of Kafka's own __cluster_metadata topic, so that kafka-dump-log --cluster-metadata-decoder prints
// them; keys are null. Numbers are big-endian, uvarint is the unsigned LEB128 of Kafka's flexible versions.
//
//	value    uvarint frame version (1) | uvarint type | uvarint version | body
//	body     the fields in the order of the schema | tagged fields
//	string   uvarint length+1 (0 is null) | UTF-8, at most 32767 bytes
//	array    uvarint count+1 (0 is null) | elements; an element that is a struct ends in its own tagged fields
//	uuid     16 bytes
//	tagged   uvarint count | count times: uvarint tag | uvarint size | size bytes, by rising tag
//
// A tagged field that holds its default value is left out; an unknown one is skipped. A TopicRecord is
//
//	01 02 00 | 04 66 6f 6f | 16 bytes of topic id | 00
//	frame 1, type 2, version 0 | "foo" | id | no tagged fields
//
// Schemas: the JSON files in kafka-metadata-4.3.1.jar under common/metadata. KIP-631 (KRaft), KIP-858 (directories),
// KIP-966 (ELR), KIP-1066 (cordoned directories).
package meta
