package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// jsonRecord is a record as consume --format json prints it and produce --format json reads it, one object a line.
// Bytes that are no UTF-8 stand under a key that ends in _base64; a null key or value is absent.
//
//	{"topic":"t","partition":0,"offset":7,"leader_epoch":0,"timestamp_ms":1700000000000,"timestamp_type":"CreateTime",
//	 "key":"k","value":"v","headers":[{"key":"a","value_base64":"/w=="}]}
//
// Reading needs none of them: what is missing is null, any partition, and now. Offset, leader epoch and timestamp type
// are read and do nothing.
type jsonRecord struct {
	Topic         string  `json:"topic,omitempty"`
	Partition     *int32  `json:"partition,omitempty"`
	Offset        *int64  `json:"offset,omitempty"`
	LeaderEpoch   *int32  `json:"leader_epoch,omitempty"`
	TimestampMs   *int64  `json:"timestamp_ms,omitempty"`
	TimestampType string  `json:"timestamp_type,omitempty"`
	Key           *string `json:"key,omitempty"`
	KeyBase64     *string `json:"key_base64,omitempty"`
	Value         *string `json:"value,omitempty"`
	ValueBase64   *string `json:"value_base64,omitempty"`

	Headers []jsonHeader `json:"headers,omitempty"`
}

// jsonHeader is one header of a jsonRecord.
type jsonHeader struct {
	Key         *string `json:"key,omitempty"`
	KeyBase64   *string `json:"key_base64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 *string `json:"value_base64,omitempty"`
}

// timestampTypes are Kafka's names of the types of timestamps.
var timestampTypes = map[int8]string{0: "CreateTime", 1: "LogAppendTime"}

// encodeRecord appends a record as one line of JSON.
func encodeRecord(dst []byte, r *kgo.Record) ([]byte, error) {
	ms := r.Timestamp.UnixMilli()
	j := jsonRecord{
		Topic: r.Topic, Partition: &r.Partition, Offset: &r.Offset, LeaderEpoch: &r.LeaderEpoch, TimestampMs: &ms,
		TimestampType: timestampTypes[r.Attrs.TimestampType()],
	}
	j.Key, j.KeyBase64 = cli.SplitText(r.Key)
	j.Value, j.ValueBase64 = cli.SplitText(r.Value)
	for _, h := range r.Headers {
		var each jsonHeader
		each.Key, each.KeyBase64 = cli.SplitText([]byte(h.Key))
		if each.Key == nil && each.KeyBase64 == nil {
			each.Key = new(string)
		}
		each.Value, each.ValueBase64 = cli.SplitText(h.Value)
		j.Headers = append(j.Headers, each)
	}
	line, err := cli.Marshal(j)
	return append(append(dst, line...), '\n'), err
}

// errBoth reports a field that is there as text and in base64.
var errBoth = errors.New("got text and base64 of the same field, expected one of them")

// join is the inverse of cli.SplitText.
func join(text, encoded *string) ([]byte, error) {
	switch {
	case text != nil && encoded != nil:
		return nil, errBoth
	case text != nil:
		return []byte(*text), nil
	case encoded != nil:
		return base64.StdEncoding.DecodeString(*encoded)
	}
	return nil, nil
}

// jsonReader reads records from a stream of JSON objects.
type jsonReader struct {
	decoder *json.Decoder
	topic   string
}

func newJSONReader(in io.Reader, topic string) *jsonReader {
	return &jsonReader{decoder: json.NewDecoder(in), topic: topic}
}

// next implements recordSource.
func (r *jsonReader) next() (*kgo.Record, error) {
	var raw json.RawMessage
	if err := r.decoder.Decode(&raw); err != nil {
		return nil, err
	}
	// The decoder would replace what is no UTF-8 without a word.
	if !utf8.Valid(raw) {
		return nil, errors.New("the JSON text is not UTF-8")
	}
	var j jsonRecord
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&j); err != nil {
		return nil, err
	}
	return j.record(r.topic)
}

// record returns what the object stands for. topic wins over the object's own, if it is not empty.
func (j *jsonRecord) record(topic string) (*kgo.Record, error) {
	r := &kgo.Record{Topic: topic, Partition: anyPartition}
	if topic == "" {
		r.Topic = j.Topic
	}
	if j.Partition != nil {
		if *j.Partition < 0 {
			return nil, fmt.Errorf("got partition %d, expected at least 0", *j.Partition)
		}
		r.Partition = *j.Partition
	}
	if j.TimestampMs != nil {
		r.Timestamp = time.UnixMilli(*j.TimestampMs)
	}
	var err error
	if r.Key, err = join(j.Key, j.KeyBase64); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if r.Value, err = join(j.Value, j.ValueBase64); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	for _, h := range j.Headers {
		key, err := join(h.Key, h.KeyBase64)
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		value, err := join(h.Value, h.ValueBase64)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", key, err)
		}
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(key), Value: value})
	}
	return r, nil
}
