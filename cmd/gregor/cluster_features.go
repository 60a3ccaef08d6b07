package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// feature is a feature of the cluster with the levels that a broker supports, and the level that all of them have
// agreed upon, -1 if there is none.
type feature struct {
	Name      string `json:"feature"`
	Min       int16  `json:"supported_min_version"`
	Max       int16  `json:"supported_max_version"`
	Finalized int16  `json:"finalized_version"`
}

func newClusterFeaturesCommand() *cobra.Command {
	return newClusterQuestion("features", "Show the features of the cluster and their levels", describeFeatures)
}

func describeFeatures(c *cobra.Command, ctx context.Context, admin *kadm.Client, f *clusterCommand) error {
	versions, err := admin.ApiVersions(ctx)
	if err != nil {
		return fmt.Errorf("describe features: %w", err)
	}
	epoch, features := int64(-1), []feature{}
	for _, v := range versions.Sorted() {
		if v.Err != nil {
			return fmt.Errorf("describe features of broker %d: %w", v.NodeID, v.Err)
		}
		// What is supported by all is what the first one tells, as in Kafka's tool.
		if len(features) == 0 {
			epoch, features = v.Raw().FinalizedFeaturesEpoch, supported(v.Raw())
		}
	}
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{"epoch": epoch, "features": features})
	}
	table := cli.NewTable("FEATURE", ">MIN", ">MAX", ">FINALIZED")
	for _, each := range features {
		table.Add(each.Name, each.Min, each.Max, number(int64(each.Finalized)))
	}
	return table.Write(c.OutOrStdout())
}

// supported returns the features of one broker's answer in the order of their names.
func supported(v *kmsg.ApiVersionsResponse) []feature {
	out := []feature{}
	for _, s := range v.SupportedFeatures {
		each := feature{s.Name, s.MinVersion, s.MaxVersion, -1}
		for _, done := range v.FinalizedFeatures {
			if done.Name == s.Name {
				each.Finalized = done.MaxVersionLevel
			}
		}
		out = append(out, each)
	}
	slices.SortFunc(out, func(a, b feature) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
