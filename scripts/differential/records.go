package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// bytes makes the bytes that a word stands for: hex(...), text(...), subscription(TOPIC, TOPIC) as a consumer's member
// has it, or record batches:
//
//	batch(v=a,b,c)     three records; "~" stands for null, "" for an empty value
//	k=x,y,z            their keys; null if left out
//	ts=1000,2000       their timestamps, in milliseconds or "now"; 1000 if left out, the last one for all that follow
//	codec=zstd pid=900000 epoch=0 seq=0 txn
//	attr=N base=N count=N delta=N max=N magic=N length=N   patched into the header, with a new CRC
//	crc=N              patched last
//	cut=N              N bytes cut off the end; twice: the batch a second time
func (run *run) bytes(word string) ([]byte, error) {
	kind, args, _ := strings.Cut(strings.TrimSuffix(word, ")"), "(")
	switch kind {
	case "hex":
		return hex.DecodeString(strings.ReplaceAll(args, " ", ""))
	case "batch":
		return run.batch(strings.Fields(args))
	case "empty":
		return []byte{}, nil
	case "text":
		return []byte(run.expand(args)), nil
	case "subscription":
		return run.subscription(args), nil
	}
	return nil, fmt.Errorf("got bytes %q, expected hex(...), text(...), subscription(...) or batch(...)", word)
}

// recipe is what a batch is made of.
type recipe struct {
	options      batch.Options
	values, keys []string
	times        []int64
	patches      []patch
}

// patch is a value to put into the header.
type patch struct {
	name string
	n    int64
}

func (run *run) batch(args []string) ([]byte, error) {
	r := recipe{options: batch.NewOptions(), times: []int64{1000}}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if err := run.ingredient(&r, name, value); err != nil {
			return nil, err
		}
	}
	var b batch.Builder
	b.Reset(r.options)
	for i, v := range r.values {
		var key []byte
		if i < len(r.keys) {
			key = orNull(r.keys[i])
		}
		b.Append(r.times[min(i, len(r.times)-1)], key, orNull(v))
	}
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	return patched(append(batch.Batch(nil), built...), r.patches)
}

func orNull(s string) []byte {
	if s == "~" {
		return nil
	}
	return []byte(s)
}

// ingredient takes one argument of batch(...).
func (run *run) ingredient(r *recipe, name, value string) error {
	switch name {
	case "v":
		r.values = strings.Split(value, ",")
		return nil
	case "k":
		r.keys = strings.Split(value, ",")
		return nil
	case "ts":
		r.times = nil
		for _, t := range strings.Split(value, ",") {
			n, err := instant(t)
			if err != nil {
				return err
			}
			r.times = append(r.times, n)
		}
		return nil
	case "codec":
		codecs := map[string]batch.Codec{"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
		r.options.Codec = codecs[value]
		return nil
	case "txn":
		r.options.Transactional = true
		return nil
	case "twice":
		r.patches = append(r.patches, patch{name: name})
		return nil
	}
	n, err := run.number(value)
	switch name {
	case "pid":
		r.options.ProducerID = base.ProducerID(n)
	case "epoch":
		r.options.ProducerEpoch = base.ProducerEpoch(n)
	case "seq":
		r.options.BaseSequence = int32(n)
	default:
		r.patches = append(r.patches, patch{name: name, n: n})
	}
	return err
}

func instant(text string) (int64, error) {
	if after, ok := strings.CutPrefix(text, "now"); ok {
		add, err := strconv.ParseInt("0"+strings.TrimPrefix(after, "+"), 10, 64)
		return time.Now().UnixMilli() + add, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// renderBatches writes record batches: offsets, leader epoch, codec, producer, and each record's key, value and time.
func (run *run) renderBatches(p []byte) string {
	out := []string{}
	for len(p) > 0 {
		b, rest, err := batch.Parse(p)
		if err != nil {
			out = append(out, fmt.Sprintf("rest=%d", len(p)))
			break
		}
		p = rest
		text := fmt.Sprintf("%d-%d epoch=%d %s", b.BaseOffset(), b.LastOffset(), b.LeaderEpoch(), b.Codec())
		if b.ProducerID() >= 0 {
			text += fmt.Sprintf(" producer=%s/%d/%d", run.maskNumber("ProducerID", int64(b.ProducerID())),
				b.ProducerEpoch(), b.BaseSequence())
		}
		if err := b.CheckCRC(); err != nil {
			text += " badCRC"
		}
		out = append(out, "batch("+text+run.renderRecords(b)+")")
	}
	return "[" + strings.Join(out, " ") + "]"
}

func (run *run) renderRecords(b batch.Batch) string {
	text := ""
	it := b.Records(batch.DefaultMaxInflated)
	defer it.Close()
	for it.Next() {
		r := it.Record()
		text += fmt.Sprintf(" %s=%s@%s", nullOr(r.Key), nullOr(r.Value), run.maskNumber("Time", r.Timestamp))
	}
	if it.Err() != nil {
		text += " undecodable"
	}
	return text
}

func nullOr(p []byte) string {
	if p == nil {
		return "~"
	}
	return string(p)
}
