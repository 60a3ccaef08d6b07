package history

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string. The result is valid until the next call.
func (c *cursor) str() []byte {
	c.take('"')
	if c.err != nil {
		return nil
	}
	start := c.pos
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; {
		case b == '"':
			c.pos++
			return c.checked(c.data[start : c.pos-1])
		case b == '\\':
			return c.escaped(start)
		case b < 0x20:
			c.fail("control byte %#02x in a string", b)
			return nil
		}
		c.pos++
	}
	c.fail("got the end of the line, expected the end of a string")
	return nil
}

func (c *cursor) checked(s []byte) []byte {
	for _, b := range s {
		if b >= utf8.RuneSelf {
			if !utf8.Valid(s) {
				c.fail("string is not UTF-8")
				return nil
			}
			break
		}
	}
	return s
}

// escaped reads the rest of a string from its first backslash on; the part from start to pos is plain.
func (c *cursor) escaped(start int) []byte {
	c.scratch = append(c.scratch[:0], c.data[start:c.pos]...)
	for c.pos < len(c.data) {
		b := c.data[c.pos]
		c.pos++
		switch {
		case b == '"':
			return c.checked(c.scratch)
		case b == '\\':
			c.escape()
			if c.err != nil {
				return nil
			}
		case b < 0x20:
			c.fail("control byte %#02x in a string", b)
			return nil
		default:
			c.scratch = append(c.scratch, b)
		}
	}
	c.fail("got the end of the line, expected the end of a string")
	return nil
}

// escape reads what follows a backslash.
func (c *cursor) escape() {
	if c.pos >= len(c.data) {
		c.fail("got the end of the line, expected an escape")
		return
	}
	b := c.data[c.pos]
	c.pos++
	switch b {
	case '"', '\\', '/':
		c.scratch = append(c.scratch, b)
	case 'b':
		c.scratch = append(c.scratch, '\b')
	case 'f':
		c.scratch = append(c.scratch, '\f')
	case 'n':
		c.scratch = append(c.scratch, '\n')
	case 'r':
		c.scratch = append(c.scratch, '\r')
	case 't':
		c.scratch = append(c.scratch, '\t')
	case 'u':
		r := c.hex4()
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if c.pos+1 < len(c.data) && c.data[c.pos] == '\\' && c.data[c.pos+1] == 'u' {
				c.pos += 2
				low = c.hex4()
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				c.fail("half a surrogate pair")
			}
		}
		c.scratch = utf8.AppendRune(c.scratch, r)
	default:
		c.fail("escape \\%c", b)
	}
}

func (c *cursor) hex4() rune {
	if len(c.data)-c.pos < 4 {
		c.fail("got the end of the line, expected four hexadecimal digits")
		return 0
	}
	n, err := strconv.ParseUint(string(c.data[c.pos:c.pos+4]), 16, 16)
	if err != nil {
		c.fail("got %q, expected four hexadecimal digits", c.data[c.pos:c.pos+4])
	}
	c.pos += 4
	return rune(n)
}
