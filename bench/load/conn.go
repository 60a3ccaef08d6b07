//go:build linux

package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/bench/limit"
)

// Errors of conversations with a broker.
var (
	// ErrAnswer reports a response that is not what was asked for.
	ErrAnswer = errors.New("unexpected answer")
	// ErrRefused reports an error code in a response.
	ErrRefused = errors.New("broker answered an error")
)

const (
	lengthSize = 4
	// offCorrelation is where the correlation id of a request stands in its frame, length included; in a response it
	// follows the length.
	offCorrelation = 8
	largestAnswer  = 256 << 20
)

// clientID is what requests say of their client.
const clientID = "load"

// Conn is a connection for the requests that are not measured: one at a time, decoded by kmsg.
type Conn struct {
	tcp         *net.TCPConn
	format      *kmsg.RequestFormatter
	correlation int32
}

// Dial connects to a broker. Requests fail when ctx ends.
func Dial(ctx context.Context, address string) (*Conn, error) {
	tcp, err := limit.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = tcp.Close() }) // ends a read that waits
	return &Conn{tcp: tcp, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))}, nil
}

// Close ends the connection.
func (c *Conn) Close() error {
	return c.tcp.Close()
}

// Congestion returns the congestion control of the connection's socket.
func (c *Conn) Congestion() string {
	return limit.CongestionOf(c.tcp)
}

// Ask sends a request, whose version is set, and returns the response.
func (c *Conn) Ask(req kmsg.Request) (kmsg.Response, error) {
	c.correlation++
	if _, err := c.tcp.Write(c.format.AppendRequest(nil, req, c.correlation)); err != nil {
		return nil, fmt.Errorf("send %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	frame, err := readFrame(c.tcp)
	if err != nil {
		return nil, fmt.Errorf("receive %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	res := req.ResponseKind()
	if err := decode(frame[lengthSize:], c.correlation, res); err != nil {
		return nil, fmt.Errorf("response to %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	return res, nil
}

// readFrame reads one response, length included.
func readFrame(from io.Reader) ([]byte, error) {
	var head [lengthSize]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > largestAnswer {
		return nil, fmt.Errorf("%w: got a frame of %d bytes, expected at most %d", ErrAnswer, n, largestAnswer)
	}
	frame := make([]byte, lengthSize+int(n))
	copy(frame, head[:])
	_, err := io.ReadFull(from, frame[lengthSize:])
	return frame, err
}

// decode takes a response frame without its length apart.
func decode(frame []byte, correlation int32, into kmsg.Response) error {
	const size = 4
	if len(frame) < size {
		return fmt.Errorf("%w: got %d bytes", ErrAnswer, len(frame))
	}
	if got := int32(binary.BigEndian.Uint32(frame)); got != correlation {
		return fmt.Errorf("%w: got correlation id %d, expected %d", ErrAnswer, got, correlation)
	}
	body := frame[size:]
	if into.IsFlexible() && into.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 {
			return fmt.Errorf("%w: no response header", ErrAnswer)
		}
		body = body[1:] // no tags
	}
	return into.ReadFrom(body)
}
