//go:build linux

package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
)

// Fetch is a load of Fetch requests for one partition that holds batches of one size from offset 0 on. Each connection
// reads all of it, again and again, from a place of its own on.
type Fetch struct {
	Address string
	Topic   string
	// Connections keep InFlight requests each under way.
	Connections, InFlight int
	// BatchBytes and BatchRecords describe the batches, Batches how many of them there are.
	BatchBytes, BatchRecords, Batches int64
	// SpanBatches is how many batches one request asks for.
	SpanBatches int64
	// CheckEvery says that every n-th response is read whole and checked.
	CheckEvery int
	// Once ends each connection when it has read the whole log, which the window must be long enough for; Elapsed is
	// how long that took.
	Once bool
	// Growing says that the log is written to meanwhile, so that its high watermark rises.
	Growing bool
	// Requests, if it is not 0, is how many each connection sends, whatever the window.
	Requests int64
	Window   Window
}

// fetchVersion is the newest Fetch version that names topics by their names.
const fetchVersion = 12

// Run fetches over the window and returns what it saw.
func (f Fetch) Run(ctx context.Context) (Result, error) {
	workers := make([]worker, f.Connections)
	spans := f.Batches / f.SpanBatches
	for i := range workers {
		workers[i] = newSink(&f, spans*int64(i)/int64(f.Connections))
	}
	began := time.Now()
	if f.Once {
		f.Window.Warm = 0 // all of it counts
	}
	r, err := drive(ctx, f.Address, f.Window, workers)
	if f.Once {
		r.Elapsed = time.Since(began)
		if err == nil && r.Requests != r.All {
			err = fmt.Errorf("%w: %d of %d answers came after %v", ErrStalled, r.All-r.Requests, r.All, f.Window.For)
		}
	}
	return r, err
}

// sink is one connection of a Fetch load.
type sink struct {
	load        *Fetch
	frame       []byte
	offset      int // of the fetch offset in frame
	sent        []time.Time
	span        int64 // the number of the next span to ask for
	due         int64 // the number of the span that is answered next
	next, acked int32 // correlation ids
	prefix      int   // bytes of a response up to the length of its records, exclusive
	// first is what stood before the records in the first response, behind the correlation id. As nothing is appended
	// meanwhile, it stands in all of them.
	first []byte
	buf   []byte
}

func newSink(load *Fetch, span int64) *sink {
	s := &sink{load: load, sent: make([]time.Time, load.InFlight), span: span, due: span}
	s.frame = load.request(mark)
	s.offset = marked(s.frame)
	// Length, correlation id, no tags, throttle time, error code, session, one topic with its name, one partition:
	// index, error code, high watermark, last stable offset, log start, aborted transactions, preferred replica.
	s.prefix = lengthSize + 4 + 1 + 4 + 2 + 4 + 1 + 1 + len(load.Topic) + 1 + 4 + 2 + 8 + 8 + 8 + 1 + 4
	s.buf = make([]byte, int64(s.prefix)+load.spanBytes()+64)
	return s
}

// mark stands in a frame where 8 bytes are to be written over later, and nowhere else in it.
const mark = 0x1122334455667788

// marked returns where the mark stands.
func marked(frame []byte) int {
	return bytes.Index(frame, binary.BigEndian.AppendUint64(nil, mark))
}

func (f *Fetch) spanBytes() int64 {
	return f.SpanBatches * f.BatchBytes
}

// request builds the frame.
func (f *Fetch) request(offset int64) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, f.ask(offset), 0)
}

// ask returns the request for what stands at an offset.
func (f *Fetch) ask(offset int64) *kmsg.FetchRequest {
	part := kmsg.NewFetchRequestTopicPartition()
	part.FetchOffset, part.PartitionMaxBytes = offset, int32(f.spanBytes())
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.Partitions = f.Topic, append(topic.Partitions, part)
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(fetchVersion)
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 500, 1, int32(f.spanBytes())
	req.SessionEpoch, req.Topics = -1, append(req.Topics, topic)
	return req
}

func (s *sink) run(c *net.TCPConn, m *meter) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	in := drain{raw: raw}
	for now := time.Now(); s.more(now, m) || s.acked < s.next; now = time.Now() {
		for s.more(now, m) && int(s.next-s.acked) < len(s.sent) {
			if err := s.ask(c, now); err != nil {
				return err
			}
		}
		if err := s.receive(&in, m); err != nil {
			return err
		}
	}
	return nil
}

// more reports whether another request is to be sent: one at least, however late it begins.
func (s *sink) more(now time.Time, m *meter) bool {
	if s.load.Requests > 0 {
		return int64(s.next) < s.load.Requests
	}
	if s.load.Once {
		return int64(s.next)*s.load.SpanBatches+s.load.SpanBatches <= s.load.Batches
	}
	return !m.over(now) || s.next == 0
}

// ask sends the next request.
func (s *sink) ask(c *net.TCPConn, now time.Time) error {
	binary.BigEndian.PutUint32(s.frame[offCorrelation:], uint32(s.next))
	binary.BigEndian.PutUint64(s.frame[s.offset:], uint64(s.span*s.load.SpanBatches*s.load.BatchRecords))
	s.sent[int(s.next)%len(s.sent)] = now
	s.next++
	s.span = s.load.after(s.span)
	if _, err := c.Write(s.frame); err != nil {
		return fmt.Errorf("send Fetch: %w", err)
	}
	return nil
}

// after returns the number of the span after one.
func (f *Fetch) after(span int64) int64 {
	if (span+2)*f.SpanBatches > f.Batches {
		return 0
	}
	return span + 1
}

// compare holds what stands before the records of a response against the first one's: all of it is the same, but for
// the high watermark and the last stable offset behind it, at ends, where the log grows; and these do not fall.
func (s *sink) compare(head []byte, ends int) error {
	if s.first == nil {
		s.first = slices.Clone(head)
	}
	expected := s.first
	if s.load.Growing {
		expected = slices.Clone(s.first)
		for _, at := range []int{ends, ends + 8} {
			if binary.BigEndian.Uint64(head[at:]) >= binary.BigEndian.Uint64(expected[at:]) {
				copy(expected[at:at+8], head[at:])
			}
		}
		s.first = expected
	}
	if !bytes.Equal(head, expected) {
		return fmt.Errorf("%w: got a Fetch response with %x before its records, expected %x", ErrAnswer, head, expected)
	}
	return nil
}

// receive takes one response.
func (s *sink) receive(in *drain, m *meter) error {
	head := s.buf[:s.prefix+binary.MaxVarintLen32]
	if err := in.read(head); err != nil {
		return fmt.Errorf("receive Fetch: %w", err)
	}
	size := lengthSize + int64(binary.BigEndian.Uint32(head))
	if got := int32(binary.BigEndian.Uint32(head[lengthSize:])); got != s.acked {
		return fmt.Errorf("%w: got correlation id %d, expected %d", ErrAnswer, got, s.acked)
	}
	const session, replica = 4, 4
	index := lengthSize + 4 + 1 + 4
	if err := refused(int16(binary.BigEndian.Uint16(head[index:]))); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	index += 2 + session + 1 + 1 + len(s.load.Topic) + 1 + 4
	if err := refused(int16(binary.BigEndian.Uint16(head[index:]))); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	const body, code = lengthSize + 4, 2
	if err := s.compare(head[body:s.prefix], index+code-body); err != nil {
		return err
	}
	length, _ := binary.Uvarint(head[s.prefix:])
	if int64(length) != s.load.spanBytes()+1 || size < int64(len(head)) || size > int64(len(s.buf)) {
		return fmt.Errorf("%w: got %d bytes of records in a response of %d, expected %d", ErrAnswer, int64(length)-1,
			size, s.load.spanBytes())
	}
	var err error
	rest := size - int64(len(head))
	if s.load.CheckEvery > 0 && int(s.acked)%s.load.CheckEvery == 0 {
		if err = in.read(s.buf[len(head):size]); err == nil {
			err = s.check(s.buf[:size])
			m.result.Checked++
		}
	} else {
		err = in.discard(rest, s.buf[len(head):])
	}
	if err != nil {
		return fmt.Errorf("receive Fetch: %w", err)
	}
	m.count(s.sent[int(s.acked)%len(s.sent)], time.Now(), s.load.SpanBatches*s.load.BatchRecords, s.load.spanBytes())
	s.acked++
	s.due = s.load.after(s.due)
	return nil
}

// check reads a whole response: its batches must be those that were asked for.
func (s *sink) check(frame []byte) error {
	res := kmsg.NewPtrFetchResponse()
	res.SetVersion(fetchVersion)
	if err := decode(frame[lengthSize:], s.acked, res); err != nil {
		return err
	}
	p, err := only(res)
	if err != nil {
		return err
	}
	records := p.RecordBatches
	want := s.due * s.load.SpanBatches * s.load.BatchRecords
	for len(records) > 0 {
		b, rest, err := batch.Parse(records)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		if err := b.CheckCRC(); err != nil {
			return fmt.Errorf("%w: batch of offset %d: %w", ErrAnswer, want, err)
		}
		if int64(b.BaseOffset()) != want {
			return fmt.Errorf("%w: got a batch of offset %d, expected %d", ErrAnswer, b.BaseOffset(), want)
		}
		want, records = int64(b.NextOffset()), rest
	}
	return nil
}

// drain reads from a socket, or has the kernel drop what it has received (MSG_TRUNC, see tcp(7)).
type drain struct {
	raw syscall.RawConn
}

// read fills p.
func (d *drain) read(p []byte) error {
	return d.receive(int64(len(p)), p, 0)
}

// discard drops n bytes; p is memory that the kernel may think it writes to.
func (d *drain) discard(n int64, p []byte) error {
	return d.receive(n, p, syscall.MSG_TRUNC)
}

// receive takes n bytes from the socket, to p and its places after if they are read.
func (d *drain) receive(n int64, p []byte, flags int) error {
	var failed error
	err := d.raw.Read(func(fd uintptr) bool {
		for n > 0 {
			got, errno := receive(fd, p[:min(n, int64(len(p)))], flags)
			switch {
			case errno == syscall.EAGAIN:
				return false
			case errno == syscall.EINTR:
				continue
			case errno != 0:
				failed = errno
				return true
			case got == 0:
				failed = syscall.ECONNRESET
				return true
			}
			n -= int64(got)
			if flags&syscall.MSG_TRUNC == 0 {
				p = p[got:]
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	return failed
}
