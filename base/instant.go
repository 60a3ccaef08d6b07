package base

import "time"

// Instant is one reading of a node's two clocks. The broker never reads a clock: each Step is handed the instant at
// which it happens. Deadlines use Mono, which never jumps; record timestamps and retention use Wall, which may.
type Instant struct {
	// Mono is the time since the node started.
	Mono Mono
	// Wall is Unix time in milliseconds, the unit of every timestamp in Kafka's protocol and files.
	Wall int64
}

// Mono is a point on a node's monotonic clock, in nanoseconds since the node started. Zero means "never" where a
// deadline is optional.
type Mono int64

// Add returns the point d later. It saturates instead of wrapping, since clients send timeouts of any size.
func (m Mono) Add(d time.Duration) Mono {
	sum := m + Mono(d)
	if d > 0 && sum < m {
		return Mono(1<<63 - 1)
	}
	return sum
}

// Sub returns the duration from other to m.
func (m Mono) Sub(other Mono) time.Duration {
	return time.Duration(m - other)
}

// AddMillis returns the point ms milliseconds later, saturating; negative values count as zero.
func (m Mono) AddMillis(ms int64) Mono {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	if ms < 0 {
		ms = 0
	}
	if ms > most {
		return Mono(1<<63 - 1)
	}
	return m.Add(time.Duration(ms) * time.Millisecond)
}
