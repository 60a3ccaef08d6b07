package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/cmd/gregor/internal/dump"
	"github.com/gregor-log/gregor/core/vfs"
)

func newLogCommand() *cobra.Command {
	return newGroup("log", "Look into log directories offline", newLogDumpCommand(), newLogVerifyCommand())
}

// logDump is gregor log dump.
type logDump struct {
	o        dump.Options
	maxBytes cli.Size
	format   *cli.Choice
}

// logDumpHelp is the command's help.
const logDumpHelp = `
Print files of a log directory in the lines of Kafka's kafka-dump-log.sh: batches and records of .log and .checkpoint
files, entries of .index, .timeindex and .txnindex, producers of .snapshot. A directory stands for all files in it.
Checkpoints, partition.metadata and meta.properties are printed as well, and values of the metadata log as the records
that they are.

Mistakes that Kafka's tool lists are listed in its words; gregor log verify checks more.
`

func newLogDumpCommand() *cobra.Command {
	f := &logDump{}
	c := &cobra.Command{
		Use:   "dump PATH...",
		Short: "Print segments, indexes, snapshots and checkpoints",
		Long:  strings.TrimSpace(logDumpHelp),
		Example: "  gregor log dump data/orders-0/00000000000000000000.log --print-data-log\n" +
			"  gregor log dump data/__consumer_offsets-3 --offsets\n" +
			"  gregor log dump data/__cluster_metadata-0 --format json",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: f.run,
	}
	c.Flags().BoolVar(&f.o.Deep, "deep-iteration", false, "print the records of each batch")
	c.Flags().BoolVar(&f.o.Data, "print-data-log", false, "print the records with their keys and values")
	c.Flags().BoolVar(&f.o.Bare, "skip-record-metadata", false, "print of records nothing but keys and values")
	c.Flags().BoolVar(&f.o.Metadata, "cluster-metadata-decoder", false, "print values as records of the metadata log")
	c.Flags().BoolVar(&f.o.Offsets, "offsets-decoder", false,
		"print keys and values as records of __consumer_offsets; also --offsets")
	c.Flags().BoolVar(&f.o.SanityOnly, "index-sanity-check", false, "check indexes as a broker does that starts")
	c.Flags().BoolVar(&f.o.VerifyOnly, "verify-index-only", false, "hold indexes against their logs, print no entries")
	c.Flags().Var(&f.maxBytes, "max-bytes", "read so much of each .log file; 0 for all")
	f.format = cli.AddFormat(c)
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "offsets" {
			name = "offsets-decoder"
		}
		return pflag.NormalizedName(name)
	})
	return c
}

func (f *logDump) run(c *cobra.Command, names []string) error {
	f.o.JSON, f.o.MaxBytes = f.format.String() == cli.JSON, int64(f.maxBytes)
	return dump.New(vfs.NewOS(), c.OutOrStdout(), f.o).Run(names)
}
