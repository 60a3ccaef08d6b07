package main

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/wire"
)

// kind is a way to make a request frame a hostile one.
type kind uint8

const (
	flippedBits kind = iota
	innerLength
	otherVersion
	wrongCRC
	wrongMagic
	wrongCount
	wrongBatchLength
	changedRecords
	cutShort
	unknownKey
	unknownVersion
	garbage
	hugeLength
	negativeLength
	halfFrame
	bomb
	kinds // their number
)

// names says what is done in each kind, for the table.
var names = [kinds]string{
	"bits flipped", "length inside replaced", "version of another body", "batch: wrong CRC", "batch: wrong magic",
	"batch: wrong count", "batch: wrong length", "batch: records changed, right CRC", "body cut short",
	"unknown API key", "unknown version", "garbage", "frame length beyond the limit", "negative frame length",
	"half a frame, then silence", "decompression bomb",
}

// final reports that nothing can be sent behind a frame of the kind, since it claims bytes that do not come.
func (k kind) final() bool {
	return k == hugeLength || k == negativeLength || k == halfFrame
}

// ofBatch reports that the kind is about the record batch of a Produce request.
func (k kind) ofBatch() bool {
	return k >= wrongCRC && k <= changedRecords
}

// hostileFrame is a frame as it is sent, and the header that the broker finds in it.
type hostileFrame struct {
	kind         kind
	bytes        []byte
	key, version int16
	correlation  int32
}

// mutator makes hostile frames. It belongs to one goroutine.
type mutator struct {
	chance    *rand.Rand
	templates []template
	produces  []template
	bombs     [][]byte
	next      int32
}

func newMutator(seed uint64, all []template, bombs [][]byte) *mutator {
	m := &mutator{chance: rand.New(rand.NewPCG(seed, 17)), templates: all, bombs: bombs}
	for _, t := range all {
		if t.records > 0 {
			m.produces = append(m.produces, t)
		}
	}
	return m
}

// oneBombIn says how rare bombs are: each keeps the broker's processors busy for many milliseconds.
const oneBombIn = 5000

// draw chooses a kind; last allows those that end a connection almost for sure.
func (m *mutator) draw(last bool) kind {
	if m.chance.IntN(oneBombIn) == 0 {
		return bomb
	}
	if last {
		return cutShort + kind(m.chance.IntN(int(bomb-cutShort)))
	}
	return kind(m.chance.IntN(int(cutShort)))
}

// frame makes a frame of a kind.
func (m *mutator) frame(k kind) hostileFrame {
	from := m.templates
	if k.ofBatch() {
		from = m.produces
	}
	t := from[m.chance.IntN(len(from))]
	p := slices.Clone(t.frame)
	if k == bomb {
		p = slices.Clone(m.bombs[m.chance.IntN(len(m.bombs))])
	}
	m.next++
	binary.BigEndian.PutUint32(p[correlationAt:], uint32(m.next))
	if k.ofBatch() {
		m.batch(k, p[t.records:t.recordsEnd])
	} else {
		p = m.whole(k, t, p)
	}
	f := hostileFrame{kind: k, bytes: p, key: -1}
	if len(p) >= bodyAt {
		f.key = int16(binary.BigEndian.Uint16(p[keyAt:]))
		f.version = int16(binary.BigEndian.Uint16(p[versionAt:]))
		f.correlation = int32(binary.BigEndian.Uint32(p[correlationAt:]))
	}
	return f
}

// batch damages the record batch of a Produce request.
func (m *mutator) batch(k kind, b batch.Batch) {
	switch k {
	case wrongCRC:
		b[17+m.chance.IntN(4)] ^= m.byte()
	case wrongMagic:
		b[16] = byte(m.chance.IntN(256))
	case wrongCount:
		binary.BigEndian.PutUint32(b[57:], uint32(m.length()))
		b.UpdateCRC()
	case wrongBatchLength:
		binary.BigEndian.PutUint32(b[8:], uint32(m.length()))
	case changedRecords:
		for range 1 + m.chance.IntN(3) {
			b[21+m.chance.IntN(len(b)-21)] ^= m.byte()
		}
		b.UpdateCRC()
	}
}

// whole damages a frame anywhere. What it returns has a right length, unless that is what is wrong.
func (m *mutator) whole(k kind, t template, p []byte) []byte {
	switch k {
	case flippedBits:
		for range 1 + m.chance.IntN(3) {
			p[keyAt+m.chance.IntN(len(p)-keyAt)] ^= 1 << m.chance.IntN(8)
		}
		if key := binary.BigEndian.Uint16(p[keyAt:]); key == uint16(kmsg.DeleteTopics) {
			// The key of a request about the target topic must not become this one: nothing could be tried on it then.
			binary.BigEndian.PutUint16(p[keyAt:], uint16(t.key))
		}
	case cutShort:
		p = p[:keyAt+m.chance.IntN(len(p)-keyAt)]
		setLength(p, len(p)-wire.LengthSize)
	case innerLength:
		if at := len(p) - 4; at > bodyAt {
			binary.BigEndian.PutUint32(p[bodyAt+m.chance.IntN(at-bodyAt):], uint32(m.length()))
		}
	case otherVersion:
		binary.BigEndian.PutUint16(p[versionAt:], uint16(max(int(t.version)+m.chance.IntN(9)-4, 0)))
	case unknownKey:
		binary.BigEndian.PutUint16(p[keyAt:], uint16(pickOf(m, 4, 9, 15, 76, 93, 94, 1000, 1<<15-1, -1, -1<<15)))
	case unknownVersion:
		binary.BigEndian.PutUint16(p[versionAt:], uint16(pickOf(m, -1, -1<<15, 20, 99, 1<<15-1)))
	case garbage:
		p = p[:keyAt+m.chance.IntN(len(p)-keyAt)]
		for i := range p {
			p[i] = byte(m.chance.Uint32())
		}
		setLength(p, len(p)-wire.LengthSize)
	case hugeLength:
		setLength(p, pickOf(m, 104857601, 1<<30, 1<<31-1))
	case negativeLength:
		setLength(p, pickOf(m, -1, -2, -1<<31))
	case halfFrame:
		setLength(p, len(p)+m.chance.IntN(1<<20))
		p = p[:1+m.chance.IntN(len(p)-1)]
	}
	return p
}

func setLength(p []byte, n int) {
	binary.BigEndian.PutUint32(p, uint32(int32(n)))
}

// byte returns a byte that changes what it is XORed with.
func (m *mutator) byte() byte {
	return byte(1 + m.chance.IntN(255))
}

// length returns a number that is no good length.
func (m *mutator) length() int {
	return pickOf(m, -1, -2, -1<<31, 1<<31-1, 1<<30, 1<<24, 0, 1, int(int32(m.chance.Uint32())))
}

func pickOf(m *mutator, from ...int) int {
	return from[m.chance.IntN(len(from))]
}

// bombSize is what the records of a bomb inflate to.
const bombSize = 64 << 20

// bombs makes a Produce request of each codec whose records inflate to much more than they take.
func bombs(id [16]byte) [][]byte {
	var all [][]byte
	for codec := batch.Gzip; codec <= batch.Zstd; codec++ {
		b := records(codec, 1, bombSize)
		if len(b) > 900_000 { // the broker would refuse it by its size alone
			continue
		}
		all = append(all, newTemplate(produce(b, id)).frame)
	}
	return all
}
