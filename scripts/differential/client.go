package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

// client is one connection that sends one request at a time.
type client struct {
	tcp         net.Conn
	in          *bufio.Reader
	correlation int32
}

var (
	errReset       = errors.New("connection reset")
	errUndecodable = errors.New("answer does not decode")
)

// patience is how long an answer may take.
const patience = 5 * time.Second

func dial(address string) (*client, error) {
	tcp, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return &client{tcp: tcp, in: bufio.NewReader(tcp)}, nil
}

func (c *client) close() {
	_ = c.tcp.Close() // nothing is left to send
}

// ask sends a request and decodes its answer, to the last byte.
func (c *client) ask(req kmsg.Request) (kmsg.Response, error) {
	if err := c.send(req); err != nil {
		return nil, err
	}
	frame, err := c.receive()
	if err != nil {
		return nil, err
	}
	if got := correlationOf(frame); got != c.correlation {
		return nil, fmt.Errorf("got correlation id %d, expected %d", got, c.correlation)
	}
	return decode(req, frame)
}

func (c *client) send(req kmsg.Request) error {
	c.correlation++
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID("differential"))
	return c.write(f.AppendRequest(nil, req, c.correlation)[wire.LengthSize:])
}

// write sends a frame, given without its length.
func (c *client) write(frame []byte) error {
	_, err := c.tcp.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return connectionError(err)
}

// receive returns the next frame without its length.
func (c *client) receive() ([]byte, error) {
	if err := c.tcp.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	var length [wire.LengthSize]byte
	if _, err := io.ReadFull(c.in, length[:]); err != nil {
		return nil, connectionError(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(c.in, frame)
	return frame, connectionError(err)
}

func connectionError(err error) error {
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%w: %w", errReset, err)
	}
	return err
}

func correlationOf(frame []byte) int32 {
	if len(frame) < 4 {
		return -1
	}
	return int32(binary.BigEndian.Uint32(frame))
}

// decode decodes the answer to a request. It must decode to its last byte.
func decode(req kmsg.Request, frame []byte) (kmsg.Response, error) {
	res := req.ResponseKind()
	res.SetVersion(req.GetVersion())
	header := 4
	if wire.FlexibleHeader(req.Key(), req.GetVersion()) {
		header++
	}
	if len(frame) < header {
		return nil, fmt.Errorf("%w: got %d bytes", errUndecodable, len(frame))
	}
	if err := res.ReadFrom(frame[header:]); err != nil {
		return nil, fmt.Errorf("%w: %w", errUndecodable, err)
	}
	if again := res.AppendTo(nil); len(again) != len(frame)-header {
		return nil, fmt.Errorf("%w: got %d bytes, expected %d", errUndecodable, len(frame)-header, len(again))
	}
	return res, nil
}
