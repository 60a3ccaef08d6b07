package dump

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/cmd/gregor/internal/scan"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// mostInflated bounds what one batch may inflate to, in bytes.
const mostInflated = 1 << 30

// bootstrapName is the name of the file that a log directory's metadata begins with.
const bootstrapName = "bootstrap.checkpoint"

// batchObject is a batch in JSON.
type batchObject struct {
	BaseOffset      int64  `json:"base_offset"`
	LastOffset      int64  `json:"last_offset"`
	Count           int32  `json:"count"`
	BaseSequence    int32  `json:"base_sequence"`
	LastSequence    int32  `json:"last_sequence"`
	ProducerID      int64  `json:"producer_id"`
	ProducerEpoch   int16  `json:"producer_epoch"`
	LeaderEpoch     int32  `json:"partition_leader_epoch"`
	Transactional   bool   `json:"is_transactional"`
	Control         bool   `json:"is_control"`
	DeleteHorizonMs *int64 `json:"delete_horizon_ms,omitempty"`
	Position        int64  `json:"position_bytes"`
	TimestampType   string `json:"timestamp_type"`
	MaxTimestampMs  int64  `json:"max_timestamp_ms"`
	SizeBytes       int64  `json:"size_bytes"`
	Magic           int8   `json:"magic"`
	Codec           string `json:"compression"`
	CRC             uint32 `json:"crc"`
	Valid           bool   `json:"is_valid"`
}

// log prints the batches of a .log or .checkpoint file.
func (d *Dumper) log(name string) error {
	if err := d.title(name); err != nil {
		return err
	}
	f, err := d.fs.Open(name, vfs.Read)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	if d.o.MaxBytes > 0 {
		size = min(size, d.o.MaxBytes)
	}
	s, last := scan.New(f, size), int64(-1)
	for {
		ok, err := s.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := d.batch(name, s, &last); err != nil {
			return err
		}
	}
	if n := s.Trailing(); n > 0 && d.o.MaxBytes == 0 {
		d.line("Found %d invalid bytes at the end of %s", n, path.Base(name))
		return d.object("trailing", name, map[string]any{"size_bytes": n})
	}
	return nil
}

// title prints the line that says which offsets a file holds.
func (d *Dumper) title(name string) error {
	switch {
	case strings.HasSuffix(name, segment.LogSuffix):
		b, err := baseOf(name)
		if err != nil {
			return err
		}
		d.line("Log starting offset: %d", b)
	case path.Base(name) == bootstrapName:
		d.line("KRaft bootstrap snapshot")
	default:
		var offset, epoch int64
		if _, err := fmt.Sscanf(path.Base(name), "%020d-%010d"+checkpointSuffix, &offset, &epoch); err != nil {
			return fmt.Errorf("got the name %q, expected an offset and an epoch", path.Base(name))
		}
		d.line("Snapshot end offset: %d, epoch: %d", offset, epoch)
	}
	return nil
}

// timestampType returns Kafka's name of a batch's timestamp type.
func timestampType(b batch.Batch) string {
	if b.LogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}

// batch prints the current batch of s; last is the offset of the last record so far.
func (d *Dumper) batch(name string, s *scan.Scanner, last *int64) error {
	valid, err := s.Valid()
	if err != nil {
		return err
	}
	b := s.Header()
	horizon, o := "OptionalLong.empty", batchObject{
		BaseOffset: int64(b.BaseOffset()), LastOffset: int64(b.LastOffset()), Count: b.Count(),
		BaseSequence: b.BaseSequence(), LastSequence: b.LastSequence(), ProducerID: int64(b.ProducerID()),
		ProducerEpoch: int16(b.ProducerEpoch()), LeaderEpoch: int32(b.LeaderEpoch()), Transactional: b.Transactional(),
		Control: b.Control(), Position: s.Position(), TimestampType: timestampType(b), MaxTimestampMs: b.MaxTimestamp(),
		SizeBytes: s.Length(), Magic: batch.Magic, Codec: b.Codec().String(), CRC: b.CRC(), Valid: valid,
	}
	if b.HasDeleteHorizon() {
		ms := b.BaseTimestamp()
		horizon, o.DeleteHorizonMs = fmt.Sprintf("OptionalLong[%d]", ms), &ms
	}
	d.line("baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d "+
		"producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s "+
		"position: %d %s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t",
		o.BaseOffset, o.LastOffset, o.Count, o.BaseSequence, o.LastSequence, o.ProducerID, o.ProducerEpoch,
		o.LeaderEpoch, o.Transactional, o.Control, horizon, o.Position, o.TimestampType, o.MaxTimestampMs, o.SizeBytes,
		o.Magic, o.Codec, o.CRC, o.Valid)
	if err := d.object("batch", name, o); err != nil {
		return err
	}
	if !d.o.Deep && !d.inMetadata(name) {
		return nil
	}
	whole, err := s.Whole()
	if err != nil {
		return err
	}
	return d.records(name, whole, last)
}

// recordObject is a record in JSON. Key and value are there if data was asked for.
type recordObject struct {
	Offset      int64    `json:"offset"`
	TimestampMs int64    `json:"timestamp_ms"`
	KeySize     int      `json:"key_size_bytes"`
	ValueSize   int      `json:"value_size_bytes"`
	Sequence    int32    `json:"sequence"`
	HeaderKeys  []string `json:"header_keys"`
	Control     string   `json:"control,omitempty"`
	Key         *string  `json:"key,omitempty"`
	KeyBase64   *string  `json:"key_base64,omitempty"`
	Value       *string  `json:"value,omitempty"`
	ValueBase64 *string  `json:"value_base64,omitempty"`
	Metadata    rawJSON  `json:"metadata,omitempty"`
	// OffsetsKey and OffsetsValue are those of a record of __consumer_offsets, or OffsetsError says what is wrong.
	OffsetsKey   rawJSON `json:"offsets_key,omitempty"`
	OffsetsValue rawJSON `json:"offsets_value,omitempty"`
	OffsetsError string  `json:"offsets_error,omitempty"`
}

// rawJSON is text that is JSON already.
type rawJSON string

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// records prints the records of a batch. Where it cannot be read to its end, the error says at which batch.
func (d *Dumper) records(name string, b batch.Batch, last *int64) error {
	it := b.Records(mostInflated)
	defer it.Close()
	for it.Next() {
		r := it.Record()
		if int64(r.Offset) != *last+1 {
			d.found.add("non_consecutive", absolute(name), *last, int64(r.Offset))
		}
		*last = int64(r.Offset)
		if err := d.record(name, b, r); err != nil {
			return fmt.Errorf("offset %d: %w", r.Offset, err)
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)
	}
	return nil
}

// record prints one record.
func (d *Dumper) record(name string, b batch.Batch, r *batch.Record) error {
	o := recordObject{
		Offset: int64(r.Offset), TimestampMs: r.Timestamp, KeySize: size(r.Key), ValueSize: size(r.Value),
		Sequence: base.NoSequence, HeaderKeys: headerKeys(r.Headers),
	}
	if b.BaseSequence() != base.NoSequence {
		o.Sequence = batch.AddSequence(b.BaseSequence(), int32(r.Offset-b.BaseOffset()))
	}
	if b.Control() {
		text, err := controlText(r)
		if err != nil {
			text = " " + err.Error()
		}
		o.Control = strings.TrimSpace(text)
	}
	contents, separator := d.o.Data || d.inMetadata(name), "|"
	if !d.o.Bare {
		d.text("| offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]", o.Offset,
			timestampType(b), o.TimestampMs, o.KeySize, o.ValueSize, o.Sequence, strings.Join(o.HeaderKeys, ","))
		if b.Control() {
			d.text(" %s", o.Control)
		}
		separator = ""
	}
	if contents && !b.Control() {
		d.contents(name, r, separator, &o)
	}
	d.text("\n")
	return d.object("record", name, o)
}

// contents prints a record's key and value.
func (d *Dumper) contents(name string, r *batch.Record, separator string, o *recordObject) {
	if d.inMetadata(name) {
		text, err := metadataJSON(r.Value)
		if err != nil {
			text = fmt.Sprintf("Error at %d, skipping. %v", r.Offset, err)
		} else {
			o.Metadata = rawJSON(text)
		}
		d.text("%s payload: %s", separator, text)
		return
	}
	if d.o.Offsets {
		d.offsetsRecord(r, separator, o)
		return
	}
	if r.Key != nil {
		d.text("%s key: %s", separator, string([]rune(string(r.Key))))
		separator = ""
	}
	if r.Value != nil {
		d.text("%s payload: %s", separator, string([]rune(string(r.Value))))
	}
	o.Key, o.KeyBase64 = cli.SplitText(r.Key)
	o.Value, o.ValueBase64 = cli.SplitText(r.Value)
}

// offsetsRecord prints key and value of a record of __consumer_offsets. Where they cannot be read, the reason stands in
// the key's place.
func (d *Dumper) offsetsRecord(r *batch.Record, separator string, o *recordObject) {
	key, value, err := offsetsJSON(r.Key, r.Value)
	var unknown errUnknownType
	switch {
	case r.Key == nil:
		key = fmt.Sprintf("Failed to decode message at offset %d using the specified decoder "+
			"(message had a missing key)", r.Offset)
	case errors.As(err, &unknown):
		key = fmt.Sprintf("Unknown record type %d at offset %d, skipping.", unknown, r.Offset)
	case err != nil:
		key = fmt.Sprintf("Error at offset %d, skipping. %v", r.Offset, err)
	default:
		d.text("%s key: %s payload: %s", separator, key, value)
		o.OffsetsKey, o.OffsetsValue = rawJSON(key), rawJSON(value)
		if value == tombstone {
			o.OffsetsValue = "null"
		}
		return
	}
	d.text("%s key: %s", separator, key)
	o.OffsetsError = key
}

// size returns the length of a key or value, -1 for null.
func size(p []byte) int {
	if p == nil {
		return -1
	}
	return len(p)
}

func headerKeys(hs batch.Headers) []string {
	keys := []string{}
	var key, value []byte
	for hs.Next(&key, &value) {
		keys = append(keys, string(key))
	}
	return keys
}
