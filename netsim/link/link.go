// Package link carries bytes between two machines of a simulated world, as a network does that keeps only the promises
// of TCP: what arrives is a prefix of what was sent, in its order, and nothing else is sure.
//
// # The fault model
//
//	delay      every send takes at least Path.Min, and longer by an exponential time of mean Path.Mean; each direction
//	           of each pair of machines has its own Path
//	split      what was sent at once arrives in pieces, cut anywhere, some of them a single byte
//	rate       a Path may carry no more than so many bytes a second: a slow reader, or a slow line
//	cut        a Path that is held carries nothing; what is on it waits (TCP sends again), until it is released
//	stall      one Stream alone may be held up for a while (Delay)
//	reset      a Stream may break after any byte (Break); what was behind it never arrives
//	half-open  a Stream that nobody reads or ends simply stays
//
// A Stream holds at most Window bytes that have not arrived: who sends more has to wait, as for a full socket buffer.
//
// A Stream tells when its next piece is due, and hands it over then; it knows no events. All times and all draws are
// whole numbers.
package link

import (
	"time"

	"github.com/gregor-log/gregor/netsim/clock"
)

// Path is one direction between two machines. Its fields may change at any time; they hold for what is sent from then
// on.
type Path struct {
	// Min is the least time that a send takes, Mean the mean of what is added to it.
	Min, Mean time.Duration
	// Rate is the most bytes a second that one Stream gets, 0 for no limit.
	Rate int64
	// Split is how many sends in a thousand arrive in pieces.
	Split int

	held bool
}

// Hold lets nothing arrive any more.
func (p *Path) Hold() { p.held = true }

// Release lets things arrive again. Each Stream on the path must be Resumed.
func (p *Path) Release() { p.held = false }

// Held reports that nothing arrives.
func (p *Path) Held() bool { return p.held }

// Latency draws how long a small thing takes that is sent now.
func (p *Path) Latency(s clock.Source) time.Duration {
	return p.Min + clock.Exponential(s, p.Mean)
}

// Kind says what a Piece is.
type Kind uint8

// The kinds of pieces.
const (
	// None says that nothing has arrived: the Path is held, or it is too early.
	None Kind = iota
	// Data is bytes.
	Data
	// End is the orderly end of a Stream, after all of its bytes.
	End
	// Reset is the end of a connection at once; the rest of its bytes never arrives.
	Reset
)

// Piece is what arrives at one instant.
type Piece struct {
	Kind Kind
	// Bytes is valid until the next call of Send.
	Bytes []byte
}

// DefaultWindow is the Window of a Stream that sets none, in bytes.
const DefaultWindow = 64 << 10

// largestPiece is the most bytes that arrive at once.
const largestPiece = 16 << 10

// Stream is one direction of one connection.
type Stream struct {
	path   *Path
	rand   clock.Source
	window int

	// buf holds the bytes that were sent, from head on those that have not arrived; pieces says, from first on, in
	// which pieces they will.
	buf    []byte
	head   int
	pieces []piece
	first  int
	// last is when the last piece is due: nothing overtakes.
	last clock.Time
	// breakAfter is how many bytes still arrive before the stream breaks, -1 if it does not.
	breakAfter int64
	over       bool
}

type piece struct {
	at  clock.Time
	n   int
	end bool
}

// NewStream returns an empty stream on a path. window is the most bytes that may be on their way, 0 for DefaultWindow.
func NewStream(path *Path, rand clock.Source, window int) *Stream {
	if window <= 0 {
		window = DefaultWindow
	}
	return &Stream{path: path, rand: rand, window: window, breakAfter: -1}
}

// Room returns how many bytes may be sent now.
func (s *Stream) Room() int {
	return max(s.window-(len(s.buf)-s.head), 0)
}

// InFlight returns how many bytes have been sent and have not arrived.
func (s *Stream) InFlight() int {
	return len(s.buf) - s.head
}

// Send takes p, of which it keeps a copy, whatever its size: it is the sender who looks at Room.
func (s *Stream) Send(now clock.Time, p []byte) {
	if len(p) == 0 || s.over {
		return
	}
	if s.head == len(s.buf) {
		s.buf, s.head = s.buf[:0], 0
	} else if s.head > len(s.buf)/2 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.head:])]
		s.head = 0
	}
	s.buf = append(s.buf, p...)
	at := now.Add(s.path.Latency(s.rand))
	for left := len(p); left > 0; {
		n := s.cut(left)
		s.push(at, n, false)
		left -= n
		if left > 0 {
			at = s.last.Add(clock.Exponential(s.rand, s.path.Mean/8))
		}
	}
}

// cut draws how many of the next n bytes arrive together.
func (s *Stream) cut(n int) int {
	most := min(n, largestPiece)
	if s.path.Split == 0 || n == 1 || !clock.Chance(s.rand, int64(s.path.Split), 1000) {
		return most
	}
	if clock.Chance(s.rand, 1, 4) {
		most = min(most, 8) // so that lengths and headers are cut too
	}
	return int(clock.Between(s.rand, 1, int64(most)))
}

func (s *Stream) push(at clock.Time, n int, end bool) {
	if s.path.Rate > 0 {
		at = max(at, s.last.Add(time.Duration(int64(n)*int64(time.Second)/s.path.Rate)))
	}
	s.last = max(s.last, at)
	if s.first == len(s.pieces) {
		s.pieces, s.first = s.pieces[:0], 0
	}
	s.pieces = append(s.pieces, piece{at: s.last, n: n, end: end})
}

// Finish ends the stream in good order, after what was sent.
func (s *Stream) Finish(now clock.Time) {
	if !s.over {
		s.push(now.Add(s.path.Latency(s.rand)), 0, true)
		s.over = true
	}
}

// Due returns when the next piece arrives, and false if none is on its way.
func (s *Stream) Due() (clock.Time, bool) {
	if s.first == len(s.pieces) {
		return 0, false
	}
	return s.pieces[s.first].at, true
}

// Receive returns what arrives now.
func (s *Stream) Receive(now clock.Time) Piece {
	if s.path.held || s.first == len(s.pieces) || s.pieces[s.first].at > now {
		return Piece{}
	}
	next := s.pieces[s.first]
	s.first++
	if next.end {
		return Piece{Kind: End}
	}
	p := s.buf[s.head : s.head+next.n]
	if s.breakAfter >= 0 && int64(len(p)) > s.breakAfter {
		return s.broken(p)
	}
	if s.breakAfter >= 0 {
		s.breakAfter -= int64(len(p))
	}
	s.head += next.n
	return Piece{Kind: Data, Bytes: p}
}

// broken returns the last bytes before the stream breaks, and then the reset.
func (s *Stream) broken(p []byte) Piece {
	if s.breakAfter == 0 {
		s.Drop()
		return Piece{Kind: Reset}
	}
	p = p[:s.breakAfter]
	s.breakAfter = 0
	s.head += len(p)
	s.first--
	s.pieces[s.first].n -= len(p)
	return Piece{Kind: Data, Bytes: p}
}

// Break has the stream break after so many more bytes. It happens when the next one would arrive.
func (s *Stream) Break(after int64) {
	s.breakAfter = max(after, 0)
}

// Delay holds up what is on its way, and all behind it, by d.
func (s *Stream) Delay(d time.Duration) {
	for i := s.first; i < len(s.pieces); i++ {
		s.pieces[i].at = s.pieces[i].at.Add(d)
	}
	s.last = s.last.Add(d)
}

// Resume says that the path was released: what waited arrives from now on, in its order.
func (s *Stream) Resume(now clock.Time) {
	if s.first == len(s.pieces) || s.pieces[s.first].at > now {
		return
	}
	at := now.Add(s.path.Latency(s.rand))
	for i := s.first; i < len(s.pieces); i++ {
		s.pieces[i].at = max(s.pieces[i].at, at)
	}
	s.last = max(s.last, at)
}

// Drop forgets what is on its way: nothing arrives any more.
func (s *Stream) Drop() {
	s.buf, s.head, s.pieces, s.first, s.over = s.buf[:0], 0, s.pieces[:0], 0, true
}

// Unbreak takes Break back, if it has not happened.
func (s *Stream) Unbreak() {
	s.breakAfter = -1
}
