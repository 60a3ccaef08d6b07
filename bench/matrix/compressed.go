//go:build linux

package matrix

import (
	"fmt"
	"maps"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/batch"
)

// compressedRows are of batches that a client has compressed. A broker stores them as they come; what differs is
// whether it inflates them first to look at each record. Kafka always does, gregor where a topic wants it.
func compressedRows() []*Row {
	var rows []*Row
	for _, header := range []bool{false, true} {
		for _, codec := range []batch.Codec{batch.LZ4, batch.Zstd} {
			rows = append(rows, compressedRow(codec, header))
		}
	}
	return rows
}

func compressedRow(codec batch.Codec, header bool) *Row {
	w := &produce{
		batch: 16 << 10, record: 100, connections: 4, inFlight: 5, length: bulkWindow, acks: 1, codec: codec,
		header: header,
	}
	name, aim := fmt.Sprintf("produce-16k-%s", codec), 1.5
	looked, how := "each of which is inflated and looked at", "full"
	if header {
		name, aim = name+"-header", 3
		looked, how = "of which gregor looks at the header and the CRC alone", "gregor: header, others: full"
	}
	return &Row{
		Name: name, Unit: "mb_per_s", Durability: "page-cache", work: w,
		What: fmt.Sprintf("produce batches of 16 KB with records of 100 B, compressed by the client with %s, %s; the "+
			"figure is of compressed bytes", codec, looked),
		Settings: []result.Setting{
			setting("record_bytes", w.record), {Key: "codec", Value: codec.String()},
			setting("connections", w.connections), setting("partitions", int(w.parts())),
			setting("in_flight", w.inFlight), setting("acks", int(w.acks)),
			{Key: "validation", Value: how}, {Key: "latency", Value: "closed loop"},
		},
		Aims: []result.Aim{{Against: "kafka", AtLeast: aim}},
	}
}

var _ noting = (*produce)(nil)

// notes says how large compressed batches are, and what a row beyond the dirty limit wrote.
func (w *produce) notes(m *result.Measurement) ([]result.Setting, error) {
	switch {
	case w.beyond != nil:
		return w.beyond.notes(), nil
	case w.codec == batch.None:
		return nil, nil
	}
	b, err := load.NewCompressed(w.codec, w.batch, w.record, 0)
	return []result.Setting{setting("inflated_bytes", b.Inflated), setting("batch_bytes", len(b.Bytes))}, err
}

// validation is the configuration of a topic that says how much gregor looks at; no other broker knows it.
const validation = "gregor.validation"

// configsOf returns the configuration of the topic for one of the sides.
func (w *produce) configsOf(side string) map[string]string {
	if !w.header || side != result.Gregor {
		return w.configs
	}
	configs := map[string]string{validation: "header"}
	maps.Copy(configs, w.configs)
	return configs
}
