package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What -sabotage can be. A judge that never condemns proves nothing: each of these must fail the run.
const (
	// sabotageNone leaves everything as it is.
	sabotageNone = "none"
	// sabotageSkip makes a member leave a record out.
	sabotageSkip = "skip"
	// sabotageCommit puts something between members and broker that acknowledges some commits and does not pass them
	// on.
	sabotageCommit = "commit"
)

// liar is a dialing whose connections answer OffsetCommit themselves whenever lies says so. All else is passed on, and
// answers keep the order of their requests.
//
//	client -> broker   size(4) key(2) version(2) correlation(4) client(2+n) [tags] body
//	broker -> client   size(4) correlation(4) [tags] body
func liar(lies func() bool) dialing {
	return func(ctx context.Context, kind, address string) (net.Conn, error) {
		broker, err := new(net.Dialer).DialContext(ctx, kind, address)
		if err != nil {
			return nil, err
		}
		client, inner := net.Pipe()
		// What is due to be answered next: nil by the broker, else as it stands.
		due := make(chan []byte, 1024)
		go func() {
			defer broker.Close()
			defer close(due)
			passOn(inner, broker, due, lies)
		}()
		go func() {
			defer inner.Close()
			answer(inner, broker, due)
		}()
		return client, nil
	}
}

// passOn passes requests on until one side ends.
func passOn(client io.Reader, broker io.Writer, due chan<- []byte, lies func() bool) {
	for {
		frame, err := readFrame(client)
		if err != nil {
			return
		}
		if lie := lieTo(frame, lies); lie != nil {
			due <- lie
			continue
		}
		if _, err := broker.Write(frame); err != nil {
			return
		}
		due <- nil
	}
}

// answer passes answers back, in the order of the requests.
func answer(client io.Writer, broker io.Reader, due <-chan []byte) {
	for frame := range due {
		if frame == nil {
			var err error
			if frame, err = readFrame(broker); err != nil {
				return
			}
		}
		if _, err := client.Write(frame); err != nil {
			return
		}
	}
}

// readFrame reads a frame with its size.
func readFrame(r io.Reader) ([]byte, error) {
	const most = 128 << 20
	frame := make([]byte, 4)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(frame)
	if size > most {
		return nil, errors.New("a frame of more than 128 MiB")
	}
	frame = append(frame, make([]byte, size)...)
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

// lieTo returns the answer of a commit that is to be swallowed, nil for what is to be passed on.
func lieTo(frame []byte, lies func() bool) []byte {
	in := kbin.Reader{Src: frame[4:]}
	key, version, correlation := in.Int16(), in.Int16(), in.Int32()
	in.NullableString()
	req := kmsg.NewPtrOffsetCommitRequest()
	if !in.Ok() || key != req.Key() {
		return nil
	}
	req.SetVersion(version)
	if req.IsFlexible() {
		kmsg.ReadTags(&in)
	}
	if req.ReadFrom(in.Src) != nil || !lies() {
		return nil
	}
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition})
		}
		resp.Topics = append(resp.Topics, topic)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(correlation))
	if req.IsFlexible() {
		out = append(out, 0)
	}
	out = resp.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}
