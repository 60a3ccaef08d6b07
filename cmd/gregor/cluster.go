package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func newClusterCommand() *cobra.Command {
	return newGroup("cluster", "Describe the cluster, its disks, quorum, features and health",
		newClusterDescribeCommand(), newClusterLogDirsCommand(), newClusterQuorumCommand(), newClusterFeaturesCommand(),
		newClusterHealthCommand())
}

// clusterCommand is a command that asks the cluster and prints what it says.
type clusterCommand struct {
	client *clientFlags
	format *cli.Choice
}

// newClusterQuestion makes a command that asks something and prints it.
func newClusterQuestion(
	use, short string, ask func(c *cobra.Command, ctx context.Context, admin *kadm.Client, f *clusterCommand) error,
) *cobra.Command {
	f := &clusterCommand{}
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			admin, ctx, end, err := f.client.admin(c)
			if err != nil {
				return err
			}
			defer end()
			return ask(c, ctx, admin, f)
		},
	}
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	return c
}

// describedBroker is one broker of cluster describe.
type describedBroker struct {
	ID         int32  `json:"id"`
	Host       string `json:"host"`
	Port       int32  `json:"port"`
	Rack       string `json:"rack"`
	Controller bool   `json:"controller"`
	// Leaders and Replicas are how many partitions it leads and has.
	Leaders  int `json:"leaders"`
	Replicas int `json:"replicas"`
}

func newClusterDescribeCommand() *cobra.Command {
	return newClusterQuestion("describe", "Describe the cluster and its brokers", describeCluster)
}

func describeCluster(c *cobra.Command, ctx context.Context, admin *kadm.Client, f *clusterCommand) error {
	metadata, err := admin.Metadata(ctx)
	if err != nil {
		return fmt.Errorf("describe the cluster: %w", err)
	}
	brokers, partitions := describeBrokers(metadata)
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{
			"cluster_id": metadata.Cluster, "controller": metadata.Controller, "topics": len(metadata.Topics),
			"partitions": partitions, "brokers": brokers,
		})
	}
	if _, err := fmt.Fprintf(c.OutOrStdout(), "cluster     %s\ncontroller  %d\ntopics      %d\npartitions  %d\n\n",
		metadata.Cluster, metadata.Controller, len(metadata.Topics), partitions); err != nil {
		return err
	}
	table := cli.NewTable(">BROKER", "RACK", ">LEADERS", ">REPLICAS", "ADDRESS")
	for _, b := range brokers {
		table.Add(b.ID, orDash(b.Rack), b.Leaders, b.Replicas, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	return table.Write(c.OutOrStdout())
}

// describeBrokers returns the brokers in the order of their ids, and the number of partitions.
func describeBrokers(metadata kadm.Metadata) ([]describedBroker, int) {
	brokers, partitions := []describedBroker{}, 0
	for _, b := range metadata.Brokers {
		brokers = append(brokers, describedBroker{
			ID: b.NodeID, Host: b.Host, Port: b.Port, Rack: said(b.Rack), Controller: b.NodeID == metadata.Controller,
		})
	}
	slices.SortFunc(brokers, func(a, b describedBroker) int { return cmp.Compare(a.ID, b.ID) })
	metadata.Topics.EachPartition(func(p kadm.PartitionDetail) {
		partitions++
		for i := range brokers {
			if p.Leader == brokers[i].ID {
				brokers[i].Leaders++
			}
			if slices.Contains(p.Replicas, brokers[i].ID) {
				brokers[i].Replicas++
			}
		}
	})
	return brokers, partitions
}
