//go:build linux

package limit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"
)

// Source is a file of record batches, all of one size, as a log has them from offset 0 on.
type Source struct {
	// Path is the file.
	Path string
	// Topic is the name that the responses carry.
	Topic string
	// BatchBytes and BatchRecords are the size of each batch and the number of its records.
	BatchBytes, BatchRecords int64
	// SpanBytes is how much is sent for each request.
	SpanBytes int64
}

// SpanVersion is the version of the Fetch requests that Spans answers.
const SpanVersion = 12

// offsetFromEnd is where the fetch offset stands in a Fetch request of SpanVersion for one partition without a rack,
// counted from the end: behind it are the fetched epoch, the log's start and the limit (4, 8 and 4 bytes), the tags of
// partition and topic, no forgotten topics, the empty rack and the tags of the request.
const offsetFromEnd = 8 + 4 + 8 + 4 + 5

// ErrSpan reports a request that Spans cannot answer.
var ErrSpan = errors.New("no such span")

// spans answers each request with a header, SpanBytes of the file by sendfile, and the end of the response.
func (s *Server) spans(c *net.TCPConn) error {
	source := s.o.Source
	f, err := os.Open(source.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	head, tail := source.response()
	out := spanWriter{raw: raw, file: int(f.Fd())}
	in := frames{from: c}
	for {
		frame, err := in.next()
		if err != nil {
			return err
		}
		copy(head[lengthSize:], frame[offCorrelation:headerSize])
		offset := int64(binary.BigEndian.Uint64(frame[max(len(frame)-offsetFromEnd, 0):]))
		at := offset / source.BatchRecords * source.BatchBytes
		if offset < 0 || at+source.SpanBytes > info.Size() {
			return fmt.Errorf("%w: got offset %d, position %d of %d bytes", ErrSpan, offset, at, info.Size())
		}
		if err := out.send(head, at, source.SpanBytes, tail); err != nil {
			return err
		}
	}
}

// response returns what stands before the records and after them, in a response to a Fetch request for one partition.
func (s *Source) response() (head, tail []byte) {
	res := kmsg.NewPtrFetchResponse()
	res.SetVersion(SpanVersion)
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches = []byte{}
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic = s.Topic
	topic.Partitions = append(topic.Partitions, part)
	res.Topics = append(res.Topics, topic)
	const empty, tags = 1, 3 // the length of no records; the empty tags of partition, topic and response
	head = make([]byte, headerSize-lengthSize+1)
	head = res.AppendTo(head)
	tail = make([]byte, tags)
	head = head[:len(head)-empty-tags]
	head = binary.AppendUvarint(head, uint64(s.SpanBytes)+1)
	binary.BigEndian.PutUint32(head, uint32(int64(len(head))+s.SpanBytes+tags-lengthSize))
	return head, tail
}

// spanWriter sends head, span and tail of one response after the other.
type spanWriter struct {
	raw  syscall.RawConn
	file int
}

func (w *spanWriter) send(head []byte, at, n int64, tail []byte) error {
	var failed error
	err := w.raw.Write(func(fd uintptr) bool {
		for len(head) > 0 || n > 0 || len(tail) > 0 {
			switch {
			case len(head) > 0:
				sent, err := unix.SendmsgN(int(fd), head, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_MORE)
				head, failed = head[max(sent, 0):], err
			case n > 0:
				var sent int
				sent, failed = unix.Sendfile(int(fd), w.file, &at, int(n))
				n -= int64(max(sent, 0))
			default:
				sent, err := unix.SendmsgN(int(fd), tail, nil, nil, unix.MSG_NOSIGNAL)
				tail, failed = tail[max(sent, 0):], err
			}
			if errors.Is(failed, unix.EAGAIN) {
				failed = nil
				return false
			}
			if failed != nil && !errors.Is(failed, unix.EINTR) {
				return true
			}
			failed = nil
		}
		return true
	})
	return errors.Join(failed, err)
}
