//go:build linux

package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Produce is a load of Produce requests, each with one batch for one partition.
type Produce struct {
	Address string
	Topic   string
	// Partitions is how many the connections go round: connection i produces to partition i modulo Partitions.
	Partitions int32
	// Connections keep InFlight requests each under way.
	Connections, InFlight int
	Batch                 Batch
	// Acks is 1 or -1; 0 would leave nothing to count.
	Acks   int16
	Window Window
	// Requests, if it is not 0, is how many each connection sends, whatever the window.
	Requests int64
}

// produceVersion is the newest Produce version that names topics by their names.
const produceVersion = 12

// Run produces over the window, waits until everything is answered and returns what the window saw.
func (p Produce) Run(ctx context.Context) (Result, error) {
	workers := make([]worker, p.Connections)
	for i := range workers {
		workers[i] = newProducer(&p, int32(i)%p.Partitions)
	}
	return drive(ctx, p.Address, p.Window, workers)
}

// coalesced is the size up to which the frames that may be sent at once go in one write.
const coalesced = 256 << 10

// producer is one connection of a Produce load.
type producer struct {
	load  *Produce
	frame int    // size of one
	buf   []byte // copies of the frame: one, or as many as are in flight
	// sent are the times of the requests in flight, by correlation id modulo their number.
	sent        []time.Time
	next, acked int32 // correlation ids
	answers     *answers
	in          []byte
	held        int
}

func newProducer(load *Produce, partition int32) *producer {
	frame := load.request(partition)
	p := &producer{load: load, frame: len(frame), sent: make([]time.Time, load.InFlight), in: make([]byte, 64<<10)}
	copies := 1
	if len(frame)*load.InFlight <= coalesced {
		copies = load.InFlight
	}
	for range copies {
		p.buf = append(p.buf, frame...)
	}
	p.answers = newAnswers(load.Topic, load.Batch.Records)
	return p
}

// errorCodeOf returns where the response to a Produce request for one partition has its error code: behind length,
// correlation id, no tags, one topic with its name, and one partition with its index.
func errorCodeOf(topic string) int {
	return lengthSize + 4 + 1 + 1 + 1 + len(topic) + 1 + 4
}

// request builds the frame for one partition.
func (p *Produce) request(partition int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, p.ask(partition), 0)
}

// ask returns the request for one partition.
func (p *Produce) ask(partition int32) *kmsg.ProduceRequest {
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = partition, p.Batch.Bytes
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.Partitions = p.Topic, append(topic.Partitions, part)
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(produceVersion)
	req.Acks, req.TimeoutMillis, req.Topics = p.Acks, 30_000, append(req.Topics, topic)
	return req
}

func (p *producer) run(c *net.TCPConn, m *meter) error {
	for now := time.Now(); p.left(now, m) > 0 || p.acked < p.next; now = time.Now() {
		if left := p.left(now, m); left > 0 {
			if err := p.fill(c, now, left); err != nil {
				return err
			}
		}
		if err := p.receive(c, m); err != nil {
			return err
		}
	}
	return nil
}

// left returns how many requests may still be sent.
func (p *producer) left(now time.Time, m *meter) int64 {
	switch {
	case p.load.Requests > 0:
		return p.load.Requests - int64(p.next)
	case m.over(now) && p.next > 0: // one at least, however late it begins
		return 0
	}
	return math.MaxInt64
}

// fill sends until so many requests are in flight as may be, and left at most.
func (p *producer) fill(c *net.TCPConn, now time.Time, left int64) error {
	for {
		n := min(p.load.InFlight-int(p.next-p.acked), len(p.buf)/p.frame)
		if n = int(min(int64(n), left)); n == 0 {
			return nil
		}
		left -= int64(n)
		for i := range n {
			binary.BigEndian.PutUint32(p.buf[i*p.frame+offCorrelation:], uint32(p.next))
			p.sent[int(p.next)%len(p.sent)] = now
			p.next++
		}
		if _, err := c.Write(p.buf[:n*p.frame]); err != nil {
			return fmt.Errorf("send Produce: %w", err)
		}
		now = time.Now()
	}
}

// receive waits for at least one answer and takes all that have come.
func (p *producer) receive(c *net.TCPConn, m *meter) error {
	before := p.acked
	for p.acked == before {
		n, err := c.Read(p.in[p.held:])
		if err != nil {
			return fmt.Errorf("receive Produce: %w", err)
		}
		p.held += n
		now := time.Now()
		at := 0
		for p.held-at >= lengthSize {
			size := lengthSize + int(binary.BigEndian.Uint32(p.in[at:]))
			if size < p.answers.least() || size > len(p.in) {
				return fmt.Errorf("%w: Produce response of %d bytes", ErrAnswer, size)
			}
			if p.held-at < size {
				break
			}
			if err := p.take(p.in[at:at+size], now, m); err != nil {
				return err
			}
			at += size
		}
		p.held = copy(p.in, p.in[at:p.held])
	}
	return nil
}

// take counts one response.
func (p *producer) take(frame []byte, now time.Time, m *meter) error {
	if err := p.answers.check(frame); err != nil {
		return err
	}
	m.count(p.sent[int(p.acked)%len(p.sent)], now, int64(p.load.Batch.Records), int64(len(p.load.Batch.Bytes)))
	p.acked++
	return nil
}
