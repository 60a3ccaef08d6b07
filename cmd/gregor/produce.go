package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// anyPartition leaves the choice of a record's partition to the producer.
const anyPartition = -1

// production is gregor produce.
type production struct {
	client     *clientFlags
	format     string
	key        string
	headers    []string
	partition  string
	codec      string
	acks       *cli.Choice
	idempotent bool
	nullEmpty  bool
	maxBytes   cli.Size

	layout string
	// all says that every record goes to fixed, if that is not anyPartition; perRecord, that the input says where.
	fixed  int32
	ignore bool
	common []kgo.RecordHeader

	// first is the error that ended it.
	mu    sync.Mutex
	first error
	acked int64
}

// produceHelp is the command's help.
const produceHelp = `
Send records from stdin to a topic, which the broker creates if it may. The command ends well when all are
acknowledged, and at the first that is not.

-f says how stdin is read: text is one value a line, with -k a key before it; json is one object a line, as
"gregor consume --format json" prints them, with the topic of each if none is named; and a layout has % verbs as that
of consume: '%k\t%v\n', '%K{big32}%k%V{big32}%v'.
`

func newProduceCommand() *cobra.Command {
	f := &production{maxBytes: 1 << 20}
	c := &cobra.Command{
		Use:   "produce [TOPIC]",
		Short: "Send records from stdin to a topic",
		Long:  strings.TrimSpace(produceHelp),
		Example: "  echo hello | gregor produce first\n" +
			"  gregor produce orders -k : -H source=import -z zstd < orders.txt\n" +
			"  gregor consume orders --format json -e | gregor produce copy --format json -p any",
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, strings.Join(args, "")) },
	}
	addRecordFormat(c.Flags(), &f.format)
	c.Flags().StringVarP(&f.key, "key-delimiter", "k", "", "`text` between key and value; a line without it has no key")
	c.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "header `key=value` for every record; repeatable")
	c.Flags().StringVarP(&f.partition, "partition", "p", "",
		"`number` of the partition for every record; any: also where the input names one (default: as the input says)")
	c.Flags().StringVarP(&f.codec, "compression", "z", "none",
		"codec: none, gzip, snappy, lz4 or zstd, with a level as gzip:9")
	f.acks = cli.AddChoice(c, "acks", "which replicas must have a record", "all", []string{"all", "1", "0"})
	c.Flags().BoolVar(&f.idempotent, "idempotent", true, "write each record exactly once and in order; needs acks=all")
	c.Flags().BoolVarP(&f.nullEmpty, "null-empty", "Z", false, "send empty keys and values as null")
	c.Flags().Var(&f.maxBytes, "max-bytes", "largest batch to send")
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, 1)
	return c
}

func (f *production) run(c *cobra.Command, topic string) error {
	options, err := f.options(c)
	if err != nil {
		return err
	}
	source, err := f.source(c.InOrStdin(), topic)
	if err != nil {
		return err
	}
	client, err := f.client.connect(c, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	if cli.IsTerminal(c.InOrStdin()) {
		cli.Notef(c, "Reading records from the terminal; Ctrl-D ends.")
	}
	err = f.send(c.Context(), client, source)
	if err != nil {
		return fmt.Errorf("%w (%d records were acknowledged)", err, f.count())
	}
	if cli.IsTerminal(c.ErrOrStderr()) {
		cli.Notef(c, "%d records acknowledged.", f.count())
	}
	return nil
}

// recordSource is where records come from: io.EOF ends them.
type recordSource interface {
	next() (*kgo.Record, error)
}

// deliveryTimeout is how long no record may be acknowledged while some wait for it, as Java's delivery.timeout.ms. (The
// client's own timeout counts from the records' timestamps, which may be of any time here.)
const deliveryTimeout = 2 * time.Minute

// errStuck reports a broker that acknowledges nothing any more.
var errStuck = errors.New("no record was acknowledged for " + deliveryTimeout.String())

// watch gives up when nothing is acknowledged for too long.
func (f *production) watch(ctx context.Context, client *kgo.Client, giveUp func(error)) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	acked, since := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n := f.count(); n != acked || client.BufferedProduceRecords() == 0 {
			acked, since = n, time.Now()
		}
		if time.Since(since) > deliveryTimeout {
			giveUp(errStuck)
			return
		}
	}
}

// send reads records and gives them to the client until the input, the context or an error ends it, and waits until
// they are acknowledged: what was read is sent even if a signal ended the reading, as far as the timeout allows.
func (f *production) send(ctx context.Context, client *kgo.Client, source recordSource) error {
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sending, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(f.client.timeout, func() { abort(context.Cause(ctx)) })
	})()
	go f.watch(sending, client, func(err error) { f.done(stop, err); abort(err) })
	err := f.pump(reading, source, func(r *kgo.Record) {
		client.Produce(sending, r, func(_ *kgo.Record, err error) { f.done(stop, err) })
	})
	if f.failure() == nil {
		if flushed := client.Flush(sending); flushed != nil && err == nil {
			err = fmt.Errorf("not all records were acknowledged: %w", context.Cause(sending))
		}
	}
	if failed := f.failure(); failed != nil {
		return failed
	}
	return err
}

// pump hands the records of the input to produce. Reading may block for ever, so it has a goroutine of its own, which
// ends with the process.
func (f *production) pump(ctx context.Context, source recordSource, produce func(*kgo.Record)) error {
	records, ended := make(chan *kgo.Record, 64), make(chan error, 1)
	go func() { ended <- f.read(ctx, source, records) }()
	for {
		select {
		case r := <-records:
			produce(r)
		case err := <-ended:
			for len(records) > 0 {
				produce(<-records)
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// read passes the records of the input on, with what the flags say of all of them.
func (f *production) read(ctx context.Context, source recordSource, records chan<- *kgo.Record) error {
	for n := int64(1); ; n++ {
		r, err := source.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f.complete(r)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		select {
		case records <- r:
		case <-ctx.Done():
			return nil
		}
	}
}

// complete adds to a record what the flags say.
func (f *production) complete(r *kgo.Record) error {
	if r.Topic == "" {
		return errors.New("it names no topic, and the command line none either")
	}
	r.Headers = append(r.Headers, f.common...)
	if f.nullEmpty && len(r.Key) == 0 {
		r.Key = nil
	}
	if f.nullEmpty && len(r.Value) == 0 {
		r.Value = nil
	}
	if f.fixed != anyPartition || f.ignore {
		r.Partition = f.fixed
	}
	return nil
}

// done takes the outcome of one record. The first failure ends the command.
func (f *production) done(stop context.CancelCauseFunc, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.acked++
	case f.first == nil:
		f.first = hint(err)
		stop(err)
	}
}

func (f *production) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first
}

func (f *production) count() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked
}

// hint adds what can be done about an error.
func hint(err error) error {
	if strings.Contains(err.Error(), "partitioning choice") {
		return fmt.Errorf("the topic has no such partition (-p any leaves the choice to the producer): %w", err)
	}
	return err
}
