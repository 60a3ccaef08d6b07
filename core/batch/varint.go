package batch

// Zigzag varints as Kafka's ByteUtils reads them: at most 5 bytes for 32 bits and 10 for 64; a set top bit in the last
// of these is an error, other excess bits of it are dropped, and encodings longer than needed are taken.
//
// Reading works on an index instead of a shrinking slice, and a failure is an index of -1 that later reads pass on. So
// a parser reads field after field and checks once, at the end.

const (
	maxVarint  = 5
	maxVarlong = 10
)

// varint reads a 32-bit zigzag varint at p[i:] and returns it with the index after it. The index is -1 where p ends too
// early, where the varint is too long, or where i was -1; the value is 0 then.
func varint(p []byte, i int) (v int32, next int) {
	if uint(i) >= uint(len(p)) {
		return 0, -1
	}
	q := p[i:]
	if len(q) < maxVarint {
		return varintEnd(q, i)
	}
	q = q[:maxVarint]
	u, n := uint32(q[0]), 1
	if q[0] >= 0x80 {
		u, n = u&0x7f|uint32(q[1]&0x7f)<<7, 2
		if q[1] >= 0x80 {
			u, n = u|uint32(q[2]&0x7f)<<14, 3
			if q[2] >= 0x80 {
				u, n = u|uint32(q[3]&0x7f)<<21, 4
				if q[3] >= 0x80 {
					u, n = u|uint32(q[4])<<28, 5
					if q[4] >= 0x80 {
						return 0, -1
					}
				}
			}
		}
	}
	return int32(u>>1) ^ -int32(u&1), i + n
}

// varintEnd is varint for the last few bytes of a buffer: q, which starts at index i of it.
func varintEnd(q []byte, i int) (v int32, next int) {
	var u uint32
	for n, b := range q {
		u |= uint32(b&0x7f) << (7 * n)
		if b < 0x80 {
			return int32(u>>1) ^ -int32(u&1), i + n + 1
		}
	}
	return 0, -1
}

// varlong is varint for 64 bits.
func varlong(p []byte, i int) (v int64, next int) {
	if uint(i) >= uint(len(p)) {
		return 0, -1
	}
	var u uint64
	q := p[i:]
	for n := 0; n < len(q) && n < maxVarlong; n++ {
		b := q[n]
		u |= uint64(b&0x7f) << (7 * n)
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + n + 1
		}
	}
	return 0, -1
}

// short reads a varint of one or two bytes at h[i], not yet unzigzagged, and returns the index after it. A result above
// maxShort means that it has more bytes. It is inlined and checks no bounds.
func short(h *[16]byte, i int) (u uint32, next int) {
	u = uint32(h[i&15])
	if u < 0x80 {
		return u, i + 1
	}
	return u&0x7f | uint32(h[(i+1)&15])<<7, i + 2
}

const maxShort = 1<<14 - 1

// unzigzag turns 0, 1, 2, 3 into 0, -1, 1, -2.
func unzigzag(u uint32) int32 {
	return int32(u>>1) ^ -int32(u&1)
}

// appendVarint appends v as a zigzag varint.
func appendVarint(p []byte, v int32) []byte {
	u := uint32(v)<<1 ^ uint32(v>>31)
	for u >= 0x80 {
		p = append(p, byte(u)|0x80)
		u >>= 7
	}
	return append(p, byte(u))
}

// appendVarlong appends v as a zigzag varint.
func appendVarlong(p []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	for u >= 0x80 {
		p = append(p, byte(u)|0x80)
		u >>= 7
	}
	return append(p, byte(u))
}

// sizeVarlong is the number of bytes that appendVarlong appends, and appendVarint for a value of 32 bits.
func sizeVarlong(v int64) int {
	n := 1
	for u := uint64(v)<<1 ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
