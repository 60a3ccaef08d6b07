package fuzz

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/replication/meta"
)

// FuzzFrame hands any bytes to a broker as a request frame. There is at most one reply, with the frame's correlation
// id; where there is none the connection is closed, or Produce with acks=0 was asked for, or a fetch waits for longer
// than two minutes. Memory is in proportion.
func FuzzFrame(f *testing.F) {
	w := shared.get(f)
	for _, frame := range w.frames() {
		f.Add(frame)
	}
	var s stage
	f.Fuzz(func(t *testing.T, frame []byte) {
		defer watch()()
		m := s.take(t, w)
		partitions := m.b.Image().PartitionCount()
		before := allocated()
		m.send(frame)
		if m.conn.Backlog() > 0 {
			m.advance(2 * time.Minute)
		}
		used := allocated() - before
		// A partition is files and their buffers; decompressors keep windows.
		limit := 48<<20 + 1024*uint64(len(frame)) + 64<<10*uint64(m.b.Image().PartitionCount()-partitions)
		if used > limit {
			t.Fatalf("got %d bytes allocated for a frame of %d, expected at most %d", used, len(frame), limit)
		}
		m.checkFrame(frame)
		s.give(m, frame)
	})
}

// stage keeps a machine from one input to the next as long as nothing changed in it, since opening a broker takes
// longer than refusing a frame.
type stage struct {
	idle  *machine
	image *meta.Image
}

// readers are the APIs that change nothing of a broker whose image stays the same.
var readers = []kmsg.Key{
	kmsg.ListOffsets, kmsg.Metadata, kmsg.FindCoordinator, kmsg.ApiVersions, kmsg.OffsetForLeaderEpoch,
	kmsg.DescribeConfigs, kmsg.DescribeLogDirs, kmsg.DescribeCluster, kmsg.DescribeProducers, kmsg.ListConfigResources,
	kmsg.DescribeTopicPartitions,
}

// take returns a machine whose broker is as the world left it, with a new connection.
func (s *stage) take(t *testing.T, w *world) *machine {
	m := s.idle
	s.idle = nil
	if m == nil {
		m = start(t, w.disk.Clone(), 2)
		s.image = m.b.Image()
		return m
	}
	m.TB, m.frames, m.hungUp = t, nil, false
	m.conn = broker.NewConn(m.b.Listener("PLAINTEXT"), "127.0.0.1")
	return m
}

// give takes a machine back that answered frame.
func (s *stage) give(m *machine, frame []byte) {
	header, _, err := wire.ParseHeader(frame)
	refused := err != nil || m.hungUp && header.Key != int16(kmsg.Produce)
	if m.b.Image() != s.image || !refused && !slices.Contains(readers, kmsg.Key(header.Key)) {
		m.end()
		return
	}
	m.leave()
	s.idle = m
}

// checkFrame looks at what came back for a frame of any bytes.
func (m *machine) checkFrame(frame []byte) {
	m.Helper()
	header, _, err := wire.ParseHeader(frame)
	switch {
	case err != nil && (!m.hungUp || len(m.frames) > 0):
		m.Fatalf("a frame that is none (%v) has %d replies, closed: %v", err, len(m.frames), m.hungUp)
	case len(m.frames) > 1, len(m.frames) == 1 && m.hungUp:
		m.Fatalf("got %d replies to one frame, closed: %v", len(m.frames), m.hungUp)
	case len(m.frames) == 1 && be32(m.frames[0][wire.LengthSize:]) != header.Correlation:
		m.Fatalf("got correlation id % x, expected %x", m.frames[0][wire.LengthSize:][:4], header.Correlation)
	case len(m.frames) == 0 && !m.hungUp && header.Key != int16(kmsg.Produce) && header.Key != int16(kmsg.Fetch):
		m.Fatalf("%s v%d is neither answered nor refused", kmsg.Key(header.Key).Name(), header.Version)
	}
}

// frames are requests as a client sends them: each API in its lowest and highest version with its defaults, and those
// that carry records with some.
func (w *world) frames() [][]byte {
	var found [][]byte
	add := func(req kmsg.Request) {
		found = append(found, kmsg.NewRequestFormatter().AppendRequest(nil, req, 7)[wire.LengthSize:])
	}
	for _, api := range w.apis {
		for _, version := range []int16{api.MinVersion, api.MaxVersion} {
			req := kmsg.RequestForKey(api.ApiKey)
			req.SetVersion(version)
			add(req)
		}
	}
	for codec := batch.None; codec <= batch.Zstd; codec++ {
		req := produce(sample(codec, 0, 3))
		req.Version = 3 + 2*int16(codec)
		add(req)
	}
	return found
}
