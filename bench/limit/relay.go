//go:build linux

package limit

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// relay has all batches that came. It is all the state of a loop that hands what is produced to whoever waits for it: a
// receive, a wake-up and a send on the way of each record to each consumer.
type relay struct {
	head []byte // of a Fetch response, up to the length of its records

	mu      sync.Mutex
	batches []byte
	size    int // of each; they have one record
	came    sync.Cond
	ended   bool
}

const (
	offAPIKey  = 4
	produceKey = 0
	fetchKey   = 1
)

func newRelay(topic string) *relay {
	head, _ := (&Source{Topic: topic}).response()
	const empty = 1 // the length of no records
	r := &relay{head: head[:len(head)-empty]}
	r.came.L = &r.mu
	return r
}

// relayed serves one connection: of Produce requests for one partition with one record each, all of one size, or of
// Fetch requests, of which one at a time waits.
func (s *Server) relayed(c *net.TCPConn) error {
	in, ack := frames{from: c}, newAck(0)
	size := 0 // of a batch
	for {
		frame, err := in.next()
		if err != nil {
			return err
		}
		switch key := binary.BigEndian.Uint16(frame[offAPIKey:]); key {
		case produceKey:
			if size == 0 {
				if size, err = batchSize(frame); err != nil {
					return err
				}
			}
			const tags = 3
			s.relay.put(frame[len(frame)-tags-size : len(frame)-tags])
			acknowledge(ack, frame)
			if _, err := c.Write(ack); err != nil {
				return err
			}
		case fetchKey:
			offset := int64(binary.BigEndian.Uint64(frame[max(len(frame)-offsetFromEnd, 0):]))
			if err := s.relay.answer(c, frame, s.relay.from(offset)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: got API %d, expected Produce or Fetch", ErrFrame, key)
		}
	}
}

// batchSize returns the size of the batch in a Produce request.
func batchSize(frame []byte) (int, error) {
	const version, header = 6, headerSize + 2
	if len(frame) < header {
		return 0, fmt.Errorf("%w: got %d", ErrFrame, len(frame))
	}
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(int16(binary.BigEndian.Uint16(frame[version:])))
	id := int(binary.BigEndian.Uint16(frame[headerSize:]))
	body := header + id + 1 // behind the client id and no tags
	if body > len(frame) {
		return 0, fmt.Errorf("%w: got %d", ErrFrame, len(frame))
	}
	if err := req.ReadFrom(frame[body:]); err != nil {
		return 0, err
	}
	if len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("%w: got %d topics, expected one partition", ErrFrame, len(req.Topics))
	}
	return len(req.Topics[0].Partitions[0].Records), nil
}

// put keeps a batch of one record, under the next offset, and wakes who waits.
func (r *relay) put(batch []byte) {
	r.mu.Lock()
	at := len(r.batches)
	r.batches = append(r.batches, batch...)
	r.size = len(batch)
	binary.BigEndian.PutUint64(r.batches[at:], uint64(at/len(batch)))
	r.mu.Unlock()
	r.came.Broadcast()
}

// from returns the batches from an offset on, and waits if there are none. They are not changed any more.
func (r *relay) from(offset int64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.ended && int64(len(r.batches)) <= offset*int64(r.size) {
		r.came.Wait()
	}
	return r.batches[min(offset*int64(r.size), int64(len(r.batches))):]
}

// end wakes who waits for what will not come.
func (r *relay) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.came.Broadcast()
}

func (r *relay) answer(c *net.TCPConn, frame, batches []byte) error {
	const tags = 3
	out := slices.Clone(r.head)
	out = binary.AppendUvarint(out, uint64(len(batches))+1)
	out = append(out, batches...)
	out = append(out, make([]byte, tags)...)
	binary.BigEndian.PutUint32(out, uint32(len(out)-lengthSize))
	copy(out[lengthSize:], frame[offCorrelation:headerSize])
	_, err := c.Write(out)
	return err
}
