package broker

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
)

// Kafka's error codes that the hot path answers with; all others are taken from kerr where they are used.
var (
	kafkaStorageError   = kerr.KafkaStorageError.Code
	fencedLeaderEpoch   = kerr.FencedLeaderEpoch.Code
	unknownLeaderEpoch  = kerr.UnknownLeaderEpoch.Code
	unknownTopic        = kerr.UnknownTopicOrPartition.Code
	unknownTopicID      = kerr.UnknownTopicID.Code
	notLeader           = kerr.NotLeaderForPartition.Code
	requestTimedOut     = kerr.RequestTimedOut.Code
	offsetOutOfRange    = kerr.OffsetOutOfRange.Code
	invalidRequiredAcks = kerr.InvalidRequiredAcks.Code
	invalidTopic        = kerr.InvalidTopicException.Code
	notEnoughReplicas   = kerr.NotEnoughReplicas.Code
	unsupportedCodec    = kerr.UnsupportedCompressionType.Code
	corruptMessage      = kerr.CorruptMessage.Code
	messageTooLarge     = kerr.MessageTooLarge.Code
	recordListTooLarge  = kerr.RecordListTooLarge.Code
	unknownServerError  = kerr.UnknownServerError.Code
	noCode              = int16(0)

	// Without a transaction coordinator, no transactional id is known.
	invalidProducerIDMapping = kerr.InvalidProducerIDMapping.Code
	transactionalIDDenied    = kerr.TransactionalIDAuthorizationFailed.Code
)

// codes maps the errors of the layers below to what Kafka answers. The first that matches counts.
var codes = []struct {
	err  error
	code int16
}{
	{commitlog.ErrOffline, kerr.KafkaStorageError.Code},
	{commitlog.ErrOffsetOutOfRange, kerr.OffsetOutOfRange.Code},
	{commitlog.ErrTooLargeForSegment, kerr.RecordListTooLarge.Code},
	{commitlog.ErrOutOfOrderSequence, kerr.OutOfOrderSequenceNumber.Code},
	{commitlog.ErrStaleProducerEpoch, kerr.InvalidProducerEpoch.Code},
	{batch.ErrCorrupt, kerr.CorruptMessage.Code},
	{batch.ErrShort, kerr.CorruptMessage.Code},
	{batch.ErrTooLarge, kerr.MessageTooLarge.Code},
	{batch.ErrInvalidTimestamp, kerr.InvalidTimestamp.Code},
	{batch.ErrUnsupportedCodec, kerr.UnsupportedCompressionType.Code},
	{batch.ErrInvalidRecord, kerr.InvalidRecord.Code},
}

// codeOf returns the code that Kafka answers an error of the layers below with.
func codeOf(err error) int16 {
	if err == nil {
		return noCode
	}
	var c *codedError
	if errors.As(err, &c) {
		return c.code
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return unknownServerError
}

// codedError is an error of this package with its code.
type codedError struct {
	code    int16
	message string
}

func (e *codedError) Error() string {
	return e.message
}

// coded returns an error that is answered with the given code.
func coded(code int16, format string, args ...any) error {
	return &codedError{code: code, message: fmt.Sprintf(format, args...)}
}
