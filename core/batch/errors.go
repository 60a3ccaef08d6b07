package batch

import (
	"errors"
	"fmt"
)

// The classes of error that a batch can be refused with, one for each error code that Kafka answers. Every error of
// this package that data can cause wraps exactly one of them, except ErrShort, and says what was got and what was
// expected.
var (
	// ErrCorrupt is CORRUPT_MESSAGE (2), which clients retry: the bytes are not those that were sent.
	ErrCorrupt = errors.New("corrupt batch")
	// ErrTooLarge is MESSAGE_TOO_LARGE (10): the batch is larger than max.message.bytes, as it came or rewritten.
	ErrTooLarge = errors.New("batch is too large")
	// ErrInvalidTimestamp is INVALID_TIMESTAMP (32).
	ErrInvalidTimestamp = errors.New("invalid timestamp")
	// ErrUnsupportedCodec is UNSUPPORTED_COMPRESSION_TYPE (76): a codec number that names none.
	ErrUnsupportedCodec = errors.New("unsupported compression type")
	// ErrInvalidRecord is INVALID_RECORD (87): intact bytes that break a rule of the format or of the topic.
	ErrInvalidRecord = errors.New("invalid record")
	// ErrUndecodable is UNKNOWN_SERVER_ERROR (-1), which is what Kafka answers when the codec rejects the stream.
	ErrUndecodable = errors.New("compressed records cannot be decoded")
)

// Finer errors, each within one of the classes above.
var (
	// ErrBadLength reports a length field below the smallest possible one or beyond what is allowed.
	ErrBadLength = fmt.Errorf("%w: bad length", ErrCorrupt)
	// ErrOldMagic reports a v0 or v1 message set, which Kafka 4 no longer reads either (KIP-896, KIP-724).
	ErrOldMagic = fmt.Errorf("%w: message format v0 or v1 is not supported", ErrInvalidRecord)
	// ErrBadMagic reports a magic byte of no known version.
	ErrBadMagic = fmt.Errorf("%w: unknown magic", ErrCorrupt)
	// ErrCRC reports that the bytes from the attributes on do not match the batch's CRC-32C.
	ErrCRC = fmt.Errorf("%w: CRC-32C mismatch", ErrCorrupt)
	// ErrInflated reports records that inflate to more than the limit: a decompression bomb, or a limit set too low.
	ErrInflated = fmt.Errorf("%w: inflates beyond the limit", ErrTooLarge)
)

// ErrShort reports fewer bytes than the header or the length field asks for: at a log's end, a torn batch. It is of no
// class, as its meaning depends on where the bytes come from.
var ErrShort = errors.New("batch is cut short")
