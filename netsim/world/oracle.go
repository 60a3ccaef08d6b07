package world

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

// oracle judges every answer by itself: that it is one, and that its error codes are among those that its API may give.
type oracle struct {
	w *World
	// allowed says which codes an API may answer; code -1 lies at 0.
	allowed  [wire.MaxKey + 1]codeSet
	answers  int
	timeouts int
}

// codeSet is a set of error codes from -1 to 254.
type codeSet [4]uint64

func (s *codeSet) add(code int16) {
	s[(code+1)/64] |= 1 << ((code + 1) % 64)
}

func (s *codeSet) has(code int16) bool {
	return code >= -1 && code < 255 && s[(code+1)/64]&(1<<((code+1)%64)) != 0
}

// The codes that each API may give to clients that send nothing wrong, besides NONE. What a wrong request gets, its
// sender expects by itself (Oracle.Expect).
var allowedCodes = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce: {
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.KafkaStorageError, kerr.RequestTimedOut,
		kerr.OutOfOrderSequenceNumber, kerr.CorruptMessage, kerr.InvalidTimestamp, kerr.RecordListTooLarge,
	},
	kmsg.Fetch: {
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.KafkaStorageError, kerr.OffsetOutOfRange,
		kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.FetchSessionIDNotFound, kerr.InvalidFetchSessionEpoch,
	},
	kmsg.ListOffsets: {
		kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch,
	},
	kmsg.Metadata: {
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.KafkaStorageError, kerr.LeaderNotAvailable,
	},
	kmsg.ApiVersions:          {kerr.UnsupportedVersion},
	kmsg.FindCoordinator:      {kerr.CoordinatorNotAvailable},
	kmsg.CreateTopics:         {kerr.TopicAlreadyExists, kerr.KafkaStorageError},
	kmsg.DeleteTopics:         {kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.KafkaStorageError},
	kmsg.DeleteRecords:        {kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.OffsetOutOfRange},
	kmsg.InitProducerID:       {kerr.KafkaStorageError},
	kmsg.OffsetForLeaderEpoch: {kerr.UnknownTopicOrPartition, kerr.KafkaStorageError},
	kmsg.DescribeConfigs:      {kerr.UnknownTopicOrPartition},
	kmsg.AlterConfigs:         {kerr.UnknownTopicOrPartition, kerr.KafkaStorageError},
	kmsg.IncrementalAlterConfigs: {
		kerr.UnknownTopicOrPartition, kerr.KafkaStorageError,
	},
	kmsg.CreatePartitions:        {kerr.UnknownTopicOrPartition, kerr.KafkaStorageError},
	kmsg.DescribeLogDirs:         {kerr.KafkaStorageError},
	kmsg.DescribeCluster:         {},
	kmsg.DescribeProducers:       {kerr.UnknownTopicOrPartition, kerr.KafkaStorageError},
	kmsg.ListConfigResources:     {},
	kmsg.DescribeTopicPartitions: {kerr.UnknownTopicOrPartition},
	kmsg.JoinGroup: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownMemberID,
		kerr.MemberIDRequired, kerr.FencedInstanceID, kerr.RebalanceInProgress, kerr.InconsistentGroupProtocol,
	},
	kmsg.SyncGroup: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownMemberID,
		kerr.IllegalGeneration, kerr.FencedInstanceID, kerr.RebalanceInProgress,
	},
	kmsg.Heartbeat: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownMemberID,
		kerr.IllegalGeneration, kerr.FencedInstanceID, kerr.RebalanceInProgress,
	},
	kmsg.LeaveGroup: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownMemberID,
		kerr.FencedInstanceID,
	},
	kmsg.OffsetCommit: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownMemberID,
		kerr.IllegalGeneration, kerr.FencedInstanceID, kerr.RebalanceInProgress, kerr.UnknownTopicOrPartition,
		kerr.UnknownTopicID, kerr.GroupIDNotFound,
	},
	kmsg.OffsetFetch: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.UnknownTopicID,
	},
	kmsg.ListGroups: {kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator},
	kmsg.DescribeGroups: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.GroupIDNotFound,
	},
	kmsg.DeleteGroups: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.GroupIDNotFound,
		kerr.NonEmptyGroup,
	},
	kmsg.OffsetDelete: {
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.GroupIDNotFound,
		kerr.NonEmptyGroup, kerr.GroupSubscribedToTopic, kerr.UnknownTopicOrPartition,
	},
}

func (o *oracle) init(w *World) {
	o.w = w
	for key := range o.allowed {
		if codes, ok := allowedCodes[kmsg.Key(key)]; ok {
			o.allowed[key].add(0)
			for _, c := range codes {
				o.allowed[key].add(c.Code)
			}
		}
	}
}

// decode judges one response and returns it, or nil if it is none. The response belongs to the client and is valid
// until its next answer of the same API.
func (o *oracle) decode(c *Client, r *Request, frame []byte) kmsg.Response {
	if got := int32(binary.BigEndian.Uint32(frame)); got != r.Correlation {
		o.w.violate("wrong-answer", "%s: got correlation id %d, expected %d, for %s version %d", c.name, got,
			r.Correlation,
			kmsg.Key(r.Key).Name(), r.Version)
		return nil
	}
	body := frame[4:]
	if wire.FlexibleHeader(r.Key, r.Version) {
		if len(body) == 0 || body[0] != 0 {
			o.w.violate("bad-answer", "%s: %s version %d: got a header with tags, expected none", c.name,
				kmsg.Key(r.Key).Name(), r.Version)
			return nil
		}
		body = body[1:]
	}
	res := c.answers[r.Key]
	res.SetVersion(r.Version)
	if err := res.ReadFrom(body); err != nil {
		o.w.violate("bad-answer", "%s: %s version %d of %d bytes does not decode: %v", c.name, kmsg.Key(r.Key).Name(),
			r.Version, len(body), err)
		return nil
	}
	if o.answers++; o.answers%sampled == 0 {
		if again := res.AppendTo(nil); !bytes.Equal(again, body) {
			o.w.violate("bad-answer", "%s: %s version %d: got %d bytes, and they decode to a message of %d", c.name,
				kmsg.Key(r.Key).Name(), r.Version, len(body), len(again))
		}
	}
	troubled := r.Fence.node.trouble(r.Fence.life).failed
	eachCode(res, func(code int16) {
		switch {
		case code == 0:
		case !o.allowed[r.Key].has(code):
			o.w.violate("error-code", "%s: %s version %d answers %s", c.name, kmsg.Key(r.Key).Name(), r.Version,
				codeName(code))
		case (code == kerr.KafkaStorageError.Code || code == kerr.LeaderNotAvailable.Code) && !troubled:
			o.w.violate("error-code", "%s: %s version %d answers %s, and the disk had not failed", c.name,
				kmsg.Key(r.Key).Name(), r.Version, codeName(code))
		}
	})
	return res
}

// sampled is one in how many answers is encoded again and compared, byte by byte.
const sampled = 16

func codeName(code int16) string {
	if e := kerr.TypedErrorForCode(code); e != nil {
		return e.Message
	}
	return "NONE"
}

// shortSpan judges that a broker could not finish a reply because a file did not hold what it should.
func (o *oracle) shortSpan(c *Conn, err error) {
	if t := c.node.trouble(c.life); !t.failed && !t.dropped {
		o.w.violate("short-span", "node %d cannot read what it was about to send: %v", c.node.opts.ID, err)
	}
}
