//go:build linux

// Package load drives a broker as hard as a client can: a producer that replays prebuilt Produce frames and a sink for
// Fetch responses. It works against any broker of Kafka's protocol and against the raw loops of package limit.
//
// # What makes it cheap
//
// A Produce frame is built once, with a batch whose CRC is valid; of each copy that is sent only the correlation id
// differs. The CRC does not cover base offset and leader epoch, and the batches are not idempotent, so a broker takes
// them any number of times. A response is compared with the first one, from which it may differ in correlation id
// and base offset alone. The sink reads what stands before the records, which must not change at all, and has the
// kernel drop the records themselves; every n-th response is read whole, and the CRC and the offsets of its batches
// are checked. So a change in the records of another response goes unseen; what a log holds is for [Verify] to say.
//
// # Closed loop
//
// Each connection keeps a fixed number of requests in flight and sends the next one when the oldest is answered, so
// what comes out is the highest rate for so many in flight. A latency here counts from the send, and says nothing of
// requests that a slow broker kept from being sent.
//
// # Open loop
//
// [EndToEnd] sends records at a fixed rate and has a consumer wait for them. Each latency counts from when its record
// was due to be sent, so a broker that stalls is charged for all that was due meanwhile, and not for one request alone.
// [Spread] with a rate is one too: each Produce request is sent when it is due, whatever became of those before it, and
// its latency counts from then. Of each of its answers, in either loop, the size, the correlation id, the topic's name
// and the error codes are checked, that the partitions are those that were asked for, each as often, in any order, and
// that a partition's base offsets follow each other without a gap, or by whole batches where several connections
// produce to it. Times and log start offsets are not looked at, and the answers of raw loops are zeros from the
// first one on.
package load
