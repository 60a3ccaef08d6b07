package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gregor-log/gregor/base"
)

// Line is what a [Reader] found in one line: an operation or an event.
type Line struct {
	// Number is the line's number in the file, from 1.
	Number int
	// Op is the operation, nil for an event. It is valid until the next call of Next.
	Op *Op
	// Event is the event if Op is nil.
	Event Event
}

// Reader reads a history as a stream. It holds one line at a time.
type Reader struct {
	in      *bufio.Reader
	maxLine int
	number  int
	long    []byte
	header  Header
	op      Op
	topics  map[string]string
	cur     cursor
}

// NewReader reads the header from r and returns a reader for the rest. No line may be longer than maxLine bytes; 0
// means DefaultMaxLine.
func NewReader(r io.Reader, maxLine int) (*Reader, error) {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	reader := &Reader{in: bufio.NewReaderSize(r, 1<<16), maxLine: maxLine, topics: make(map[string]string)}
	line, err := reader.line()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: the history is empty", ErrNoHeader)
	}
	if err != nil {
		return nil, err
	}
	if err := reader.readHeader(line); err != nil {
		return nil, fmt.Errorf("line %d: %w", reader.number, err)
	}
	return reader, nil
}

// Header returns the run's facts.
func (r *Reader) Header() Header { return r.header }

// Next returns the next operation or event, and io.EOF after the last. Any other error names the line.
func (r *Reader) Next() (Line, error) {
	text, err := r.line()
	if err != nil {
		return Line{}, err
	}
	line := Line{Number: r.number}
	r.cur = cursor{data: text, scratch: r.cur.scratch}
	switch kind := r.kind(text); string(kind) {
	case "op":
		line.Op, err = &r.op, r.readOp()
	case "event":
		line.Event, err = r.readEvent()
	case "header":
		err = ErrNoHeader
	default:
		if err = r.cur.err; err == nil {
			err = fmt.Errorf("%w: kind %q, expected op or event", ErrSyntax, clip(kind))
		}
	}
	if err != nil {
		return Line{}, fmt.Errorf("line %d: %w", r.number, err)
	}
	return line, nil
}

// line returns the next line that is not blank, without its newline.
func (r *Reader) line() ([]byte, error) {
	for {
		r.number++
		text, err := r.rawLine()
		if len(bytes.TrimSpace(text)) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return text, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", r.number, err)
		}
	}
}

// rawLine reads up to the next newline. Short lines stay in the buffer of in, long ones are gathered in r.long.
func (r *Reader) rawLine() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.long)+len(part) > r.maxLine {
			return nil, fmt.Errorf("%w: got over %d bytes", ErrTooLong, r.maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) && len(r.long) == 0 {
			return part, err
		}
		r.long = append(r.long, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.long, err
		}
	}
}

// kind finds the line's kind, wherever the field stands.
func (r *Reader) kind(text []byte) []byte {
	if bytes.HasPrefix(text, []byte(`{"kind":"op",`)) {
		return text[len(`{"kind":"`):][:len("op")]
	}
	c := &r.cur
	var kind []byte
	c.take('{')
	for first := true; c.more('}', first); first = false {
		if string(c.key()) == "kind" {
			kind = append(kind[:0], c.str()...)
		} else {
			c.skip(0)
		}
	}
	c.end()
	if c.err == nil {
		c.pos = 0
	}
	return kind
}

// fields remembers which fields a line has had, by a bit each.
type fields uint32

// once fails when the field came before.
func (f *fields) once(c *cursor, bit int, name []byte) {
	if *f&(1<<bit) != 0 {
		c.fail("field %q comes twice", clip(name))
	}
	*f |= 1 << bit
}

// need fails when one of the named fields, numbered in order, is missing.
func (f fields) need(c *cursor, names ...string) {
	for bit, name := range names {
		if f&(1<<bit) == 0 {
			c.fail("field %q is missing", name)
		}
	}
}

func (r *Reader) readHeader(text []byte) error {
	r.cur = cursor{data: text}
	if kind := r.kind(text); r.cur.err == nil && string(kind) != "header" {
		return fmt.Errorf("%w: got kind %q", ErrNoHeader, clip(kind))
	}
	c, h := &r.cur, &r.header
	version := int64(0)
	c.take('{')
	for first := true; c.more('}', first); first = false {
		switch string(c.key()) {
		case "v":
			version = c.integer(0, 1<<31)
		case "source":
			h.Source = string(c.str())
		case "seed":
			h.Seed = c.unsigned()
		case "class":
			h.Class = string(c.str())
		case "nodes":
			c.take('[')
			for first := true; c.more(']', first); first = false {
				h.Nodes = append(h.Nodes, base.NodeID(c.integer(-1, 1<<31-1)))
			}
		case "replication":
			h.Replication = int(c.integer(0, 1<<15))
		case "min_insync":
			h.MinInsync = int(c.integer(0, 1<<15))
		case "trims":
			h.Trims = c.boolean()
		case "preexisting":
			h.Preexisting = c.boolean()
		case "resends":
			h.Resends = c.boolean()
		case "compacted":
			h.Compacted = c.strings()
		case "markers":
			h.Markers = c.strings()
		case "build":
			h.Build = string(c.str())
		default:
			c.skip(0)
		}
	}
	c.end()
	if c.err == nil && version != Version {
		return fmt.Errorf("%w: got %d, expected %d", ErrVersion, version, Version)
	}
	return c.err
}

func (c *cursor) strings() []string {
	var list []string
	c.take('[')
	for first := true; c.more(']', first); first = false {
		list = append(list, string(c.str()))
	}
	return list
}

func (r *Reader) readEvent() (Event, error) {
	c, e, seen := &r.cur, Event{Node: base.NoNode}, fields(0)
	c.take('{')
	for first := true; c.more('}', first); first = false {
		switch name := c.key(); string(name) {
		case "event":
			seen.once(c, 0, name)
			e.Name = string(c.str())
		case "time_ns":
			seen.once(c, 1, name)
			e.Time = c.integer(0, 1<<63-2)
		case "node":
			seen.once(c, 2, name)
			e.Node = base.NodeID(c.integer(-1, 1<<31-1))
		case "detail":
			seen.once(c, 3, name)
			e.Detail = string(c.str())
		default:
			c.skip(0)
		}
	}
	c.end()
	seen.need(c, "event", "time_ns")
	if c.err == nil {
		c.err = e.check()
	}
	return e, c.err
}
