//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// conn is one connection of a client that does nothing else: frames go out as they are, and come back as bytes.
type conn struct {
	tcp         net.Conn
	in          *bufio.Reader
	correlation int32
	stop        func() bool
}

const (
	lengthSize = 4
	// largestAnswer is the largest response that is believed.
	largestAnswer = 64 << 20
	clientName    = "benchgroups"
)

var errAnswer = errors.New("unexpected answer")

// dial connects. What waits for the connection fails when ctx ends.
func dial(ctx context.Context, address string) (*conn, error) {
	var d net.Dialer
	tcp, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = tcp.Close() }) // ends a read that waits
	return &conn{tcp: tcp, in: bufio.NewReaderSize(tcp, 4<<10), stop: stop}, nil
}

func (c *conn) close() {
	c.stop()
	_ = c.tcp.Close() // nothing is left to send
}

// frame returns a request as it is sent, with its length.
func (c *conn) frame(req kmsg.Request) []byte {
	c.correlation++
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientName)).AppendRequest(nil, req, c.correlation)
}

// send sends a request whose answer is received later.
func (c *conn) send(req kmsg.Request) error {
	_, err := c.tcp.Write(c.frame(req))
	return err
}

// receive returns the next frame without its length. It is valid until the next call if it fits into dst.
func (c *conn) receive(dst []byte) ([]byte, error) {
	head, err := c.in.Peek(lengthSize)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if n < lengthSize || n > largestAnswer {
		return nil, fmt.Errorf("%w: got a frame of %d bytes", errAnswer, n)
	}
	if _, err := c.in.Discard(lengthSize); err != nil {
		return nil, err
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	_, err = io.ReadFull(c.in, dst[:n])
	return dst[:n], err
}

// answer receives the response to a request.
func (c *conn) answer(req kmsg.Request) (kmsg.Response, error) {
	frame, err := c.receive(nil)
	if err != nil {
		return nil, err
	}
	res := req.ResponseKind()
	body := frame[lengthSize:] // the correlation id is as long
	if res.IsFlexible() && res.Key() != int16(kmsg.ApiVersions) && len(body) > 0 {
		body = body[1:] // no tags
	}
	return res, res.ReadFrom(body)
}

// ask sends a request, whose version is set, and returns its response.
func (c *conn) ask(req kmsg.Request) (kmsg.Response, error) {
	if err := c.send(req); err != nil {
		return nil, err
	}
	return c.answer(req)
}

// codeError returns the error of a code, nil for 0.
func codeError(what string, code int16) error {
	if err := kerr.ErrorForCode(code); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// createTopics creates topics of so many partitions with one request.
func (c *conn) createTopics(partitions int32, names ...string) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 7, 60_000
	for _, name := range names {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, t)
	}
	res, err := c.ask(req)
	if err != nil {
		return err
	}
	for _, t := range res.(*kmsg.CreateTopicsResponse).Topics {
		if err := codeError("create "+t.Topic, t.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// awaitLeaders waits until every partition of a topic has a leader.
func (c *conn) awaitLeaders(ctx context.Context, topic string, partitions int) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 9
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	for ctx.Err() == nil {
		res, err := c.ask(req)
		if err != nil {
			return err
		}
		led := 0
		for _, t := range res.(*kmsg.MetadataResponse).Topics {
			for _, p := range t.Partitions {
				if p.Leader >= 0 && p.ErrorCode == 0 {
					led++
				}
			}
		}
		if led == partitions {
			return nil
		}
	}
	return ctx.Err()
}

// awaitServed waits until the one partition of a topic tells its end: then it is not only known but there.
func (c *conn) awaitServed(ctx context.Context, topic string) error {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 7, -1
	t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	p.CurrentLeaderEpoch, p.Timestamp = -1, -1
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	for ctx.Err() == nil {
		res, err := c.ask(req)
		if err != nil {
			return err
		}
		code := res.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode
		if code == 0 {
			return nil
		}
		if err := codeError("list offsets of "+topic, code); !kerr.IsRetriable(err) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}
