package group

import "github.com/twmb/franz-go/pkg/kerr"

// noCode is Kafka's code for no error.
const noCode int16 = 0

// clientCode turns the code of an append into the one that clients of a coordinator are told, as Kafka's coordinator
// does: they ask again, look for the coordinator anew, or give up.
func clientCode(code int16) int16 {
	switch code {
	case kerr.UnknownTopicOrPartition.Code, kerr.NotEnoughReplicas.Code, kerr.NotEnoughReplicasAfterAppend.Code,
		kerr.RequestTimedOut.Code:
		return kerr.CoordinatorNotAvailable.Code
	case kerr.NotLeaderForPartition.Code, kerr.KafkaStorageError.Code:
		return kerr.NotCoordinator.Code
	case kerr.MessageTooLarge.Code, kerr.RecordListTooLarge.Code, kerr.InvalidFetchSize.Code:
		return kerr.UnknownServerError.Code
	case kerr.NetworkException.Code:
		return kerr.CoordinatorLoadInProgress.Code
	}
	return code
}
