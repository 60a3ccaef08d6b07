//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Spread is a load of Produce requests with batches for several partitions each: batch k of request r goes to partition
// r*PerRequest+k modulo Partitions, so that all partitions have as much. With a Rate it is an open loop: request i is
// due at the beginning plus i intervals, whatever happened to those before it, and its latency counts from then. Nobody
// else may write to the topic meanwhile: base offsets are checked.
type Spread struct {
	Address string
	Topic   string
	// Partitions is how many the topic has; of one partition a request holds all its batches.
	Partitions int32
	// PerRequest is the number of batches in a request.
	PerRequest int
	// Connections keep InFlight requests each under way; in an open loop InFlight does not count.
	Connections, InFlight int
	Batch                 Batch
	// Acks is 1 or -1; 0 would leave nothing to count.
	Acks int16
	// Rate is how many requests are due a second on all connections together; 0 is a closed loop.
	Rate   float64
	Window Window
	// Until, if it is not nil, ends the load when it is closed, and the window with it.
	Until <-chan struct{}
}

// Run produces over the window, waits until everything is answered and returns what the window saw: requests that were
// answered in it, and in an open loop the latencies of those that were due in it.
func (s Spread) Run(ctx context.Context) (Result, error) {
	frames := s.frames()
	workers, shared := make([]worker, s.Connections), s.shared(len(frames))
	for i := range workers {
		w := &spreader{load: &s, number: i, in: bufio.NewReaderSize(nil, 64<<10), results: s.newResults(shared)}
		// Each patches frames of its own, unless there are fewer than connections.
		for k := i % len(frames); k < len(frames); k += s.Connections {
			frame := frames[k]
			if len(frames) < s.Connections {
				frame = append([]byte(nil), frame...)
			}
			w.frames, w.results.from = append(w.frames, frame), append(w.results.from, s.from(k))
		}
		workers[i] = w
	}
	began := time.Now()
	r, err := drive(ctx, s.Address, s.Window, workers)
	if s.Until != nil {
		r.Elapsed = min(r.Elapsed, max(time.Since(began)-s.Window.Warm, 0))
	}
	return r, err
}

// frames builds the requests that go once round all partitions.
func (s *Spread) frames() [][]byte {
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))
	per := int32(s.PerRequest)
	rounds := max((s.Partitions+per-1)/per, 1)
	frames := make([][]byte, rounds)
	for r := range rounds {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = s.Topic
		for k := range per {
			part := kmsg.NewProduceRequestTopicPartition()
			part.Partition, part.Records = (s.from(int(r))+k)%s.Partitions, s.Batch.Bytes
			topic.Partitions = append(topic.Partitions, part)
		}
		req := kmsg.NewPtrProduceRequest()
		req.SetVersion(produceVersion)
		req.Acks, req.TimeoutMillis, req.Topics = s.Acks, 30_000, append(req.Topics, topic)
		frames[r] = format.AppendRequest(nil, req, 0)
	}
	return frames
}

// from is the partition of a request's first batch; the others go to those that follow.
func (s *Spread) from(request int) int32 { return int32(request * s.PerRequest % int(s.Partitions)) }

// shared says of each partition whether several connections produce to it: where there are fewer requests than
// connections, or where the last one goes round to the first partitions.
func (s *Spread) shared(requests int) []bool {
	shared, by := make([]bool, s.Partitions), make([]int, s.Partitions) // the connection, counted from 1
	for i := range s.Connections {
		for r := i % requests; r < requests; r += s.Connections {
			for k := range int32(min(s.PerRequest, int(s.Partitions))) {
				at := (s.from(r) + k) % s.Partitions
				shared[at] = shared[at] || by[at] > 0 && by[at] != i+1
				by[at] = i + 1
			}
		}
	}
	return shared
}

// AnswerBytes is the size of an answer without errors, length included.
func (s *Spread) AnswerBytes() int { return len(s.answer()) }

// answer is one without errors.
func (s *Spread) answer() []byte {
	topic := kmsg.NewProduceResponseTopic()
	topic.Topic = s.Topic
	for range s.PerRequest {
		topic.Partitions = append(topic.Partitions, kmsg.NewProduceResponseTopicPartition())
	}
	res := kmsg.NewPtrProduceResponse()
	res.SetVersion(produceVersion)
	res.Topics = append(res.Topics, topic)
	return res.AppendTo(make([]byte, answerHeader))
}

// answerHeader is what precedes the body: length, correlation id, no tags.
const answerHeader = lengthSize + 4 + 1

// resultSize is the size of a partition's result without an error: index, code, base offset, time, start, no errors of
// records, no message, no tags.
const resultSize = 4 + 2 + 8 + 8 + 8 + 1 + 1 + 1

// spreader is one connection of a Spread load.
type spreader struct {
	load   *Spread
	number int
	frames [][]byte
	in     *bufio.Reader
	buf    []byte
	acked  int32
	*results
}

func (s *spreader) run(c *net.TCPConn, m *meter) error {
	s.in.Reset(c)
	if s.load.Rate > 0 {
		return s.open(c, m)
	}
	sent := make([]time.Time, s.load.InFlight)
	next := int32(0)
	for {
		for now := time.Now(); int(next-s.acked) < len(sent) && (next == 0 || !s.over(now, m)); now = time.Now() {
			sent[int(next)%len(sent)] = now
			if err := s.send(c, next); err != nil {
				return err
			}
			next++
		}
		if next == s.acked {
			return nil
		}
		if err := s.receive(); err != nil {
			return err
		}
		m.count(sent[int(s.acked-1)%len(sent)], time.Now(), s.records(), s.bytes())
	}
}

func (s *spreader) records() int64 { return int64(s.load.PerRequest * s.load.Batch.Records) }

func (s *spreader) bytes() int64 { return int64(s.load.PerRequest * len(s.load.Batch.Bytes)) }

// over reports that nothing more is to be sent.
func (s *spreader) over(now time.Time, m *meter) bool {
	select {
	case <-s.load.Until: // never, if it is nil
		return true
	default:
		return m.over(now)
	}
}

// open sends each request when it is due, and has the answers read beside it.
func (s *spreader) open(c *net.TCPConn, m *meter) error {
	const most = 1 << 16 // in flight; the sockets' buffers are full long before
	dues := make(chan time.Time, most)
	received := make(chan error, 1)
	go func() {
		err := s.answers(dues, m)
		if err != nil {
			_ = c.Close() // ends the sender
		}
		received <- err
	}()
	err := s.paced(c, m, dues)
	close(dues)
	if err != nil {
		_ = c.Close() // ends the receiver
	}
	return first([]error{<-received, err})
}

// paced sends until the window is over.
func (s *spreader) paced(c *net.TCPConn, m *meter, dues chan<- time.Time) error {
	runtime.LockOSThread() // it sleeps in the kernel, to the microsecond
	defer runtime.UnlockOSThread()
	start := m.from.Add(-s.load.Window.Warm)
	for i := int32(0); ; i++ {
		number := float64(s.number) + float64(i)*float64(s.load.Connections)
		due := start.Add(time.Duration(number / s.load.Rate * float64(time.Second)))
		if s.over(due, m) && i > 0 { // one at least
			return nil
		}
		sleepUntil(due)
		dues <- due
		if err := s.send(c, i); err != nil {
			return err
		}
	}
}

// answers reads an answer for each request that was sent.
func (s *spreader) answers(dues <-chan time.Time, m *meter) error {
	for due := range dues {
		if err := s.receive(); err != nil {
			return err
		}
		m.paced(due, time.Now(), s.records(), s.bytes())
	}
	return nil
}

// paced notes the answer to a request that was due at some time: the latency counts where it was due in the window,
// however late the answer is.
func (m *meter) paced(due, now time.Time, records, bytes int64) {
	m.result.All++
	if !due.Before(m.from) && !due.After(m.to) {
		_ = m.result.Latency.RecordValue(min(max(int64(now.Sub(due)), shortest), longest)) // it is within bounds
	}
	if now.Before(m.from) || now.After(m.to) {
		return
	}
	m.result.Requests++
	m.result.Records += records
	m.result.Bytes += bytes
}

func (s *spreader) send(c *net.TCPConn, correlation int32) error {
	frame := s.frames[int(correlation)%len(s.frames)]
	binary.BigEndian.PutUint32(frame[offCorrelation:], uint32(correlation))
	if _, err := c.Write(frame); err != nil {
		return fmt.Errorf("send Produce: %w", err)
	}
	return nil
}

// receive takes one answer, which must have the correlation id that is due and the results that were asked for.
func (s *spreader) receive() error {
	head, err := s.in.Peek(lengthSize)
	if err != nil {
		return fmt.Errorf("receive Produce: %w", err)
	}
	size := lengthSize + int64(binary.BigEndian.Uint32(head))
	if size > largestAnswer {
		return fmt.Errorf("%w: got a frame of %d bytes, expected at most %d", ErrAnswer, size, largestAnswer)
	}
	if int64(len(s.buf)) < size {
		s.buf = make([]byte, size)
	}
	frame := s.buf[:size]
	if _, err := io.ReadFull(s.in, frame); err != nil {
		return fmt.Errorf("receive Produce: %w", err)
	}
	if len(frame) != len(s.expected) {
		return s.unexpected(frame)
	}
	if got := int32(binary.BigEndian.Uint32(frame[lengthSize:])); got != s.acked {
		return fmt.Errorf("%w: got correlation id %d, expected %d", ErrAnswer, got, s.acked)
	}
	if err := s.check(frame, int(s.acked)); err != nil {
		return err
	}
	s.acked++
	return nil
}

// results checks what a connection's answers say of the partitions.
type results struct {
	load     *Spread
	expected []byte // an answer, but for correlation id, indexes and offsets
	first    int    // where it has its first result
	// from are the first partitions of the connection's requests, in turn.
	from []int32
	// times counts the results of the partitions of one answer, the first one's first.
	times  []int32
	shared []bool
	// next are the least base offsets that partitions may answer, 0 of those that have not answered.
	next []int64
	loop bool
}

func (s *Spread) newResults(shared []bool) *results {
	expected := s.answer()
	return &results{
		load: s, expected: expected, shared: shared, next: make([]int64, s.Partitions),
		first: errorCodeOf(s.Topic) - 1 + len(binary.AppendUvarint(nil, uint64(s.PerRequest)+1)) - 4,
		times: make([]int32, min(s.PerRequest, int(s.Partitions))),
	}
}

// check takes the answer to the connection's n-th request, of the right size. Raw loops answer zeros, from the first
// answer on; a broker's answer names the topic. A broker may give the results in another order than was asked for.
func (r *results) check(frame []byte, n int) error {
	zeros := !slices.ContainsFunc(frame[lengthSize+4:], func(b byte) bool { return b != 0 })
	if n == 0 {
		r.loop = zeros
	}
	switch {
	case zeros != r.loop:
		return fmt.Errorf("%w: got a Produce response of zeros: %t, expected %t, as the first one", ErrAnswer, zeros,
			r.loop)
	case zeros:
		return nil
	}
	if got, want := frame[lengthSize+4:r.first], r.expected[lengthSize+4:r.first]; !bytes.Equal(got, want) {
		return fmt.Errorf("%w: got a Produce response that begins with %x, expected %x", ErrAnswer, got, want)
	}
	clear(r.times)
	from := r.from[n%len(r.from)]
	for at := r.first; at+resultSize <= len(frame); at += resultSize {
		if err := r.checkOne(frame[at:at+resultSize], from); err != nil {
			return err
		}
	}
	return nil
}

// checkOne takes one result of the answer to a request for the partitions from one on. Where nobody else produces to
// its partition, its base offset follows the last batch; else whole batches may be between.
func (r *results) checkOne(result []byte, from int32) error {
	if err := refused(int16(binary.BigEndian.Uint16(result[4:]))); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	partitions, per := r.load.Partitions, int32(r.load.PerRequest)
	index := int32(binary.BigEndian.Uint32(result))
	place := index - from
	if place < 0 {
		place += partitions // where a request goes round
	}
	if index < 0 || index >= partitions || place >= per || r.times[place] > (per-1-place)/partitions {
		return fmt.Errorf("%w: got a result of partition %d, expected those of %d batches from %d on, of %d",
			ErrAnswer, index, per, from, partitions)
	}
	r.times[place]++
	offset, records := int64(binary.BigEndian.Uint64(result[4+codeSize:])), int64(r.load.Batch.Records)
	next := r.next[index]
	beyond := offset - next
	if offset < 0 || next > 0 && (beyond < 0 || beyond%records != 0 || beyond > 0 && !r.shared[index]) {
		return fmt.Errorf("%w: got base offset %d of partition %d, expected %d, batches of %d records (shared: %t)",
			ErrAnswer, offset, index, next, records, r.shared[index])
	}
	r.next[index] = offset + records
	return nil
}

// unexpected says what is wrong with an answer of another size.
func (s *spreader) unexpected(frame []byte) error {
	res := kmsg.NewPtrProduceResponse()
	res.SetVersion(produceVersion)
	err := decode(frame[lengthSize:], s.acked, res)
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			err = errors.Join(err, refused(p.ErrorCode))
		}
	}
	size := fmt.Errorf("%w: got a Produce response of %d bytes, expected %d", ErrAnswer, len(frame), len(s.expected))
	return errors.Join(size, err)
}
