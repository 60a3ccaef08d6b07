package history

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Writer writes a history as a stream. Fields stand in a fixed order, so equal runs write equal bytes. It is not safe
// for concurrent use. The first error of the underlying writer sticks and is returned by every later call.
type Writer struct {
	out  *bufio.Writer
	line []byte
	err  error
}

// NewWriter writes the header to w and returns a writer for the rest. The caller flushes it at the end.
func NewWriter(w io.Writer, h Header) *Writer {
	writer := &Writer{out: bufio.NewWriterSize(w, 1<<16), line: make([]byte, 0, 1<<10)}
	writer.emit(appendHeader(writer.line, &h))
	return writer
}

// Op writes one operation. It does not keep op. An operation that fails [Op.Check] is refused and nothing is written.
func (w *Writer) Op(op *Op) error {
	if err := op.Check(); err != nil {
		return err
	}
	return w.emit(appendOp(w.line[:0], op))
}

// Event writes one event.
func (w *Writer) Event(e Event) error {
	if err := e.check(); err != nil {
		return err
	}
	return w.emit(appendEvent(w.line[:0], &e))
}

// Flush hands everything written so far to the underlying writer.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return w.err
}

// emit writes the line and keeps its memory for the next.
func (w *Writer) emit(line []byte) error {
	w.line = append(line, '\n')
	if w.err == nil {
		_, w.err = w.out.Write(w.line)
	}
	return w.err
}

func (e Event) check() error {
	if e.Name == "" || e.Time < 0 {
		return fmt.Errorf("%w: event %q at %d, expected a name and a time of at least 0", ErrBadOp, e.Name, e.Time)
	}
	return nil
}

func appendHeader(b []byte, h *Header) []byte {
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, `,"kind":"header"`...)
	b = stringField(b, "source", h.Source)
	b = append(b, `,"seed":`...)
	b = strconv.AppendUint(b, h.Seed, 10)
	b = stringField(b, "class", h.Class)
	b = append(b, `,"nodes":[`...)
	for i, node := range h.Nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(node), 10)
	}
	b = append(b, ']')
	b = intField(b, "replication", int64(max(h.Replication, 1)))
	b = intField(b, "min_insync", int64(max(h.MinInsync, 1)))
	if h.Trims {
		b = append(b, `,"trims":true`...)
	}
	if h.Preexisting {
		b = append(b, `,"preexisting":true`...)
	}
	if h.Resends {
		b = append(b, `,"resends":true`...)
	}
	b = stringsField(b, "compacted", h.Compacted)
	b = stringsField(b, "markers", h.Markers)
	if h.Build != "" {
		b = stringField(b, "build", h.Build)
	}
	return append(b, '}')
}

func appendOp(b []byte, op *Op) []byte {
	b = append(b, `{"kind":"op","process":`...)
	b = strconv.AppendInt(b, int64(op.Process), 10)
	b = intField(b, "node", int64(op.Node))
	b = stringField(b, "op", op.Kind.String())
	if op.Group != "" {
		b = stringField(b, "group", op.Group)
	}
	b = stringField(b, "topic", op.Topic)
	b = intField(b, "partition", int64(op.Partition))
	b = intField(b, "start_ns", op.Start)
	b = intField(b, "end_ns", op.End)
	b = stringField(b, "outcome", op.Outcome.String())
	if op.Error != "" {
		b = stringField(b, "error", op.Error)
	}
	if op.Final {
		b = append(b, `,"final":true`...)
	}
	switch op.Kind {
	case Append:
		b = appendAppend(b, op)
	case Fetch:
		b = appendFetch(b, op)
	case End:
		b = optionalField(b, "offset", op.Offset)
	case Commit, Committed:
		b = optionalField(b, "offset", op.Offset)
		if op.Values.Len() > 0 {
			b = appendValues(b, op)
		}
	}
	return append(b, '}')
}

func appendAppend(b []byte, op *Op) []byte {
	b = intField(b, "acks", int64(op.Acks))
	if op.ProducerID >= 0 {
		b = intField(b, "producer_id", int64(op.ProducerID))
		b = intField(b, "producer_epoch", int64(op.ProducerEpoch))
		b = intField(b, "sequence", int64(op.Sequence))
	}
	b = optionalField(b, "base", op.Offset)
	return appendValues(b, op)
}

func appendValues(b []byte, op *Op) []byte {
	b = append(b, `,"values":[`...)
	for i := range op.Values.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, op.Values.At(i))
	}
	return append(b, ']')
}

func appendFetch(b []byte, op *Op) []byte {
	b = intField(b, "from", op.Offset)
	b = optionalField(b, "high_watermark", op.HighWatermark)
	b = optionalField(b, "log_start", op.LogStart)
	if op.Outcome != OK {
		return b
	}
	b = append(b, `,"records":[`...)
	for i, offset := range op.Offsets {
		switch {
		case i == 0:
			b = append(b, '[')
			b = strconv.AppendInt(b, offset, 10)
		case offset != op.Offsets[i-1]+1:
			b = append(b, `],[`...)
			b = strconv.AppendInt(b, offset, 10)
		}
		b = append(b, ',')
		b = quote(b, op.Values.At(i))
	}
	if len(op.Offsets) > 0 {
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendEvent(b []byte, e *Event) []byte {
	b = append(b, `{"kind":"event"`...)
	b = stringField(b, "event", e.Name)
	b = intField(b, "node", int64(e.Node))
	b = intField(b, "time_ns", e.Time)
	if e.Detail != "" {
		b = stringField(b, "detail", e.Detail)
	}
	return append(b, '}')
}

func intField(b []byte, name string, value int64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, value, 10)
}

// optionalField leaves out what was not told.
func optionalField(b []byte, name string, value int64) []byte {
	if value < 0 {
		return b
	}
	return intField(b, name, value)
}

func stringField(b []byte, name, value string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return quote(b, value)
}

func stringsField(b []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":[`...)
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, value)
	}
	return append(b, ']')
}

// quote appends s as a JSON string. Bytes that are not UTF-8 become the replacement character.
func quote[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}
