package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The records of internal topics cannot be deleted, and the metadata's own topic cannot be made, whatever else is wrong
// with the request (the `internal` script has Kafka's answers).
func TestInternalTopicsAreProtected(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{
		"__consumer_offsets", "__transaction_state", "__share_group_state", "__not_internal",
	} {
		h.create(name, 1)
		want := kerr.InvalidTopicException.Code
		if name == "__not_internal" {
			want = 0
		}
		req := kmsg.NewPtrDeleteRecordsRequest()
		asked := kmsg.NewDeleteRecordsRequestTopic()
		asked.Topic = name
		asked.Partitions = []kmsg.DeleteRecordsRequestTopicPartition{{Offset: -1}}
		req.Topics = append(req.Topics, asked)
		got := ask[*kmsg.DeleteRecordsResponse](h, 2, req).Topics[0].Partitions[0]
		if got.ErrorCode != want || want != 0 && got.LowWatermark != -1 {
			t.Errorf("%s: got code %d and low watermark %d, expected code %d", name, got.ErrorCode, got.LowWatermark,
				want)
		}
	}
	for _, dry := range []bool{true, false} {
		req := createRequest("__cluster_metadata", map[string]string{"no.such": "1"})
		req.Topics[0].NumPartitions, req.ValidateOnly = 11_000, dry
		got := ask[*kmsg.CreateTopicsResponse](h, 7, req).Topics[0]
		if got.ErrorCode != kerr.InvalidRequest.Code || got.ErrorMessage == nil ||
			*got.ErrorMessage != "Creation of internal topic __cluster_metadata is prohibited." {
			t.Errorf("dry %t: got %+v", dry, got)
		}
	}
}
