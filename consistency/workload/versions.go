package workload

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/netsim/clock"
)

// versionRange is the versions of an API that clients draw from.
type versionRange struct {
	key      kmsg.Key
	min, max int16
}

// served are the versions that gregor serves of the APIs that clients use.
var served = []versionRange{
	{kmsg.Produce, 3, 13},
	{kmsg.Fetch, 4, 18},
	{kmsg.ListOffsets, 1, 11},
	{kmsg.Metadata, 1, 13},
	{kmsg.FindCoordinator, 0, 6},
	{kmsg.ApiVersions, 0, 4},
	{kmsg.CreateTopics, 2, 7},
	{kmsg.DeleteTopics, 1, 6},
	{kmsg.DeleteRecords, 0, 2},
	{kmsg.InitProducerID, 0, 5},
	{kmsg.OffsetForLeaderEpoch, 2, 4},
	{kmsg.DescribeConfigs, 1, 4},
	{kmsg.AlterConfigs, 0, 2},
	{kmsg.DescribeLogDirs, 1, 5},
	{kmsg.CreatePartitions, 0, 2},
	{kmsg.IncrementalAlterConfigs, 0, 1},
	{kmsg.DescribeCluster, 0, 2},
	{kmsg.DescribeProducers, 0, 0},
	{kmsg.ListConfigResources, 0, 1},
	{kmsg.DescribeTopicPartitions, 0, 0},
	{kmsg.JoinGroup, 0, 9},
	{kmsg.SyncGroup, 0, 5},
	{kmsg.Heartbeat, 0, 4},
	{kmsg.LeaveGroup, 0, 5},
	{kmsg.OffsetCommit, 2, 10},
	{kmsg.OffsetFetch, 1, 10},
	{kmsg.DescribeGroups, 0, 6},
	{kmsg.ListGroups, 0, 5},
	{kmsg.DeleteGroups, 0, 2},
	{kmsg.OffsetDelete, 0, 0},
}

// versions are the versions that one client speaks, by API key.
type versions [256]int16

// drawVersions draws a client's versions: half of all clients speak the newest of everything.
func drawVersions(s clock.Source) versions {
	var v versions
	newest := clock.Chance(s, 1, 2)
	for _, r := range served {
		v[r.key] = int16(clock.Between(s, int64(r.min), int64(r.max)))
		if newest {
			v[r.key] = r.max
		}
	}
	return v
}

// set gives a request the client's version of its API.
func (v *versions) set(req kmsg.Request) {
	req.SetVersion(v[req.Key()])
}
