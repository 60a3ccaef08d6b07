package main

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/core/batch"
)

// headerFields are the places and sizes of the batch header's fields that scripts patch.
var headerFields = map[string]struct{ at, size int }{
	"base": {0, 8}, "length": {8, 4}, "leader": {12, 4}, "magic": {16, 1}, "crc": {17, 4}, "attr": {21, 2},
	"delta": {23, 4}, "first": {27, 8}, "max": {35, 8}, "count": {57, 4},
}

// patched puts values into a batch's header. The CRC is made right again unless it is patched itself.
func patched(b batch.Batch, patches []patch) ([]byte, error) {
	twice, wrong := false, false
	for _, p := range patches {
		switch p.name {
		case "twice":
			twice = true
			continue
		case "cut":
			b = b[:len(b)-int(p.n)]
			continue
		}
		field, ok := headerFields[p.name]
		if !ok {
			return nil, fmt.Errorf("batch has no field %q", p.name)
		}
		if p.name == "crc" {
			wrong = true
		}
		var raw [8]byte
		binary.BigEndian.PutUint64(raw[:], uint64(p.n))
		copy(b[field.at:field.at+field.size], raw[8-field.size:])
	}
	if !wrong {
		b.UpdateCRC()
	}
	if twice {
		b = append(b, b...)
	}
	return b, nil
}
