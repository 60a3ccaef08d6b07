package main

import (
	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/matrix"
)

// newBenchClientCommand makes gregor bench client, which gregor bench starts: a process of its own, so that its
// processor time is the client's.
func newBenchClientCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "client", Short: "Produce or consume with franz-go as applications use it", Hidden: true,
		Args: arguments(cobra.NoArgs),
	}
	c.AddCommand(newBenchClientProduceCommand(), newBenchClientFetchCommand())
	return c
}

func newBenchClientProduceCommand() *cobra.Command {
	var p load.StockProduce
	c := &cobra.Command{
		Use: "produce", Short: "Produce over a window",
		Args: arguments(cobra.NoArgs), Hidden: true,
	}
	addClient(c, &p.Address, &p.Topic, &p.Window)
	c.Flags().IntVar(&p.Record, "record-bytes", 0, "size of a record's value")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return told(matrix.Tell(c.OutOrStdout(), &p.Window, func() (load.Result, error) { return p.Run(c.Context()) }))
	}
	return c
}

func newBenchClientFetchCommand() *cobra.Command {
	var f load.StockFetch
	c := &cobra.Command{
		Use: "fetch", Short: "Consume from the start, again and again over a window",
		Args: arguments(cobra.NoArgs), Hidden: true,
	}
	addClient(c, &f.Address, &f.Topic, &f.Window)
	c.Flags().Int64Var(&f.Records, "records", 0, "records that the topic holds")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return told(matrix.Tell(c.OutOrStdout(), &f.Window, func() (load.Result, error) { return f.Run(c.Context()) }))
	}
	return c
}

// addClient adds the flags that both kinds of client have.
func addClient(c *cobra.Command, address, topic *string, w *load.Window) {
	c.Flags().StringVar(address, "address", "", "broker's address")
	c.Flags().StringVar(topic, "topic", "", "topic to use")
	c.Flags().DurationVar(&w.Warm, "warm", 0, "what the figures leave out")
	c.Flags().DurationVar(&w.For, "for", 0, "what they are taken over")
}

// told returns the error of a client as one of the harness.
func told(err error) error {
	if err != nil {
		return harness(err)
	}
	return nil
}
