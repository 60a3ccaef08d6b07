package world

import "github.com/twmb/franz-go/pkg/kmsg"

// eachGroupCode visits the error codes of a response of a coordinator of groups.
func eachGroupCode(res kmsg.Response, visit func(int16)) {
	switch r := res.(type) {
	case *kmsg.JoinGroupResponse:
		visit(r.ErrorCode)
	case *kmsg.SyncGroupResponse:
		visit(r.ErrorCode)
	case *kmsg.HeartbeatResponse:
		visit(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		visit(r.ErrorCode)
		for i := range r.Members {
			visit(r.Members[i].ErrorCode)
		}
	case *kmsg.ListGroupsResponse:
		visit(r.ErrorCode)
	case *kmsg.DescribeGroupsResponse:
		for i := range r.Groups {
			visit(r.Groups[i].ErrorCode)
		}
	case *kmsg.DeleteGroupsResponse:
		for i := range r.Groups {
			visit(r.Groups[i].ErrorCode)
		}
	default:
		eachOffsetCode(res, visit)
	}
}

// eachOffsetCode visits the error codes of a response about committed offsets.
func eachOffsetCode(res kmsg.Response, visit func(int16)) {
	switch r := res.(type) {
	case *kmsg.OffsetCommitResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.OffsetFetchResponse:
		visit(r.ErrorCode)
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
		for i := range r.Groups {
			visit(r.Groups[i].ErrorCode)
			for j := range r.Groups[i].Topics {
				for k := range r.Groups[i].Topics[j].Partitions {
					visit(r.Groups[i].Topics[j].Partitions[k].ErrorCode)
				}
			}
		}
	case *kmsg.OffsetDeleteResponse:
		visit(r.ErrorCode)
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	}
}
