package history

import (
	"fmt"
	"math"
	"strconv"
)

// maxDepth bounds how deep the values of unknown fields may nest.
const maxDepth = 32

// cursor walks over one line of JSON without building a tree: a history of a million operations is mostly short
// strings, and they go straight into the caller's buffers. It accepts exactly the JSON of RFC 8259. The first error
// sticks; after it every call returns zero values, so that callers check once at the end.
type cursor struct {
	data []byte
	pos  int
	// scratch holds the last string that had escapes.
	scratch []byte
	err     error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: "+format+" at byte %d", append(append([]any{ErrSyntax}, args...), c.pos)...)
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (c *cursor) peek() byte {
	if c.err != nil {
		return 0
	}
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\r', '\n':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

// take consumes the byte want, or fails.
func (c *cursor) take(want byte) {
	if got := c.peek(); got != want {
		c.fail("got %s, expected %q", c.found(got), want)
		return
	}
	c.pos++
}

func (c *cursor) found(b byte) string {
	if c.pos >= len(c.data) {
		return "the end of the line"
	}
	return strconv.QuoteRune(rune(b))
}

// more reports whether another element comes before the closing byte, and consumes the comma, or the closing byte.
// first says that no element was read yet.
func (c *cursor) more(closing byte, first bool) bool {
	switch b := c.peek(); {
	case c.err != nil:
		return false
	case b == closing:
		c.pos++
		return false
	case first:
		return true
	case b == ',':
		c.pos++
		return true
	default:
		c.fail("got %s, expected ',' or %q", c.found(b), closing)
		return false
	}
}

// key reads the name of a field and its colon.
func (c *cursor) key() []byte {
	name := c.str()
	c.take(':')
	return name
}

// number consumes the text of a number in JSON's grammar.
func (c *cursor) number() []byte {
	first := c.peek()
	start := c.pos
	if first == '-' {
		c.pos++
	}
	if digits := c.digits(); digits == 0 || (digits > 1 && c.data[c.pos-digits] == '0') {
		c.fail("got %s, expected a number", c.found(first))
	}
	if c.pos < len(c.data) && c.data[c.pos] == '.' {
		c.pos++
		if c.digits() == 0 {
			c.fail("expected a digit after the point")
		}
	}
	if c.pos < len(c.data) && (c.data[c.pos] == 'e' || c.data[c.pos] == 'E') {
		c.pos++
		if c.pos < len(c.data) && (c.data[c.pos] == '+' || c.data[c.pos] == '-') {
			c.pos++
		}
		if c.digits() == 0 {
			c.fail("expected a digit in the exponent")
		}
	}
	return c.data[start:c.pos]
}

func (c *cursor) digits() int {
	start := c.pos
	for c.pos < len(c.data) && c.data[c.pos] >= '0' && c.data[c.pos] <= '9' {
		c.pos++
	}
	return c.pos - start
}

// integer reads a whole number between least and most.
func (c *cursor) integer(least, most int64) int64 {
	text := c.number()
	if c.err != nil {
		return 0
	}
	negative, n := text[0] == '-', uint64(0)
	for i, b := range text {
		if i == 0 && negative {
			continue
		}
		if b < '0' || b > '9' || n > (math.MaxInt64-uint64(b-'0'))/10 {
			c.fail("got %q, expected a whole number of 63 bits", clip(text))
			return 0
		}
		n = n*10 + uint64(b-'0')
	}
	value := int64(n)
	if negative {
		value = -value
	}
	if value < least || value > most {
		c.fail("got %d, expected %d to %d", value, least, most)
		return 0
	}
	return value
}

// unsigned reads a whole number of 64 bits.
func (c *cursor) unsigned() uint64 {
	text := c.number()
	if c.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		c.fail("got %q, expected a whole number of 64 bits", clip(text))
	}
	return n
}

// boolean reads true or false.
func (c *cursor) boolean() bool {
	if c.peek() == 't' {
		c.word("true")
		return c.err == nil
	}
	c.word("false")
	return false
}

func (c *cursor) word(want string) {
	rest := c.data[c.pos:]
	if len(rest) < len(want) || string(rest[:len(want)]) != want {
		c.fail("got %q, expected %s", clip(rest), want)
		return
	}
	c.pos += len(want)
}

// skip consumes one value of any type.
func (c *cursor) skip(depth int) {
	if depth > maxDepth {
		c.fail("values nested deeper than %d", maxDepth)
		return
	}
	switch b := c.peek(); b {
	case '{':
		c.pos++
		for first := true; c.more('}', first); first = false {
			c.key()
			c.skip(depth + 1)
		}
	case '[':
		c.pos++
		for first := true; c.more(']', first); first = false {
			c.skip(depth + 1)
		}
	case '"':
		c.str()
	case 't':
		c.word("true")
	case 'f':
		c.word("false")
	case 'n':
		c.word("null")
	default:
		c.number()
	}
}

// end fails unless nothing but white space is left.
func (c *cursor) end() {
	if b := c.peek(); c.err == nil && c.pos < len(c.data) {
		c.fail("got %s, expected the end of the line", c.found(b))
	}
}
