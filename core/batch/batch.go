// Package batch reads, checks, builds and rewrites Kafka's record batches, format v2 ("magic 2"): the unit that
// producers send, that a segment stores, and that consumers get back byte for byte.
//
// A batch is a header of 61 bytes and its records. All integers are big-endian.
//
//	byte  0        8        12       16 17     21   23       27       35       43       51   53       57       61
//	      +--------+--------+--------+--+------+----+--------+--------+--------+--------+----+--------+--------+------
//	      |  base  | length | leader |m |  CRC |attr| last   |  base  |  max   |producer|pid | base   | record | rec
//	      | offset |        | epoch  |2 |      |    | offset | times- | times- |   id   |ep. | seq.   | count  | ords
//	      |   i64  |  i32   |  i32   |i8|  u32 |i16 | delta  | tamp   | tamp   |  i64   |i16 |  i32   |  i32   |
//	      +--------+--------+--------+--+------+----+--------+--------+--------+--------+----+--------+--------+------
//	                        '---------------- length counts from here to the end --------------------------------->
//	      '------ outside the CRC -----'       '------------ inside the CRC-32C (Castagnoli) --------------------->
//
// The base offset and the leader epoch lie outside the CRC, and these two are all that a leader must set when it
// appends: the bytes of a client are stored as they came, after twelve of them were overwritten, without a second pass
// over the records. Only a topic with LogAppendTime, or a client that named a wrong largest timestamp, costs a new CRC.
//
// The attribute bits (16, of which Kafka uses the lower seven):
//
//	bits 0-2  codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd
//	bit  3    timestamp type: 0 CreateTime, 1 LogAppendTime (then the largest timestamp is every record's)
//	bit  4    transactional
//	bit  5    control: the records are markers and never reach an application
//	bit  6    delete horizon: the base timestamp says when tombstones and markers may go (KIP-534)
//
// The last offset delta also counts sequence numbers: the last record's sequence is base sequence + delta, modulo 2^31.
// Compaction keeps base offset, last offset delta and base sequence, so a compacted batch has gaps or no records at
// all.
//
// # Records
//
// The count stays in the header; everything after it is compressed as one stream if there is a codec. Inflated, the
// records stand back to back. Lengths and deltas are zigzag varints: 7 bits a byte, lowest first, at most 5 bytes for
// 32 bits and 10 for 64.
//
//	+--------+----+----------+---------+--------+-----+--------+-------+---------+--------------------------------+
//	| length |attr|timestamp | offset  |  key   | key | value  | value | header  | headers: each a key length,    |
//	| varint | i8 |delta     | delta   | length |     | length |       | count   | the key, a value length, value |
//	|        | =0 |varlong   | varint  | varint |     | varint |       | varint  |                                |
//	+--------+----+----------+---------+--------+-----+--------+-------+---------+--------------------------------+
//	          '--------------------------- length counts these bytes ---------------------------------------------'
//
// A negative length is a null key or value; a header's value may be null, its key may not.
//
// # Compressed streams
//
// gzip is RFC 1952, several members allowed. lz4 is the LZ4 frame format with independent blocks. zstd is RFC 8878.
// snappy comes in two framings: librdkafka and Go clients send one raw snappy block, Java sends (and wants) the xerial
// stream, which this package writes too:
//
//	+----------------------+-----------+--------------+ +----------+-----------------+ +----------+------
//	| 82 53 4e 41 50 50 59 | version 1 | compatible 1 | | size i32 | raw snappy block| | size i32 | ...
//	| 00                   |  i32      |  i32         | |          | of 32 KiB       | |          |
//	+----------------------+-----------+--------------+ +----------+-----------------+ +----------+------
//
// # Trust
//
// Nothing here trusts a length. The codecs inflate as streams into pooled buffers; checking keeps a window of the
// inflated bytes and never the whole; a limit on their sum stops decompression bombs. Validate decides as Kafka's
// LogValidator does, with the same error code for the same defect. It is stricter where Kafka would store what some
// consumer cannot read, or what contradicts itself:
//
//   - a compressed record whose length field is wrong, bytes after the end of a gzip or lz4 stream, and an lz4 frame
//     after the first are refused (Kafka's validator skips over them);
//   - offset deltas other than 0, 1, 2 and so on are INVALID_RECORD (Kafka stores an uncompressed batch with offsets
//     that repeat or jump, and fails with UNKNOWN_SERVER_ERROR on a compressed one);
//   - the LogAppendTime bit from a client is refused always (Kafka lets it pass on CreateTime topics when the header's
//     largest timestamp is in range, and then stores a header that disagrees with its records).
//
// Some of Kafka's UNKNOWN_SERVER_ERRORs are Java exceptions that nobody planned. Those got the code that their sense
// demands: an unknown codec is UNSUPPORTED_COMPRESSION_TYPE, an overlong varint or an absurd length INVALID_RECORD; and
// a batch that Kafka's builder fails to recompress (a negative timestamp, a transaction without producer id) is
// recompressed.
//
// # Reading order
//
// header.go (the view), varint.go and record.go (one record), inflate.go with snappy.go and lz4.go (codecs, reading),
// records.go (the iterator), validate.go and walk.go (the produce path), deflate.go (codecs, writing), builder.go,
// rebuild.go, control.go.
package batch
