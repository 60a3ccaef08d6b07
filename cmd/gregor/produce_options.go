package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// options turns the flags into the client's.
func (f *production) options(c *cobra.Command) ([]kgo.Opt, error) {
	var err error
	if f.layout, err = recordLayout(f.format); err != nil {
		return nil, err
	}
	if f.key != "" && f.format != cli.Text {
		return nil, cli.Usagef("-k divides lines of text, not --format %s", f.format)
	}
	pairs, err := parsePairs(f.headers)
	if err != nil {
		return nil, cli.Usagef("-H: %w", err)
	}
	for _, kv := range pairs {
		f.common = append(f.common, kgo.RecordHeader{Key: kv.Name, Value: []byte(kv.Value)})
	}
	if err := f.choosePartition(); err != nil {
		return nil, err
	}
	codec, err := parseCodec(f.codec)
	if err != nil {
		return nil, cli.Usagef("-z: %w", err)
	}
	if f.maxBytes < 1 || f.maxBytes > 1<<30 {
		return nil, cli.Usagef("--max-bytes %s: expected 1 to 1GiB", f.maxBytes.String())
	}
	options := []kgo.Opt{
		kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(newChooser()),
		kgo.ProducerBatchMaxBytes(int32(f.maxBytes)),
		kgo.BrokerMaxWriteBytes(max(int32(f.maxBytes)+1<<20, 100<<20)),
	}
	acks := map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}[f.acks.String()]
	options = append(options, kgo.RequiredAcks(acks))
	if f.acks.String() != "all" {
		if f.idempotent && c.Flags().Changed("idempotent") {
			return nil, cli.Usagef("--idempotent needs --acks all, got --acks %s", f.acks)
		}
		f.idempotent = false
	}
	if !f.idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	return options, nil
}

// choosePartition reads -p.
func (f *production) choosePartition() error {
	f.fixed = anyPartition
	switch f.partition {
	case "":
		return nil
	case "any":
		f.ignore = true
		return nil
	}
	n, err := strconv.ParseUint(f.partition, 10, 31)
	if err != nil {
		return cli.Usagef("-p: got %q, expected the number of a partition or any", f.partition)
	}
	f.fixed = int32(n)
	return nil
}

// codecs are the compression codecs by Kafka's names.
var codecs = map[string]func() kgo.CompressionCodec{
	"none": kgo.NoCompression, "gzip": kgo.GzipCompression, "snappy": kgo.SnappyCompression,
	"lz4": kgo.Lz4Compression, "zstd": kgo.ZstdCompression,
}

// parseCodec reads a codec's name with an optional level.
func parseCodec(text string) (kgo.CompressionCodec, error) {
	name, level, leveled := strings.Cut(text, ":")
	codec, ok := codecs[name]
	if !ok {
		return kgo.NoCompression(), fmt.Errorf("got %q, expected none, gzip, snappy, lz4 or zstd", text)
	}
	if !leveled {
		return codec(), nil
	}
	n, err := strconv.Atoi(level)
	if err != nil || name == "none" || name == "snappy" {
		return kgo.NoCompression(), fmt.Errorf("got level %q for %s, expected a number, for gzip, lz4 and zstd alone",
			level, name)
	}
	return codec().WithLevel(n), nil
}
