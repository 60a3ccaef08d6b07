package dump

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gregor-log/gregor/base"
)

// errSchema reports bytes that are not what a schema says.
var errSchema = errors.New("does not fit its schema")

// kind is the type of a field. In flexible versions lengths are unsigned varints of the length plus one, 0 is null, and
// every struct ends in its tagged fields. In those before, lengths are int16 for strings and int32 for bytes and
// arrays, -1 is null, and nothing is tagged.
type kind int

// The kinds of fields.
const (
	kindBool kind = iota
	kindInt8
	kindInt16
	kindUint16
	kindInt32
	kindInt64
	kindFloat64
	kindUUID
	kindString
	kindBytes
	kindStruct
	kindMaybeStruct
	kindProtocolType
	kindSubscription
	kindAssignment
	kindInt32s
	kindStrings
	kindUUIDs
	kindStructs
)

// untagged is the tag of a field that stands in its place.
const untagged = -1

// field is one field of a message; its name is that of Kafka's JSON.
type field struct {
	name string
	kind kind
	// from is the first version that has the field, and until the last one, 0 for all that follow.
	from, until int
	// tag is the number of a tagged field, or untagged. A tagged field that is absent has its default and is left out
	// of the JSON.
	tag int
	// fields are those of a struct.
	fields []field
}

// at makes a field that versions from on have.
func at(from int, name string, k kind) field {
	return field{name: name, kind: k, from: from, tag: untagged}
}

// tagged makes a tagged field.
func tagged(from, tag int, name string, k kind) field {
	return field{name: name, kind: k, from: from, tag: tag}
}

// of makes a field that holds one struct or several.
func of(name string, k kind, fields ...field) field {
	return field{name: name, kind: k, tag: untagged, fields: fields}
}

// schemaReader reads messages by their schemas and appends them as JSON, field by field in the order of the schema, as
// Kafka's generated converters do. The first error sticks and leaves nothing to read.
type schemaReader struct {
	left     []byte
	version  int
	flexible bool
	// consumers says that a group's members are consumers, whose metadata can be read.
	consumers bool
	err       error
}

func (r *schemaReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errSchema, fmt.Sprintf(format, args...))
	}
	r.left = nil
}

// take returns the next n bytes, or nil after an error.
func (r *schemaReader) take(n int) []byte {
	if n < 0 || n > len(r.left) {
		r.fail("got %d bytes, expected %d more", len(r.left), n)
		return nil
	}
	p := r.left[:n]
	r.left = r.left[n:]
	return p
}

// number reads a big-endian integer of n bytes.
func (r *schemaReader) number(n int) uint64 {
	var v uint64
	for _, b := range r.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// length reads the length of something that has size bytes of length in versions that are not flexible; -1 for null.
func (r *schemaReader) length(size int) int {
	switch {
	case r.flexible:
		return r.uvarint() - 1
	case size == 2:
		return int(int16(r.number(size)))
	}
	return int(int32(r.number(size)))
}

func (r *schemaReader) uvarint() int {
	v, n := binary.Uvarint(r.left)
	if n <= 0 || v > math.MaxInt32 {
		r.fail("got no varint of 31 bits")
		return 0
	}
	r.take(n)
	return int(v)
}

// message reads a struct and appends it as an object. Its tagged fields stand at the end of the bytes, and in the JSON
// in the places that the schema gives them.
func (r *schemaReader) message(dst []byte, fields []field) []byte {
	texts := make([][]byte, len(fields))
	for i, f := range fields {
		if f.tag == untagged && f.from <= r.version && (f.until == 0 || r.version <= f.until) {
			texts[i] = r.value(nil, f)
		}
	}
	r.tags(fields, texts)
	dst = append(dst, '{')
	first := true
	for i, f := range fields {
		if texts[i] == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(strconv.AppendQuote(dst, f.name), ':')
		dst = append(dst, texts[i]...)
	}
	return append(dst, '}')
}

// tags reads the tagged fields of a struct into the texts of their places; unknown ones are skipped.
func (r *schemaReader) tags(fields []field, texts [][]byte) {
	if !r.flexible {
		return
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		tag, size := r.uvarint(), r.uvarint()
		p := r.take(size)
		for i, f := range fields {
			if f.tag == untagged || f.tag != tag || f.from > r.version || r.err != nil {
				continue
			}
			inner := schemaReader{left: p, version: r.version, flexible: true}
			texts[i] = inner.value(nil, f)
			if len(inner.left) > 0 {
				inner.fail("got %d bytes after tagged field %d", len(inner.left), tag)
			}
			r.err = inner.err
		}
	}
}

// value reads one field and appends it as JSON.
func (r *schemaReader) value(dst []byte, f field) []byte {
	switch f.kind {
	case kindBool:
		return strconv.AppendBool(dst, r.number(1) != 0)
	case kindInt8:
		return strconv.AppendInt(dst, int64(int8(r.number(1))), 10)
	case kindInt16:
		return strconv.AppendInt(dst, int64(int16(r.number(2))), 10)
	case kindUint16:
		return strconv.AppendUint(dst, r.number(2), 10)
	case kindInt32:
		return strconv.AppendInt(dst, int64(int32(r.number(4))), 10)
	case kindInt64:
		return strconv.AppendInt(dst, int64(r.number(8)), 10)
	case kindFloat64:
		return r.double(dst)
	case kindUUID:
		return r.uuid(dst)
	case kindString:
		return r.string(dst)
	case kindBytes:
		return r.bytes(dst)
	case kindStruct:
		return r.message(dst, f.fields)
	case kindMaybeStruct:
		if int8(r.number(1)) < 0 {
			return append(dst, "null"...)
		}
		return r.message(dst, f.fields)
	case kindProtocolType:
		return r.protocolType(dst)
	case kindSubscription:
		return r.consumer(dst, subscriptionFields)
	case kindAssignment:
		return r.consumer(dst, assignmentFields)
	}
	return r.array(dst, f)
}

// array reads a list and appends it as one.
func (r *schemaReader) array(dst []byte, f field) []byte {
	n := r.length(4)
	if n < 0 {
		return append(dst, "null"...)
	}
	element := map[kind]func([]byte) []byte{
		kindInt32s:  func(dst []byte) []byte { return r.value(dst, field{kind: kindInt32}) },
		kindStrings: r.string,
		kindUUIDs:   r.uuid,
		kindStructs: func(dst []byte) []byte { return r.message(dst, f.fields) },
	}[f.kind]
	dst = append(dst, '[')
	for i := 0; i < n && r.err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst)
	}
	return append(dst, ']')
}

func (r *schemaReader) uuid(dst []byte) []byte {
	var id base.UUID
	copy(id[:], r.take(len(id)))
	return strconv.AppendQuote(dst, id.String())
}

func (r *schemaReader) string(dst []byte) []byte {
	n := r.length(2)
	if n < 0 {
		return append(dst, "null"...)
	}
	return appendText(dst, r.take(n))
}

// appendText writes a string as Jackson does, which escapes less than Go and in capitals.
func appendText(dst, text []byte) []byte {
	const short = "\b\t\n\f\r\"\\"
	dst = append(dst, '"')
	for _, c := range string(text) {
		switch i := strings.IndexRune(short, c); {
		case i >= 0:
			dst = append(dst, '\\', `btnfr"\`[i])
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04X`, c)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}

func (r *schemaReader) bytes(dst []byte) []byte {
	n := r.length(4)
	if n < 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendQuote(dst, base64.StdEncoding.EncodeToString(r.take(n)))
}

func (r *schemaReader) double(dst []byte) []byte {
	v := math.Float64frombits(r.number(8))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail("got %v, expected a number", v)
		return dst
	}
	return appendDouble(dst, v)
}

// appendDouble writes a finite number as Java does: with at least one digit after the point, and with an exponent below
// 0.001 and from ten million on.
func appendDouble(dst []byte, v float64) []byte {
	abs := math.Abs(v)
	mantissa, exponent := strconv.FormatFloat(v, 'f', -1, 64), ""
	if abs != 0 && abs < 1e-3 || abs >= 1e7 {
		mantissa, exponent, _ = strings.Cut(strconv.FormatFloat(v, 'E', -1, 64), "E")
	}
	dst = append(dst, mantissa...)
	if !strings.Contains(mantissa, ".") {
		dst = append(dst, ".0"...)
	}
	if exponent == "" {
		return dst
	}
	sign, digits := "", strings.TrimLeft(exponent, "+0")
	if strings.HasPrefix(exponent, "-") {
		sign, digits = "-", strings.TrimLeft(exponent, "-0")
	}
	return append(dst, "E"+sign+digits...)
}
