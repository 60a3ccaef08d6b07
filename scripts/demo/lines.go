package main

import (
	"bytes"
	"hash/crc32"
	"iter"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A file becomes records like this, and the records of a file, one after another, are the file again, byte for byte:
//
//   - one record a line, the line's newline in its value; what is between has no meaning here: a carriage return, a
// zero     byte or bytes that are no UTF-8 stay where they are;
//   - only the last line may lack a newline, and then its value does;
//   - a file without any byte is one record with an empty value, which no line has;
//   - the key is the file's path, so all records of a file go to one partition, and in order;
//   - the header "line" counts a file's records from 1, so that one that is missing, comes twice or comes late can be
//     named, even among equal lines.

// lineHeader is the name of the header that counts.
const lineHeader = "line"

// lines yields the values of a file's records.
func lines(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			end := bytes.IndexByte(text, '\n') + 1
			if end == 0 {
				end = len(text)
			}
			if !yield(text[:end:end]) {
				return
			}
			if text = text[end:]; len(text) == 0 {
				return
			}
		}
	}
}

// records returns the records of a file. They share the memory of text.
func records(f *file, text []byte, topic string) []kgo.Record {
	recs, headers := make([]kgo.Record, f.lines), make([]kgo.RecordHeader, f.lines)
	digits := make([]byte, 0, 8*f.lines)
	i := 0
	for line := range lines(text) {
		from := len(digits)
		digits = strconv.AppendInt(digits, int64(i+1), 10)
		headers[i] = kgo.RecordHeader{Key: lineHeader, Value: digits[from:len(digits):len(digits)]}
		recs[i] = kgo.Record{Topic: topic, Key: f.key, Value: line, Headers: headers[i : i+1 : i+1]}
		i++
	}
	return recs
}

// lineOf returns what a record's header counts, 0 if it does not.
func lineOf(r *kgo.Record) int {
	for _, h := range r.Headers {
		if h.Key == lineHeader {
			n, err := strconv.Atoi(string(h.Value))
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// identity appends what stands for a record in the history: its number among all records of both topics, which makes
// it unique, and 24 bits of a hash of its content, in base 36. A record of no known file or line has a hash alone.
func identity(dst []byte, topic int, in *input, r *kgo.Record, line int) []byte {
	hash := uint64(crc32.Checksum(r.Value, castagnoli))
	f := in.byPath[string(r.Key)]
	if f == nil || line < 1 || line > f.lines {
		dst = append(dst, '?')
		return strconv.AppendUint(dst, uint64(crc32.Checksum(r.Key, castagnoli))<<32|hash, 36)
	}
	number := uint64(f.first+int64(line))*topics + uint64(topic)
	return strconv.AppendUint(dst, number<<24|hash>>8, 36)
}
