package broker

import (
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
)

// What the broker counts. The counters of the hot path are atomic numbers in a place of their own for each API: a
// request adds to a few of them and takes no lock and no memory for it. They are there several times, and connections
// take turns at them, since processors that add to the same number wait for each other. All else (what waits, what logs
// hold) is not counted but looked up when somebody asks.

// apiStats counts what was asked of one API. A nil *apiStats counts nothing.
type apiStats struct {
	key int16
	// errors are the error codes answered, by code; the last place is for codes that do not fit.
	errors [largestCode + 2]atomic.Uint64
	shares [statShares]apiShare
}

// statShares is how many times the counters are there.
const statShares = 8

// apiShare counts the requests of some of the connections.
type apiShare struct {
	requests, bytesIn, bytesOut atomic.Uint64
	time                        Histogram
	_                           [64]byte // so that no two shares are in one line of a processor's cache
}

// lastShare numbers the connections.
var lastShare atomic.Uint32

// nextShare returns the share that a new connection counts in.
func nextShare() uint8 {
	return uint8(lastShare.Add(1) % statShares)
}

// largestCode is the largest error code that is counted by itself; Kafka has 134 of them.
const largestCode = 160

func newAPIStats(key int16) *apiStats {
	s := &apiStats{key: key}
	for i := range s.shares {
		s.shares[i].time.Init(&Durations)
	}
	return s
}

// begin counts a request of so many bytes, its length included.
func (s *apiStats) begin(share uint8, size int) {
	if s != nil {
		s.shares[share].requests.Add(1)
		s.shares[share].bytesIn.Add(uint64(size))
	}
}

// fail counts an error code that is answered; 0 is none.
func (s *apiStats) fail(code int16) {
	if code == noCode || s == nil {
		return
	}
	at := int(uint16(code)) // -1, UNKNOWN_SERVER_ERROR, does not fit either
	s.errors[min(at, largestCode+1)].Add(1)
}

// end counts an answer of so many bytes. It leaves at an instant, 0 if that is not known.
func (a *answer) end(share uint8, now base.Mono) {
	if a.stats == nil {
		return
	}
	s := &a.stats.shares[share]
	s.bytesOut.Add(uint64(a.reply.Size()))
	if now > 0 {
		s.time.Observe(int64(now - a.began))
	}
}

// stats are the counters that belong to no API.
type stats struct {
	// rejected counts requests for which the connection was closed instead of an answer.
	rejected atomic.Uint64
	// synced is how many records each sync of a partition's log made durable.
	synced Histogram
}

func (s *stats) init() {
	s.synced.Init(&Numbers)
}

// APIStats is what was asked of one API since the broker was opened.
type APIStats struct {
	// Key is the API's key, and Name Kafka's name of it.
	Key  int16
	Name string
	// Requests are those that came, BytesIn their bytes and BytesOut those of the answers, lengths included.
	Requests, BytesIn, BytesOut uint64
	// Errors are the error codes that were answered, wherever in a response they stood, by code.
	Errors []CodeCount
	// Time is the time from request to answer, in nanoseconds, of the requests that were answered.
	Time Distribution
}

// CodeCount is how often an error code was answered.
type CodeCount struct {
	// Code is Kafka's error code; -1 stands for all that Kafka has no code for as well.
	Code int16
	// Count is how often it was answered.
	Count uint64
}

// APIStats returns the counters of the APIs that were asked for at least once, by key.
func (b *Broker) APIStats() []APIStats {
	var found []APIStats
	for _, a := range b.apis {
		if a == nil {
			continue
		}
		s := a.stats.read()
		if s.Requests == 0 {
			continue
		}
		for code := range a.stats.errors {
			if n := a.stats.errors[code].Load(); n > 0 {
				s.Errors = append(s.Errors, CodeCount{Code: codeAt(code), Count: n})
			}
		}
		found = append(found, s)
	}
	return found
}

// read sums up the shares.
func (s *apiStats) read() APIStats {
	sum := APIStats{Key: s.key, Name: APIName(s.key)}
	for i := range s.shares {
		share := &s.shares[i]
		sum.Requests += share.requests.Load()
		sum.BytesIn += share.bytesIn.Load()
		sum.BytesOut += share.bytesOut.Load()
		sum.Time.Add(share.time.Read())
	}
	return sum
}

func codeAt(place int) int16 {
	if place > largestCode {
		return -1
	}
	return int16(place)
}

// Rejected returns how many requests were answered by closing their connection: no broker could read them, or they were
// of an API or a version that this one does not serve.
func (b *Broker) Rejected() uint64 {
	return b.stats.rejected.Load()
}

// RecordsSynced returns how many records each sync of a partition's log made durable.
func (b *Broker) RecordsSynced() Distribution {
	return b.stats.synced.Read()
}
