package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// run is one pass of a script over one broker.
type run struct {
	address string
	host    string
	port    int
	// suffix makes the run's names unique; it stands where the script has "@".
	suffix  string
	started time.Time
	conns   map[string]*client
	kept    map[string]int64
	ids     []knownID
	// members are those of groups, and sent has the requests whose answers come later, by connection.
	members []member
	sent    map[string]kmsg.Request
	// version is the one being asked in; "$v" in a script stands for it.
	version int16
}

// knownID is the id of a topic that the run made.
type knownID struct {
	name string
	id   [16]byte
}

// run runs the whole script and returns each step's answer.
func (s *script) run(address string) ([][]string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	run := &run{
		address: address, host: host, suffix: "-" + strconv.FormatInt(now.UnixNano()%(36*36*36*36*36), 36),
		started: now, conns: make(map[string]*client), kept: make(map[string]int64),
		sent: make(map[string]kmsg.Request),
	}
	if run.port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	defer run.close()
	answers := make([][]string, len(s.steps))
	for i, step := range s.steps {
		if len(step.ask) == 0 {
			continue // a comment that stands alone
		}
		if answers[i], err = run.do(step); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", s.path, step.line, step.ask[0], err)
		}
	}
	return answers, nil
}

// conn returns the connection of that name.
func (run *run) conn(name string) (*client, error) {
	if c := run.conns[name]; c != nil {
		return c, nil
	}
	c, err := dial(run.address)
	if err != nil {
		return nil, err
	}
	run.conns[name] = c
	return c, nil
}

func (run *run) forget(name string) {
	if c := run.conns[name]; c != nil {
		c.close()
		delete(run.conns, name)
	}
}

func (run *run) close() {
	for _, c := range run.conns {
		c.close()
	}
}

// expand puts the run's own values into a word of the script.
func (run *run) expand(word string) string {
	return strings.NewReplacer("@", run.suffix, "$v", fmt.Sprint(run.version)).Replace(word)
}

// number reads a number, or the name of one that was kept.
func (run *run) number(word string) (int64, error) {
	if n, ok := run.kept[word]; ok {
		return n, nil
	}
	return strconv.ParseInt(word, 10, 64)
}

// topicID reads id(TOPIC), or a number that makes an id nobody has.
func (run *run) topicID(word string) (id [16]byte, err error) {
	if name, ok := strings.CutPrefix(word, "id("); ok {
		name = run.expand(strings.TrimSuffix(name, ")"))
		for _, k := range run.ids {
			if k.name == name {
				id = k.id // the last one made counts
			}
		}
		if id == [16]byte{} {
			err = fmt.Errorf("no topic %s was made", name)
		}
		return id, err
	}
	n, err := strconv.ParseUint(word, 10, 8)
	id[15] = byte(n)
	return id, err
}

func (run *run) renderID(id [16]byte) string {
	for _, k := range run.ids {
		if k.id == id {
			return "id(" + strings.ReplaceAll(k.name, run.suffix, "@") + ")"
		}
	}
	if small := ([16]byte{15: id[15]}); id == small {
		return fmt.Sprint(id[15])
	}
	return "ID"
}

// create makes a topic and waits until it is led. Unless told otherwise it keeps records for ever: many are of 1970,
// and retention must not come between two steps.
func (run *run) create(args []string) error {
	name := run.expand(args[0])
	partitions, err := strconv.ParseInt(args[1], 10, 32)
	if err != nil {
		return err
	}
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), 1
	configs := args[2:]
	if !slices.ContainsFunc(configs, func(c string) bool { return strings.HasPrefix(c, "retention.") }) {
		configs = append(slices.Clone(configs), "retention.ms=-1")
	}
	for _, arg := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		var value string
		c.Name, value, _ = strings.Cut(arg, "=")
		c.Value = &value
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.Topics, req.TimeoutMillis = 7, append(req.Topics, t), 10000
	res, err := run.askMain(req)
	if err != nil {
		return err
	}
	made := res.(*kmsg.CreateTopicsResponse).Topics[0]
	if made.ErrorCode != 0 {
		return fmt.Errorf("create %s: got error %d", name, made.ErrorCode)
	}
	run.ids = append(run.ids, knownID{name: name, id: made.TopicID})
	return run.await(name, func(t *kmsg.MetadataResponseTopic) bool {
		return t.ErrorCode == 0 && len(t.Partitions) == int(partitions) && run.led(name, int32(partitions))
	})
}

// led reports that a topic's partitions are not only known but open.
func (run *run) led(name string, partitions int32) bool {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 7, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = name
	for i := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = i, -1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	res, err := run.askMain(req)
	if err != nil {
		return false
	}
	for _, p := range res.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
		if p.ErrorCode != 0 {
			return false
		}
	}
	return true
}

func (run *run) delete(topic string) error {
	name := run.expand(topic)
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TopicNames, req.TimeoutMillis = 5, []string{name}, 10000
	if _, err := run.askMain(req); err != nil {
		return err
	}
	return run.await(name, func(t *kmsg.MetadataResponseTopic) bool { return t.ErrorCode != 0 })
}

func (run *run) askMain(req kmsg.Request) (kmsg.Response, error) {
	c, err := run.conn("")
	if err != nil {
		return nil, err
	}
	return c.ask(req)
}

// settle waits until what was altered has reached the broker. Changes reach it in their order, so it is there when a
// later one is: a topic that comes and goes.
func (run *run) settle() error {
	if err := run.create([]string{"settle@", "1"}); err != nil {
		return err
	}
	return run.delete("settle@")
}

var errTooLate = errors.New("nothing changed in 10 s")

// await asks for a topic's metadata until it is as wanted.
func (run *run) await(topic string, ready func(*kmsg.MetadataResponseTopic) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		req := kmsg.NewPtrMetadataRequest()
		req.Version = 9
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
		res, err := run.askMain(req)
		if err != nil {
			return err
		}
		if ready(&res.(*kmsg.MetadataResponse).Topics[0]) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("topic %s: %w", topic, errTooLate)
}
