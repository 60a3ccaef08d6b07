package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// source opens the input as the flags say.
func (f *production) source(in io.Reader, topic string) (recordSource, error) {
	switch {
	case f.format == cli.JSON:
		return newJSONReader(in, topic), nil
	case f.format == cli.Text && topic == "":
		return nil, cli.Usagef("name a topic; only --format json and layouts with %%t may go without")
	case f.format == cli.Text:
		return &lineReader{in: bufio.NewReaderSize(in, 1<<16), topic: topic, delimiter: []byte(f.key)}, nil
	}
	reader, err := kgo.NewRecordReader(in, f.layout)
	if err != nil {
		return nil, cli.Usagef("-f: %w", err)
	}
	return &layoutReader{reader: reader, topic: topic}, nil
}

// lineReader reads one record a line: a value, or a key and a value.
type lineReader struct {
	in        *bufio.Reader
	topic     string
	delimiter []byte
}

// longestLine bounds a line: no broker takes a larger record.
const longestLine = 1 << 30

// next implements recordSource.
func (l *lineReader) next() (*kgo.Record, error) {
	var line []byte
	for {
		part, err := l.in.ReadSlice('\n')
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(line) <= longestLine {
			continue
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("the line is longer than %s", cli.FormatSize(longestLine))
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		line = line[:len(line)-1]
		break
	}
	r := &kgo.Record{Topic: l.topic, Partition: anyPartition, Value: line}
	if key, value, ok := bytes.Cut(line, l.delimiter); ok && len(l.delimiter) > 0 {
		r.Key, r.Value = key, value
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return r, nil
}

// layoutReader reads records in a layout with % verbs.
type layoutReader struct {
	reader *kgo.RecordReader
	topic  string
}

// next implements recordSource.
func (l *layoutReader) next() (*kgo.Record, error) {
	r := &kgo.Record{Partition: anyPartition}
	if err := l.reader.ReadRecordInto(r); err != nil {
		return nil, err
	}
	if l.topic != "" {
		r.Topic = l.topic
	}
	return r, nil
}

// chooser puts a record into the partition that it names, or has franz-go's own partitioner choose: by the key as Kafka
// does, else one partition for a batch.
type chooser struct{ kgo.Partitioner }

func newChooser() kgo.Partitioner {
	return chooser{kgo.StickyKeyPartitioner(nil)}
}

// ForTopic implements kgo.Partitioner.
func (c chooser) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicChooser{otherwise: c.Partitioner.ForTopic(topic)}
}

// topicChooser is a chooser for one topic.
type topicChooser struct {
	otherwise kgo.TopicPartitioner
	// last is the record that was asked about last, and named says that it named a partition then. The client asks once
	// more if the record would begin a new batch, and has filled in its partition meanwhile.
	last  *kgo.Record
	named bool
}

var _ kgo.TopicPartitionerOnNewBatch = (*topicChooser)(nil)

// RequiresConsistency implements kgo.TopicPartitioner: such records must go to the one partition even while it has no
// leader.
func (c *topicChooser) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || c.otherwise.RequiresConsistency(r)
}

// Partition implements kgo.TopicPartitioner. A number that the topic does not have fails the record.
func (c *topicChooser) Partition(r *kgo.Record, n int) int {
	if r != c.last {
		c.last, c.named = r, r.Partition >= 0
	}
	if c.named {
		return int(r.Partition)
	}
	return c.otherwise.Partition(r, n)
}

// OnNewBatch implements kgo.TopicPartitionerOnNewBatch: it is then that a record without a key changes its partition.
func (c *topicChooser) OnNewBatch() {
	if o, ok := c.otherwise.(kgo.TopicPartitionerOnNewBatch); ok {
		o.OnNewBatch()
	}
}
