package world

import "github.com/twmb/franz-go/pkg/kmsg"

// eachCode visits the error codes of a response.
func eachCode(res kmsg.Response, visit func(int16)) {
	switch r := res.(type) {
	case *kmsg.ProduceResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.FetchResponse:
		visit(r.ErrorCode)
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.ListOffsetsResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.MetadataResponse:
		visit(r.ErrorCode)
		for i := range r.Topics {
			visit(r.Topics[i].ErrorCode)
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.DeleteRecordsResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.OffsetForLeaderEpochResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	case *kmsg.DescribeProducersResponse:
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				visit(r.Topics[i].Partitions[j].ErrorCode)
			}
		}
	default:
		eachTopCode(res, visit)
		eachGroupCode(res, visit)
	}
}

// eachTopCode visits the error codes of a response whose codes are not by partition.
func eachTopCode(res kmsg.Response, visit func(int16)) {
	switch r := res.(type) {
	case *kmsg.ApiVersionsResponse:
		visit(r.ErrorCode)
	case *kmsg.InitProducerIDResponse:
		visit(r.ErrorCode)
	case *kmsg.DescribeClusterResponse:
		visit(r.ErrorCode)
	case *kmsg.ListConfigResourcesResponse:
		visit(r.ErrorCode)
	case *kmsg.FindCoordinatorResponse:
		visit(r.ErrorCode)
		for i := range r.Coordinators {
			visit(r.Coordinators[i].ErrorCode)
		}
	case *kmsg.CreateTopicsResponse:
		for i := range r.Topics {
			visit(r.Topics[i].ErrorCode)
		}
	case *kmsg.DeleteTopicsResponse:
		for i := range r.Topics {
			visit(r.Topics[i].ErrorCode)
		}
	case *kmsg.CreatePartitionsResponse:
		for i := range r.Topics {
			visit(r.Topics[i].ErrorCode)
		}
	case *kmsg.DescribeConfigsResponse:
		for i := range r.Resources {
			visit(r.Resources[i].ErrorCode)
		}
	case *kmsg.AlterConfigsResponse:
		for i := range r.Resources {
			visit(r.Resources[i].ErrorCode)
		}
	case *kmsg.IncrementalAlterConfigsResponse:
		for i := range r.Resources {
			visit(r.Resources[i].ErrorCode)
		}
	case *kmsg.DescribeLogDirsResponse:
		visit(r.ErrorCode)
		for i := range r.Dirs {
			visit(r.Dirs[i].ErrorCode)
		}
	case *kmsg.DescribeTopicPartitionsResponse:
		for i := range r.Topics {
			visit(r.Topics[i].ErrorCode)
		}
	}
}
