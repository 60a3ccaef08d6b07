package world

import (
	"bytes"
	"strconv"

	"github.com/gregor-log/gregor/core/batch"
)

// A record of the ledger's appends:
//
//	key    "<append>.<number of the record in it>", its identity, the same in a history
//	value  Append.ValueSize bytes that follow from the identity

// AppendKey appends the key of a record of an append to dst.
func AppendKey(dst []byte, id AppendID, index int32) []byte {
	dst = strconv.AppendInt(dst, int64(id), 10)
	dst = append(dst, '.')
	return strconv.AppendInt(dst, int64(index), 10)
}

// AppendValue appends the value of a record of an append to dst.
func AppendValue(dst []byte, id AppendID, index, size int32) []byte {
	x := uint32(id)*2654435761 + uint32(index)
	for range size {
		x = x*1664525 + 1013904223
		dst = append(dst, 'a'+byte(x>>24)%26)
	}
	return dst
}

// identity reads which append a batch is: the key of its first record says so. It reports false for a batch that no
// client of the ledger can have built.
func (l *Ledger) identity(b batch.Batch) (AppendID, bool) {
	it := b.Records(batch.DefaultMaxInflated)
	defer it.Close()
	if !it.Next() {
		return NoAppend, false
	}
	text, index, ok := bytes.Cut(it.Record().Key, []byte("."))
	id, err := strconv.ParseInt(string(text), 10, 32)
	if !ok || err != nil || id < 0 || id >= int64(len(l.appends)) || string(index) != "0" {
		return NoAppend, false
	}
	return AppendID(id), true
}

// same reports whether a batch is the one that was sent: by its CRC, or, where the broker may have rewritten it, record
// by record.
func (l *Ledger) same(b batch.Batch, id AppendID) bool {
	a := &l.appends[id]
	if b.CRC() == a.CRC {
		return b.Count() == a.Count
	}
	if !l.partitions[a.Partition].Topic.Rewrites || b.Count() != a.Count {
		return false
	}
	it := b.Records(batch.DefaultMaxInflated)
	defer it.Close()
	var key, value []byte
	for i := int32(0); it.Next(); i++ {
		r := it.Record()
		key, value = AppendKey(key[:0], id, i), AppendValue(value[:0], id, i, a.ValueSize)
		if !bytes.Equal(r.Key, key) || !bytes.Equal(r.Value, value) {
			return false
		}
	}
	return it.Err() == nil
}
