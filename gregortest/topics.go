//go:build unix

package gregortest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createVersion is the version of CreateTopics that topics are created with.
const createVersion = 6

// createTopics asks the broker for topics, over its own protocol as any client does.
func createTopics(address string, topics []topic) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = createVersion, int32(patience.Milliseconds())
	for _, t := range topics {
		if len(t.configs)%2 != 0 {
			return fmt.Errorf("topic %s: got %d names and values, expected pairs", t.name, len(t.configs))
		}
		made := kmsg.NewCreateTopicsRequestTopic()
		made.Topic, made.NumPartitions, made.ReplicationFactor = t.name, t.partitions, 1
		for i := 0; i < len(t.configs); i += 2 {
			made.Configs = append(made.Configs, kmsg.CreateTopicsRequestTopicConfig{
				Name: t.configs[i], Value: &t.configs[i+1],
			})
		}
		req.Topics = append(req.Topics, made)
	}
	res := kmsg.NewPtrCreateTopicsResponse()
	res.Version = createVersion
	if err := ask(address, req, res); err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range res.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			why := ""
			if t.ErrorMessage != nil {
				why = ": " + *t.ErrorMessage
			}
			return fmt.Errorf("create topic %s: %w%s", t.Topic, err, why)
		}
	}
	return nil
}

// ask sends one request with a flexible header and decodes its response.
func ask(address string, req kmsg.Request, res kmsg.Response) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("gregortest")).AppendRequest(nil, req, 1)
	if _, err := conn.Write(frame); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	const head = 5 // correlation id and no tagged fields
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, body); err != nil {
		return err
	}
	if len(body) < head {
		return fmt.Errorf("got a response of %d bytes, expected at least %d", len(body), head)
	}
	return res.ReadFrom(body[head:])
}
