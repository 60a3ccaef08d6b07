package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/consistency/workload"
)

// simOutput takes the results of seeds in their order, prints them and sums them up.
type simOutput struct {
	c     *cobra.Command
	json  bool
	seeds seedRange
	bar   *cli.Progress

	count            int64
	events           uint64
	acked, read      int64
	simulated, wall  float64
	verdicts, faults map[string]int
	leaderChanges    int
	// commits, rebalances and fenced are sums of what groups did.
	commits, rebalances, fenced int
}

// add takes the result of one seed.
func (o *simOutput) add(res *workload.Result) error {
	if o.verdicts == nil {
		o.verdicts, o.faults = make(map[string]int), make(map[string]int)
	}
	o.count++
	o.verdicts[res.Verdict]++
	o.events, o.acked, o.read = o.events+res.Events, o.acked+res.AckedRecords, o.read+res.ReadRecords
	o.simulated, o.wall = o.simulated+res.SimSeconds, o.wall+res.WallSeconds
	o.leaderChanges += res.LeaderChanges
	o.commits, o.rebalances, o.fenced = o.commits+res.Commits, o.rebalances+res.Rebalances, o.fenced+res.Fenced
	for kind, n := range res.Faults {
		o.faults[kind] += n
	}
	defer o.bar.Set(o.count)
	if o.json {
		return cli.WriteJSON(o.c, res)
	}
	if res.Verdict == workload.OK && o.seeds.count() != 1 {
		return nil
	}
	_, err := fmt.Fprint(o.c.OutOrStdout(), simText(res))
	return err
}

// simText writes the result of one seed.
func simText(res *workload.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s", res.Seed, res.Verdict)
	switch v := res.Violation; {
	case v != nil:
		fmt.Fprintf(&b, ": %s at %.6f s: %s\n", v.Name, float64(v.AtUs)/1e6, v.Detail)
	case res.Why != "":
		fmt.Fprintf(&b, ": %s\n", res.Why)
	default:
		b.WriteString("\n")
	}
	fmt.Fprintf(&b,
		"  %d events in %.1f simulated seconds (%.3f s), %d records acknowledged and %d read, durability %s\n",
		res.Events, res.SimSeconds, res.WallSeconds, res.AckedRecords, res.ReadRecords, res.Class)
	fmt.Fprintf(&b, "  %d offsets committed in %d generations of groups, %d requests of members fenced\n", res.Commits,
		res.Rebalances, res.Fenced)
	fmt.Fprintf(&b, "  %d leader changes, faults that struck: %s\n", res.LeaderChanges, countedWords(res.Faults))
	fmt.Fprintf(&b, "  trace %s\n  %s\n", res.TraceSHA256, res.Repro)
	return b.String()
}

// end prints the sums of more than one seed and returns the exit code as an error.
func (o *simOutput) end() error {
	if !o.json && o.seeds.count() != 1 {
		fmt.Fprintf(o.c.OutOrStdout(), "%d seeds: %d ok, %d violations, %d inconclusive\n", o.count,
			o.verdicts[workload.OK], o.verdicts[workload.Violated], o.verdicts[workload.Inconclusive])
		fmt.Fprintf(o.c.OutOrStdout(),
			"%d events in %.0f simulated seconds, computed in %.1f s: %.0f events a second\n",
			o.events, o.simulated, o.wall, float64(o.events)/max(o.wall, 1e-9))
		fmt.Fprintf(o.c.OutOrStdout(),
			"%d offsets committed in %d generations of groups, %d requests of members fenced\n",
			o.commits, o.rebalances, o.fenced)
		fmt.Fprintf(o.c.OutOrStdout(),
			"%d records acknowledged and %d read, %d leader changes, faults that struck: %s\n",
			o.acked, o.read, o.leaderChanges, countedWords(o.faults))
	}
	switch {
	case o.verdicts[workload.Violated] > 0:
		return cli.Exit(cli.CodeFailed)
	case o.verdicts[workload.Inconclusive] > 0:
		return cli.Exit(cli.CodeInconclusive)
	}
	return nil
}

// countedWords writes counts by word, in the order of the words.
func countedWords(counts map[string]int) string {
	var words []string
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[word], word))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
