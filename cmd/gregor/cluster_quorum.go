package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// metadataTopic is the topic of the metadata log, of which there is one partition.
const metadataTopic = "__cluster_metadata"

// quorum is the state of the metadata quorum.
type quorum struct {
	Leader        int32           `json:"leader"`
	Epoch         int32           `json:"leader_epoch"`
	HighWatermark int64           `json:"high_watermark"`
	Replicas      []quorumReplica `json:"replicas"`
}

// quorumReplica is a voter or an observer of the quorum. Times are Unix milliseconds, -1 where nobody knows them.
type quorumReplica struct {
	ID             int32  `json:"id"`
	Role           string `json:"role"`
	End            int64  `json:"end_offset"`
	Lag            int64  `json:"lag"`
	LastFetchMs    int64  `json:"last_fetch_ms"`
	LastCaughtUpMs int64  `json:"last_caught_up_ms"`
}

func newClusterQuorumCommand() *cobra.Command {
	f := &clusterCommand{}
	c := &cobra.Command{
		Use:   "quorum",
		Short: "Show the metadata quorum: leader, voters, observers and their lag",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return f.quorum(c) },
	}
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	return c
}

func (f *clusterCommand) quorum(c *cobra.Command) error {
	client, err := f.client.connect(c)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	q, err := describeQuorum(ctx, client)
	if err != nil {
		return fmt.Errorf("describe the quorum: %w", err)
	}
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, q)
	}
	if _, err := fmt.Fprintf(c.OutOrStdout(), "leader          %d\nleader epoch    %d\nhigh watermark  %d\n\n",
		q.Leader, q.Epoch, q.HighWatermark); err != nil {
		return err
	}
	table := cli.NewTable(">NODE", "ROLE", ">END", ">LAG")
	for _, r := range q.Replicas {
		table.Add(r.ID, r.Role, number(r.End), number(r.Lag))
	}
	return table.Write(c.OutOrStdout())
}

// errNoQuorum reports an answer without the metadata log.
var errNoQuorum = errors.New("the answer does not hold the metadata log")

func describeQuorum(ctx context.Context, client kmsg.Requestor) (quorum, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = metadataTopic
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return quorum{}, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return quorum{}, errNoQuorum
	}
	p := resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		return quorum{}, err
	}
	q := quorum{Leader: p.LeaderID, Epoch: p.LeaderEpoch, HighWatermark: p.HighWatermark, Replicas: []quorumReplica{}}
	end := int64(-1)
	for _, v := range p.CurrentVoters {
		if v.ReplicaID == p.LeaderID {
			end = v.LogEndOffset
		}
	}
	add := func(states []kmsg.DescribeQuorumResponseTopicPartitionReplicaState, role string) {
		for _, s := range states {
			r := quorumReplica{s.ReplicaID, role, s.LogEndOffset, -1, s.LastFetchTimestamp, s.LastCaughtUpTimestamp}
			if s.ReplicaID == p.LeaderID {
				r.Role = "leader"
			}
			if end >= 0 && s.LogEndOffset >= 0 {
				r.Lag = max(end-s.LogEndOffset, 0)
			}
			q.Replicas = append(q.Replicas, r)
		}
	}
	add(p.CurrentVoters, "voter")
	add(p.Observers, "observer")
	return q, nil
}
