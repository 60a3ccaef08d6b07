package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// consumption is gregor consume.
type consumption struct {
	client            *clientFlags
	offset            string
	partitions, group string
	format            string
	exit              bool
	count             int64

	out   *bufio.Writer
	print func(dst []byte, r *kgo.Record) ([]byte, error)
	line  []byte
	// left is how many records may still be printed, if count says so.
	left int64
	// ranges are what is read of each partition that is not read to its end yet.
	ranges map[int32]offsets
}

// offsets are what to print of a partition: from, up to but not including to, or for ever if to is negative. Reading
// begins at begin, which is before from if the log has not got there yet.
type offsets struct{ begin, from, to int64 }

// consumeHelp is the command's help.
const consumeHelp = `
Print the records of a topic, each partition in order, until Ctrl-C or where -e, -n or a range end it.

-o says where to begin, and in a range where to end (that offset is not printed):

  start, end   the beginning (the default), and only what is still to come
  N, +n, -n    offset N; n after the start; n before the end
  @time        records from a time on: Unix seconds or milliseconds, a date, RFC 3339, or @-1h
  FROM:TO      a range of these, such as 100:200, :end, -10:end or @-2h:@-1h

-f says how: text is the value and a newline; json is one object a line, which "gregor produce --format json" reads
back; and a layout has % verbs, of which the common ones are

  %k %v %h{%k=%v }   key, value, headers         %K %V %H   their lengths and count
  %t %p %o %e %d     topic, partition, offset, leader epoch, timestamp (%d{strftime[%F %T]})
  \n \t \x00 %%      characters;  %v{hex} %v{base64} %V{big32} other forms
`

func newConsumeCommand() *cobra.Command {
	f := &consumption{}
	c := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Print a topic's records",
		Long:  strings.TrimSpace(consumeHelp),
		Example: "  gregor consume orders -o -10 -e\n" +
			"  gregor consume orders -p 0,2 -o @-1h -f '%o %k %v\\n'\n" +
			"  gregor consume orders --format json -e | gregor produce copy --format json",
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringVarP(&f.offset, "offset", "o", "start", "`where` to begin and end")
	c.Flags().StringVarP(&f.partitions, "partitions", "p", "", "`numbers` of the partitions to read, such as 0,2,4-6")
	c.Flags().BoolVarP(&f.exit, "exit", "e", false, "exit at the end that the log has now")
	c.Flags().Int64VarP(&f.count, "num", "n", 0, "exit after so many records; 0 for no limit")
	c.Flags().StringVarP(&f.group, "group", "g", "", "consumer group; gregor has none yet")
	addRecordFormat(c.Flags(), &f.format)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, 1)
	return c
}

// addRecordFormat adds -f to a command that reads or prints records.
func addRecordFormat(flags *pflag.FlagSet, format *string) {
	flags.StringVarP(format, "format", "f", cli.Text, "form of a record: text, json or a `layout` with % verbs")
}

// recordLayout returns the layout that a format stands for, "" for json.
func recordLayout(format string) (string, error) {
	switch {
	case format == cli.Text:
		return `%v\n`, nil
	case format == cli.JSON:
		return "", nil
	case strings.Contains(format, "%"):
		return format, nil
	}
	return "", cli.Usagef("--format: got %q, expected text, json or a layout with %% verbs", format)
}

func (f *consumption) run(c *cobra.Command, topic string) error {
	where, wanted, err := f.check()
	if err != nil {
		return err
	}
	f.out = bufio.NewWriterSize(c.OutOrStdout(), 1<<16)
	f.left = f.count
	client, err := f.client.connect(c, kgo.KeepControlRecords(), kgo.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := f.resolve(c, client, topic, where, wanted); err != nil {
		return err
	}
	from := make(map[int32]kgo.Offset)
	for p, r := range f.ranges {
		from[p] = kgo.NewOffset().At(r.begin)
	}
	if len(from) == 0 {
		return nil
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	err = f.poll(c.Context(), client, topic)
	if flushed := f.out.Flush(); err == nil {
		err = flushed
	}
	return err
}

// check reads the flags.
func (f *consumption) check() (where span, partitions []int32, err error) {
	if f.group != "" {
		return where, nil, cli.Usagef("-g %s: gregor has no consumer groups yet; -p and -o read partitions", f.group)
	}
	if f.count < 0 {
		return where, nil, cli.Usagef("-n %d: expected at least 0", f.count)
	}
	if where, err = parseSpan(f.offset, time.Now()); err != nil {
		return where, nil, cli.Usagef("-o: %w", err)
	}
	if partitions, err = parsePartitions(f.partitions); err != nil {
		return where, nil, cli.Usagef("-p: %w", err)
	}
	layout, err := recordLayout(f.format)
	if err != nil {
		return where, nil, err
	}
	f.print = encodeRecord
	if layout != "" {
		formatter, err := kgo.NewRecordFormatter(layout)
		if err != nil {
			return where, nil, cli.Usagef("-f: %w", err)
		}
		f.print = func(dst []byte, r *kgo.Record) ([]byte, error) { return formatter.AppendRecord(dst, r), nil }
	}
	return where, partitions, nil
}

// resolve asks for the offsets that the flags stand for.
func (f *consumption) resolve(c *cobra.Command, client *kgo.Client, topic string, where span, wanted []int32) error {
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	log := partitionLog{ctx: ctx, admin: kadm.NewClient(client), topic: topic}
	if err := log.load(); err != nil {
		return err
	}
	f.ranges = make(map[int32]offsets)
	if wanted == nil {
		wanted = log.partitions()
	}
	for _, p := range wanted {
		if !log.has(p) {
			return fmt.Errorf("topic %s has no partition %d", topic, p)
		}
		from, err := log.offset(p, where.from)
		if err != nil {
			return err
		}
		r := offsets{begin: min(max(from, log.start(p)), log.end(p)), from: from, to: -1}
		if where.bounded {
			if r.to, err = log.offset(p, where.to); err != nil {
				return err
			}
		}
		if f.exit && (r.to < 0 || r.to > log.end(p)) {
			r.to = log.end(p)
		}
		if r.to < 0 || max(r.begin, r.from) < r.to {
			f.ranges[p] = r
		}
	}
	return nil
}

// patience is how long nothing may come before consume looks whether anything still can.
const patience = time.Second

// poll prints records until all ranges are read, enough is printed, or the context ends. Its end by a signal is the
// usual end of a consumer that was told no other, and no error.
func (f *consumption) poll(ctx context.Context, client *kgo.Client, topic string) error {
	for len(f.ranges) > 0 && (f.count == 0 || f.left > 0) {
		limited, cancel := context.WithTimeout(ctx, patience)
		fetches := client.PollFetches(limited)
		cancel()
		if ctx.Err() != nil {
			if f.count == 0 && !f.bounded() {
				return nil
			}
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("consume %s partition %d: %w", topic, e.Partition, e.Err)
			}
		}
		if err := f.take(client, topic, fetches); err != nil {
			return err
		}
		if err := f.out.Flush(); err != nil {
			return err
		}
		if fetches.NumRecords() == 0 {
			if err := f.dropTrimmed(ctx, client, topic); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounded reports that some partition has an end to be read to.
func (f *consumption) bounded() bool {
	for _, r := range f.ranges {
		if r.to >= 0 {
			return true
		}
	}
	return false
}

// take prints what came, as far as it is wanted.
func (f *consumption) take(client *kgo.Client, topic string, fetches kgo.Fetches) error {
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		wanted, ok := f.ranges[r.Partition]
		if !ok || f.count > 0 && f.left == 0 {
			continue
		}
		within := wanted.to < 0 || r.Offset < wanted.to
		if within && r.Offset >= wanted.from && !r.Attrs.IsControl() {
			var err error
			if f.line, err = f.print(f.line[:0], r); err != nil {
				return fmt.Errorf("print offset %d of partition %d: %w", r.Offset, r.Partition, err)
			}
			if _, err := f.out.Write(f.line); err != nil {
				return err
			}
			f.left--
		}
		if wanted.to >= 0 && r.Offset >= wanted.to-1 {
			f.finish(client, topic, r.Partition)
		}
	}
	return nil
}

// finish ends the reading of a partition.
func (f *consumption) finish(client *kgo.Client, topic string, partition int32) {
	delete(f.ranges, partition)
	client.RemoveConsumePartitions(map[string][]int32{topic: {partition}})
}

// dropTrimmed ends the reading of partitions whose log begins beyond what is wanted by now: retention was faster.
func (f *consumption) dropTrimmed(ctx context.Context, client *kgo.Client, topic string) error {
	if !f.bounded() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.client.timeout)
	defer cancel()
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	for p, r := range f.ranges {
		if o, ok := starts.Lookup(topic, p); ok && o.Err == nil && r.to >= 0 && o.Offset >= r.to {
			f.finish(client, topic, p)
		}
	}
	return nil
}
