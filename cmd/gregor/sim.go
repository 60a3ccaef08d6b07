package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/consistency/workload"
)

func newSimCommand() *cobra.Command {
	return newGroup("sim", "Run brokers in a simulated world that fails", newSimRunCommand(), newSimListCommand())
}

// simList is gregor sim list.
type simList struct {
	format *cli.Choice
}

func newSimListCommand() *cobra.Command {
	f := &simList{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the scenarios and the mutations",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.format = cli.AddFormat(c)
	return c
}

// named is a scenario or a mutation.
type named struct {
	Name  string `json:"name"`
	About string `json:"about"`
	// Found is the violation that a mutation must lead to.
	Found string `json:"found,omitempty"`
}

func (f *simList) run(c *cobra.Command) error {
	var all struct {
		Scenarios []named `json:"scenarios"`
		Mutations []named `json:"mutations"`
	}
	for _, s := range workload.Scenarios() {
		all.Scenarios = append(all.Scenarios, named{Name: s.Name, About: s.About})
	}
	for _, m := range workload.Mutations() {
		all.Mutations = append(all.Mutations, named{Name: m.Name, About: m.About, Found: m.Found})
	}
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, all)
	}
	table := cli.NewTable("SCENARIO", "WHAT HAPPENS")
	for _, s := range all.Scenarios {
		table.Add(s.Name, s.About)
	}
	if err := table.Write(c.OutOrStdout()); err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout())
	table = cli.NewTable("MUTATION", "FOUND AS", "WHAT IS WRONG")
	for _, m := range all.Mutations {
		table.Add(m.Name, m.Found, m.About)
	}
	return table.Write(c.OutOrStdout())
}

// simRun is gregor sim run.
type simRun struct {
	seed               uint64
	seeds              string
	scenario, mutation string
	d                  time.Duration
	jobs               int
	twice, trace       bool
	history            string
	format             *cli.Choice
	progress           *cli.ProgressFlags
}

// simRunHelp is the command's help.
const simRunHelp = `
Run a broker and its clients in a simulated world: links delay, cut and reset, disks lose what was not synced and fail,
processes are killed, the power goes and clocks jump, all drawn from a seed. Groups of consumers join, leave, crash,
freeze beyond their sessions and come back as zombies. Every answer is checked as the world goes: nothing that was
acknowledged may be lost, no offset may ever change its value, no partition may have two owners in a generation, nothing
of an earlier generation may be accepted, and files must agree after each start. The same seed and build give the same
run, always; --twice makes sure.

The exit code is 0 if every seed is ok, 1 if a violation was found, and 3 if the run of a seed proves nothing: nothing
or no offset was acknowledged, no group had a generation, no fault struck or no leader epoch was new.
`

func newSimRunCommand() *cobra.Command {
	f := &simRun{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run seeds, and check everything",
		Long:  strings.TrimSpace(simRunHelp),
		Example: "  gregor sim run --seed 7 --trace\n  gregor sim run --seeds 1-500\n" +
			"  gregor sim run --seeds 1-100 --history runs && gregor verify runs",
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	flags := c.Flags()
	flags.Uint64Var(&f.seed, "seed", 1, "the `seed` to run")
	flags.StringVar(&f.seeds, "seeds", "",
		"`first-last` of the seeds to run, instead of --seed; - reads seeds from stdin, "+
			"one a line")
	flags.StringVar(&f.scenario, "scenario", "", "kind of run; gregor sim list names them")
	flags.StringVar(&f.mutation, "mutate", "", "make something wrong on purpose, which must be found; gregor sim list "+
		"names what")
	flags.DurationVar(&f.d, "for", 30*time.Second, "simulated time after which all faults end")
	flags.IntVar(&f.jobs, "jobs", 0, "worker processes, each of which runs one seed at a time (0: one a processor)")
	flags.BoolVar(&f.twice, "twice", false, "run each seed twice, with GOMAXPROCS 1 and 2, and compare the traces")
	flags.BoolVar(&f.trace, "trace", false, "tell on stderr what happens; of one seed")
	flags.StringVar(&f.history, "history", "", "`folder` for the histories, one file a seed, for gregor verify")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	return c
}
