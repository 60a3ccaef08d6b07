//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// First is the first record that a broker acknowledges after its process was started. Whatever does not succeed yet is
// tried again each millisecond: the connection, then the topic, then the record.
type First struct {
	Address, Topic string
	// Create says that the topic is not there yet; it gets one partition and these configurations.
	Create  bool
	Configs map[string]string
	Batch   Batch
	// Patience is how long it may take.
	Patience time.Duration
}

// ErrNoAck reports a broker that has not acknowledged a record in time.
var ErrNoAck = errors.New("no record was acknowledged")

// Run returns the connection on which the record was acknowledged. What went wrong last is in the error when the
// patience ends, and the cause of ctx when that ends.
func (f First) Run(ctx context.Context) (*Conn, error) {
	const pause = time.Millisecond
	retry := time.NewTicker(pause)
	defer retry.Stop()
	over := time.Now().Add(f.Patience)
	t := trying{First: f, over: over}
	for {
		err := t.step(ctx)
		switch {
		case err == nil:
			return t.conn, nil
		case ctx.Err() != nil:
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrNoAck, context.Cause(ctx)), t.close())
		case t.final(err) || !time.Now().Before(over):
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrNoAck, err), t.close())
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
	}
}

// trying is a First that has come so far.
type trying struct {
	First
	over time.Time
	conn *Conn // nil if there is none
}

// step goes as far as it can. A connection that has failed is given up.
func (t *trying) step(ctx context.Context) error {
	if t.conn == nil {
		c, err := Dial(ctx, t.Address)
		if err != nil {
			return err
		}
		t.conn = c
	}
	err := t.conn.tcp.SetDeadline(t.over)
	if err == nil && t.Create {
		// It may be there already: the answer of an earlier try did not come.
		err = t.conn.createTopic(t.Topic, 1, t.Configs)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			t.Create, err = false, nil
		}
	}
	if err == nil {
		err = t.conn.produce(&t.First)
	}
	if err == nil {
		return t.conn.tcp.SetDeadline(time.Time{})
	}
	if !errors.Is(err, ErrRefused) {
		err = errors.Join(err, t.close())
	}
	return err
}

func (t *trying) close() error {
	if t.conn == nil {
		return nil
	}
	c := t.conn
	t.conn = nil
	if err := c.Close(); !errors.Is(err, net.ErrClosed) { // the context's end closes it as well
		return err
	}
	return nil
}

// final reports an error that will not go away. Kafka says that it has too few brokers while it has not let itself in.
func (t *trying) final(err error) bool {
	if errors.Is(err, ErrAnswer) {
		return true
	}
	var refusal *kerr.Error
	return errors.As(err, &refusal) && !refusal.Retriable && !errors.Is(err, kerr.InvalidReplicationFactor)
}

// produce has one batch appended to partition 0.
func (c *Conn) produce(f *First) error {
	load := Produce{Topic: f.Topic, Batch: f.Batch, Acks: 1}
	res, err := c.Ask(load.ask(0))
	if err != nil {
		return err
	}
	for _, t := range res.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			return refused(p.ErrorCode)
		}
	}
	return fmt.Errorf("%w: no partition in the response to Produce", ErrAnswer)
}
