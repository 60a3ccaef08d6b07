package broker

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// claims are lengths that no frame of a test keeps: as the 4 bytes of an array or of bytes, as the 2 bytes of a string,
// and as a varint.
var claims = [][]byte{
	{0x7f, 0xff, 0xff, 0xff}, {0x00, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0x7f, 0xff}, {0xff, 0xff},
	{0xff, 0xff, 0xff, 0xff, 0x0f}, {0x80, 0x80, 0x80, 0x08}, {0xff, 0xff, 0xff, 0x7f},
}

// throw sends a frame on a connection of its own, which may be closed for it, and returns the bytes that it allocated.
// Whatever comes back leaves; it must not be looked at, since the request may say anything.
func (h *harness) throw(frame []byte) uint64 {
	conn := NewConn(h.b.Listener("PLAINTEXT"), "127.0.0.1")
	var out Effects
	return allocated(func() {
		h.b.Step(h.now, Input{Kind: Frame, Conn: conn, Frame: frame}, &out)
		for len(out.Tasks) > 0 {
			task := out.Tasks[0]
			out.Tasks = out.Tasks[1:]
			task.Run()
			h.b.Step(h.now, Input{Kind: TaskDone, Task: task}, &out)
		}
		for _, r := range conn.Take(nil) {
			r.Release()
		}
		h.b.Step(h.now, Input{Kind: Closed, Conn: conn}, &out)
	})
}

// Wherever in a request a length claims more than there is, the broker allocates no more than for what is there.
func TestLengthsThatLie(t *testing.T) {
	const most = 1 << 20
	h := newHarness(t)
	id := h.create("t", 1)
	h.coordinator("g") // the first who asks for one has a topic made
	for _, a := range servedAPIs() {
		for v := a.least; v <= a.max; v++ {
			honest := frameOf(sampleRequest(a.key, v, "t", id))
			for at := 8; at < len(honest); at++ { // behind key, version and correlation id
				for _, claim := range claims {
					if at+len(claim) > len(honest) {
						continue
					}
					frame := append([]byte(nil), honest...)
					copy(frame[at:], claim)
					if n := h.throw(frame); n > most {
						t.Fatalf("%s v%d, % x at %d: got %d bytes allocated, expected at most %d",
							kmsg.Key(a.key).Name(), v, claim, at, n, most)
					}
				}
			}
		}
	}
	if err := h.b.topics.partition("t", 0).offline(); err != nil {
		t.Error(err)
	}
}

// Frames of random bytes behind an honest header, and honest frames that are cut or changed, are answered or refused.
func TestFramesOfGarbage(t *testing.T) {
	const most = 8 << 20
	h := newHarness(t)
	id := h.create("t", 1)
	r := rand.New(rand.NewPCG(5, 6))
	for _, a := range servedAPIs() {
		for v := a.min; v <= a.max; v++ {
			for range 30 {
				frame := rawFrame(a.key, v, 1, noClientID...)
				for range r.IntN(200) {
					frame = append(frame, byte(r.Uint32()&(r.Uint32()>>8))) // few bits, small lengths
				}
				if r.IntN(2) == 0 && v >= a.least {
					frame = frameOf(sampleRequest(a.key, v, "t", id))
					frame = frame[:9+r.IntN(len(frame)-8)]
					for range r.IntN(4) {
						frame[8+r.IntN(len(frame)-8)] ^= byte(r.Uint32())
					}
				}
				if n := h.throw(frame); n > most {
					t.Fatalf("%s v%d: got %d bytes allocated, expected at most %d: % x", kmsg.Key(a.key).Name(), v, n,
						most, frame)
				}
			}
		}
	}
}

// The most that a frame can hold costs a bounded multiple of its bytes: as many elements as there is room for, each as
// small as it can be.
func TestFramesFullOfTheSmallest(t *testing.T) {
	const size, factor = 1 << 18, 200
	h := newHarness(t)
	for _, test := range []struct {
		key, version int16
		element      []byte
	}{
		{3, 1, []byte{0, 1, 'x'}},            // Metadata: a name
		{3, 9, []byte{2, 'x', 0}},            // the same, compact
		{20, 1, []byte{0, 0}},                // DeleteTopics: an empty name
		{2, 1, nil},                          // ListOffsets: a claim and nothing behind it
		{32, 1, []byte{2, 0, 0, 0, 0, 0, 0}}, // DescribeConfigs: a topic without a name
		{61, 0, []byte{2, 'x', 1, 0}},        // DescribeProducers: a topic without partitions
	} {
		frame := rawFrame(test.key, test.version, 1, noClientID...)
		n := size / max(len(test.element), 1)
		if len(test.element) > 0 && test.element[0] == 2 && test.key != 32 {
			frame = append(frame, 0) // no tagged fields in the header
			frame = binary.AppendUvarint(frame, uint64(n+1))
		} else {
			frame = binary.BigEndian.AppendUint32(frame, uint32(n))
		}
		for range n {
			frame = append(frame, test.element...)
		}
		frame = append(frame, make([]byte, 8)...)
		if got := h.throw(frame); got > factor*uint64(len(frame)) {
			t.Errorf("%s v%d: got %d bytes allocated for %d, expected at most %d times as many",
				kmsg.Key(test.key).Name(), test.version, got, len(frame), factor)
		}
	}
}

// What is named again and again in one request does not make an answer of any size.
func TestAnswersAreBounded(t *testing.T) {
	h := newHarness(t)
	h.b.mostTold = 1000
	h.create("t", 1)
	for i := range 100 {
		h.mustProduce("t", 0, numbered(base.ProducerID(i+1), 0, 0, "a"))
	}
	configs := kmsg.NewPtrDescribeConfigsRequest()
	configs.Version = 1
	one := kmsg.DescribeConfigsRequestResource{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "t"}
	configs.Resources = slices.Repeat([]kmsg.DescribeConfigsRequestResource{one}, 50)
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: make([]int32, 50)}}
	described := ask[*kmsg.DescribeConfigsResponse](h, 1, configs).Resources
	first, last := described[0], described[len(described)-1]
	if first.ErrorCode != 0 || len(first.Configs) == 0 || last.ErrorCode != 42 || len(last.Configs) != 0 {
		t.Errorf("configs: got errors %d and %d, expected 0 and 42", first.ErrorCode, last.ErrorCode)
	}
	told := ask[*kmsg.DescribeProducersResponse](h, 0, producers).Topics[0].Partitions
	if a, z := told[0], told[len(told)-1]; a.ErrorCode != 0 || len(a.ActiveProducers) != 100 || z.ErrorCode != 42 {
		t.Errorf("producers: got errors %d and %d, expected 0 and 42", a.ErrorCode, z.ErrorCode)
	}
}
