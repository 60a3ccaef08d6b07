package batch

import "github.com/gregor-log/gregor/base"

// Record is one record, as a view. Its slices point into the batch or into the iterator's buffer and are valid until
// the iterator's next step; a nil Key or Value is a null, an empty one is empty bytes.
type Record struct {
	// Offset is the base offset plus the record's delta.
	Offset base.Offset
	// Timestamp is in Unix milliseconds; in a LogAppendTime batch it is the batch's largest timestamp.
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   Headers
}

// Headers is a view of a record's headers, in their order. It is an iterator as well: Next takes the first one off, so
// a copy of the value is a second iteration. The zero Headers is empty.
//
//	for hs := rec.Headers; hs.Next(&key, &value); { ... }
type Headers struct {
	raw []byte // Invariant: count well-formed headers and nothing else.
	n   int32
}

// Len returns the number of headers left.
func (h Headers) Len() int {
	return int(h.n)
}

// Next takes the first header off into key and value, views like a Record's; a nil value is a null. It reports false,
// and leaves both alone, if there is none.
func (h *Headers) Next(key, value *[]byte) bool {
	if h.n == 0 {
		return false
	}
	size, i := varint(h.raw, 0)
	end := i + int(size)
	*key = h.raw[i:end:end]
	size, i = varint(h.raw, end)
	*value = view(h.raw, i, size)
	if size > 0 {
		i += int(size)
	}
	h.raw, h.n = h.raw[i:], h.n-1
	return true
}

// view returns size bytes of p from i on, or nil for a negative size, which encodes a null.
func view(p []byte, i int, size int32) []byte {
	if size < 0 {
		return nil
	}
	return p[i : i+int(size) : i+int(size)]
}

// fields is what a record's bytes say, with positions in place of slices.
type fields struct {
	timestampDelta int64
	offsetDelta    int32
	keySize        int32 // negative for a null
	valueSize      int32 // negative for a null
	headerCount    int32
	key            int // where the key begins
	value          int // where the value begins
	headers        int // where the headers begin
}

// parse reads the bytes of one record after its length field. It reports whether they are a well-formed record that
// ends where p ends; only then are the positions within p.
func (f *fields) parse(p []byte) bool {
	i := 1 // attributes: no bit has a meaning yet, and Kafka does not look at them
	f.timestampDelta, i = varlong(p, i)
	f.offsetDelta, i = varint(p, i)
	f.keySize, i = varint(p, i)
	f.key = i
	if f.keySize > 0 {
		i += int(f.keySize) // an index beyond p fails the next read
	}
	f.valueSize, i = varint(p, i)
	f.value = i
	if f.valueSize > 0 {
		i += int(f.valueSize)
	}
	f.headerCount, i = varint(p, i)
	f.headers = i
	if f.headerCount != 0 {
		i = skipHeaders(p, i, f.headerCount)
	}
	return i == len(p)
}

// quick is parse for the record at the start of p, length field included, if it is like most: its numbers take one or
// two bytes each and it has no headers. It returns where the record's bytes begin after the length and where they end;
// both are 0 if the record is not like that, well formed or not, and parse must decide.
func (f *fields) quick(p []byte) (start, end int) {
	if len(p) < 16 {
		return 0, 0
	}
	h := (*[16]byte)(p)
	size, start := short(h, 0)
	timestamp, i := short(h, start+1)
	offset, i := short(h, i)
	key, i := short(h, i)
	end = start + int(size>>1)
	f.key = i - start
	f.keySize = unzigzag(key)
	if key&1 == 0 {
		i += int(key >> 1)
	}
	// A value's length of two bytes, or one and the header count, must lie within the record, and that within p.
	if i+2 > end || end > len(p) {
		return 0, 0
	}
	value := uint32(p[i])
	if i++; value >= 0x80 {
		value = value&0x7f | uint32(p[i])<<7
		i++
	}
	f.value = i - start
	f.valueSize = unzigzag(value)
	if value&1 == 0 {
		i += int(value >> 1)
	}
	if (size|timestamp|offset|key|value) > maxShort || size&1 != 0 || i+1 != end || p[i] != 0 {
		return 0, 0
	}
	f.timestampDelta, f.offsetDelta = int64(unzigzag(timestamp)), unzigzag(offset)
	f.headers, f.headerCount = end-start, 0
	return start, end
}

// skipHeaders returns the index after n headers at p[i:], or -1 if they are not well formed.
func skipHeaders(p []byte, i int, n int32) int {
	if n < 0 {
		return -1
	}
	for ; n > 0 && i >= 0; n-- {
		var size int32
		if size, i = varint(p, i); size < 0 {
			return -1
		}
		i += int(size) // after a failed read size is 0 and i stays -1
		if size, i = varint(p, i); size > 0 {
			i += int(size)
		}
	}
	if i > len(p) {
		return -1
	}
	return i
}

// record returns the view of p that f was parsed from.
func (f *fields) record(p []byte, r *Record) {
	r.Key = view(p, f.key, f.keySize)
	r.Value = view(p, f.value, f.valueSize)
	r.Headers = Headers{raw: p[f.headers:], n: f.headerCount}
}
