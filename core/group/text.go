package group

import (
	"unicode/utf8"

	"github.com/gregor-log/gregor/base"
)

// mostString is how long a string of a record may be: its length is an int16. Requests of flexible versions may carry
// longer ones.
const mostString = 1<<15 - 1

// stringOf returns the string, or "" for none.
func stringOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// cut shortens s to at most n bytes without cutting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// utf16Len returns the length of s in UTF-16 units, in which Java counts.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// PartitionFor returns the partition of __consumer_offsets that a group belongs to, of partitions in all: Java's
// String.hashCode over UTF-16 units, made positive. Without partitions it returns 0.
func PartitionFor(group string, partitions int32) int32 {
	if partitions <= 0 {
		return 0
	}
	var h int32
	for _, r := range group {
		if r > 0xffff {
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + r
	}
	switch {
	case h == -1<<31:
		h = 0
	case h < 0:
		h = -h
	}
	return h % partitions
}

// memberID draws a member id: the instance id, or else the client id, and a random UUID (RFC 9562 version 4).
func (c *Coordinator) memberID(from Client, instance *string) string {
	const digits, most = "0123456789abcdef", mostString - 37
	prefix := from.ID
	if instance != nil {
		prefix = *instance
	}
	id := append(make([]byte, 0, len(prefix)+37), cut(prefix, most)...)
	for i, b := range base.NewUUID(c.options.Random) {
		if i == 0 || i == 4 || i == 6 || i == 8 || i == 10 {
			id = append(id, '-')
		}
		id = append(id, digits[b>>4], digits[b&15])
	}
	return string(id)
}
