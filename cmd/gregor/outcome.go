package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// failure is what went wrong with one thing of a command that deals with several.
type failure struct {
	// Error is Kafka's name of the error, empty for success.
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
}

// fail notes an error and the broker's words on it. The first one stays.
func (f *failure) fail(err error, message string) {
	if err == nil || f.Error != "" {
		return
	}
	var known *kerr.Error
	f.Error, f.Message = "UNKNOWN_SERVER_ERROR", err.Error()
	if errors.As(err, &known) {
		f.Error, f.Message = known.Message, cmp.Or(message, known.Description)
	}
}

// problem returns the failure itself, for those who hold something that embeds one.
func (f failure) problem() failure { return f }

// reported is one of the things that a command deals with: "topic orders".
type reported interface {
	problem() failure
	title() string
}

// report prints what became of several things: in JSON the object body; else what write prints of each that succeeded,
// and on stderr a line for each that failed. One that failed makes the exit code 1.
func report[T reported](
	c *cobra.Command, format *cli.Choice, things []T, body map[string]any, write func(i int, thing T) error,
) error {
	failed := 0
	for _, thing := range things {
		if thing.problem().Error != "" {
			failed++
		}
	}
	if format.String() == cli.JSON {
		body["failed"] = failed
		if err := cli.WriteJSON(c, body); err != nil {
			return err
		}
		return cli.Exit(min(failed, cli.CodeFailed))
	}
	written := 0
	for _, thing := range things {
		if p := thing.problem(); p.Error != "" {
			cli.Notef(c, "gregor: %s: %s: %s", thing.title(), p.Error, p.Message)
			continue
		}
		if err := write(written, thing); err != nil {
			return err
		}
		written++
	}
	return cli.Exit(min(failed, cli.CodeFailed))
}

// outcome is what became of one topic of a command that changes several.
type outcome struct {
	Topic string `json:"topic"`
	failure
	// Unchanged says that there was nothing to do, which --if-exists and --if-not-exists make a success.
	Unchanged string `json:"unchanged,omitempty"`
	// Partitions and Replicas are what a created topic got, where the broker tells.
	Partitions int32 `json:"partitions,omitempty"`
	Replicas   int16 `json:"replication_factor,omitempty"`
}

// title implements reported.
func (o outcome) title() string { return "topic " + o.Topic }

// printOutcomes prints what became of topics and returns an error if one of them failed. done is what happened to the
// others: "created".
func printOutcomes(c *cobra.Command, format *cli.Choice, outcomes []outcome, done string, dry bool) error {
	body := map[string]any{"topics": outcomes, "dry_run": dry}
	if dry {
		done = "would be " + done
	}
	return report(c, format, outcomes, body, func(_ int, o outcome) error {
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s\n", o.Topic, cmp.Or(o.Unchanged, done))
		return err
	})
}

// groupOutcome is what became of one group of a command that changes several.
type groupOutcome struct {
	Group string `json:"group"`
	failure
	Unchanged string `json:"unchanged,omitempty"`
}

// title implements reported.
func (o groupOutcome) title() string { return "group " + o.Group }

// partitionOutcome is what became of one partition's offset in a group.
type partitionOutcome struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	failure
}

// title implements reported.
func (o partitionOutcome) title() string {
	return fmt.Sprintf("topic %s partition %d", o.Topic, o.Partition)
}
