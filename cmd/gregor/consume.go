package main

import (
	"bufio"
	"context"
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
	client             *clientFlags
	offset, partitions string
	group, instance    string
	assignors          []string
	format             string
	exit               bool
	count              int64

	where  span
	wanted []int32
	out    *bufio.Writer
	print  func(dst []byte, r *kgo.Record) ([]byte, error)
	line   []byte
	// left is how many records may still be printed, if count says so.
	left int64
	// ranges are what is read of each partition that is not read to its end yet.
	ranges map[topicPartition]offsets
}

// topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

// offsets are what to print of a partition: from, up to but not including to, or for ever if to is negative. Reading
// begins at begin, which is before from if the log has not got there yet.
type offsets struct{ begin, from, to int64 }

// consumeHelp is the command's help.
const consumeHelp = `
Print the records of topics, each partition in order, until Ctrl-C or where -e, -n or a range end it.

-o says where to begin, and in a range where to end (that offset is not printed):

  start, end   the beginning (the default), and only what is still to come
  N, +n, -n    offset N; n after the start; n before the end
  @time        records from a time on: Unix seconds or milliseconds, a date, RFC 3339, or @-1h
  FROM:TO      a range of these, such as 100:200, :end, -10:end or @-2h:@-1h

-g reads as a member of a consumer group, which shares the partitions among its members. It goes on from the group's
offsets, and begins at -o where there is none; it commits what is printed as it goes, and leaves the group at its end.
(One with --instance-id stays a member, so that nothing moves while it is away for less than its session.) With -e it
ends when all its partitions are read to the end that they had when it began.

-f says how: text is the value and a newline; json is one object a line, which "gregor produce --format json" reads
back; and a layout has % verbs, of which the common ones are

  %k %v %h{%k=%v }   key, value, headers         %K %V %H   their lengths and count
  %t %p %o %e %d     topic, partition, offset, leader epoch, timestamp (%d{strftime[%F %T]})
  \n \t \x00 %%      characters;  %v{hex} %v{base64} %V{big32} other forms
`

func newConsumeCommand() *cobra.Command {
	f := &consumption{}
	c := &cobra.Command{
		Use:   "consume TOPIC...",
		Short: "Print records of topics",
		Long:  strings.TrimSpace(consumeHelp),
		Example: "  gregor consume orders -o -10 -e\n" +
			"  gregor consume orders events -g billing\n" +
			"  gregor consume orders -p 0,2 -o @-1h -f '%o %k %v\\n'\n" +
			"  gregor consume orders --format json -e | gregor produce copy --format json",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: f.run,
	}
	c.Flags().StringVarP(&f.offset, "offset", "o", "start", "`where` to begin and end")
	c.Flags().StringVarP(&f.partitions, "partitions", "p", "", "`numbers` of the partitions to read, such as 0,2,4-6")
	c.Flags().BoolVarP(&f.exit, "exit", "e", false, "exit at the end that the log has now")
	c.Flags().Int64VarP(&f.count, "num", "n", 0, "exit after so many records; 0 for no limit")
	c.Flags().StringVarP(&f.group, "group", "g", "", "read as a member of this consumer `group`")
	c.Flags().StringVar(&f.instance, "instance-id", "", "`id` of a static member of the group")
	c.Flags().StringSliceVar(&f.assignors, "assignors", []string{"range", "cooperative-sticky"},
		"`names` of ways to share partitions, of which the group takes one that all members know")
	addRecordFormat(c.Flags(), &f.format)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, manyNames)
	completeFlag(c, "group", completeGroups(f.client, 1))
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

func (f *consumption) run(c *cobra.Command, topics []string) error {
	if err := f.check(); err != nil {
		return err
	}
	topics = distinct(topics)
	f.out = bufio.NewWriterSize(c.OutOrStdout(), 1<<16)
	f.left = f.count
	if f.group != "" {
		return f.runGroup(c, topics)
	}
	client, err := f.client.connect(c, fetchOptions()...)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := f.resolve(c, client, topics); err != nil {
		return err
	}
	from := make(map[string]map[int32]kgo.Offset)
	for at, r := range f.ranges {
		if from[at.topic] == nil {
			from[at.topic] = make(map[int32]kgo.Offset)
		}
		from[at.topic][at.partition] = kgo.NewOffset().At(r.begin)
	}
	if len(from) == 0 {
		return nil
	}
	client.AddConsumePartitions(from)
	err = f.poll(c.Context(), client)
	if flushed := f.out.Flush(); err == nil {
		err = flushed
	}
	return err
}

// fetchOptions are those of every client that reads records. Control records stand at offsets that count for the end.
func fetchOptions() []kgo.Opt {
	return []kgo.Opt{kgo.KeepControlRecords(), kgo.FetchMaxWait(500 * time.Millisecond)}
}

// check reads the flags.
func (f *consumption) check() error {
	var err error
	if f.count < 0 {
		return cli.Usagef("-n %d: expected at least 0", f.count)
	}
	if f.where, err = parseSpan(f.offset, time.Now()); err != nil {
		return cli.Usagef("-o: %w", err)
	}
	if f.wanted, err = parsePartitions(f.partitions); err != nil {
		return cli.Usagef("-p: %w", err)
	}
	switch {
	case f.group == "" && f.instance != "":
		return cli.Usagef("--instance-id %s: it is of a member of a group, and there is no -g", f.instance)
	case f.group != "" && f.wanted != nil:
		return cli.Usagef("-p %s: a group shares partitions by itself, got -g %s as well", f.partitions, f.group)
	case f.group != "" && f.where.bounded:
		return cli.Usagef("-o %s: with -g it says where to begin, and not where to end", f.offset)
	}
	layout, err := recordLayout(f.format)
	if err != nil {
		return err
	}
	f.print = encodeRecord
	if layout != "" {
		formatter, err := kgo.NewRecordFormatter(layout)
		if err != nil {
			return cli.Usagef("-f: %w", err)
		}
		f.print = func(dst []byte, r *kgo.Record) ([]byte, error) { return formatter.AppendRecord(dst, r), nil }
	}
	return nil
}

// resolve asks for the offsets that the flags stand for.
func (f *consumption) resolve(c *cobra.Command, client *kgo.Client, topics []string) error {
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	f.ranges = make(map[topicPartition]offsets)
	for _, topic := range topics {
		log := partitionLog{ctx: ctx, admin: kadm.NewClient(client), topic: topic}
		if err := log.load(); err != nil {
			return err
		}
		if err := f.resolveTopic(&log); err != nil {
			return err
		}
	}
	return nil
}

// resolveTopic notes the ranges of a topic's partitions.
func (f *consumption) resolveTopic(log *partitionLog) error {
	wanted := f.wanted
	if wanted == nil {
		wanted = log.partitions()
	}
	for _, p := range wanted {
		if !log.has(p) {
			return fmt.Errorf("topic %s has no partition %d", log.topic, p)
		}
		from, err := log.offset(p, f.where.from)
		if err != nil {
			return err
		}
		r := offsets{begin: min(max(from, log.start(p)), log.end(p)), from: from, to: -1}
		if f.where.bounded {
			if r.to, err = log.offset(p, f.where.to); err != nil {
				return err
			}
		}
		if f.exit && (r.to < 0 || r.to > log.end(p)) {
			r.to = log.end(p)
		}
		if r.to < 0 || max(r.begin, r.from) < r.to {
			f.ranges[topicPartition{log.topic, p}] = r
		}
	}
	return nil
}
