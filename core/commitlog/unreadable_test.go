package commitlog

import (
	"errors"
	"testing"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// With gregor.validation=header a client may append records that nobody can read. Whoever then looks for a timestamp is
// refused, but the log stays in service: its bytes are those that were sent.
func TestUnreadableRecordsLeaveTheLogOnline(t *testing.T) {
	l := open(t, testOptions(newFS(t)))
	add(t, l, 1)
	b := numbered(t, l.End(), 3)
	b[batch.HeaderSize] ^= 0xff
	b.UpdateCRC()
	if _, err := l.Append(b, 0, start); err != nil {
		t.Fatal(err)
	}
	_, _, timeErr := l.OffsetForTime(start+1, l.End())
	_, _, largestErr := l.LargestTimestamp()
	for _, err := range []error{timeErr, largestErr} {
		if !errors.Is(err, segment.ErrUnreadable) || !errors.Is(err, batch.ErrInvalidRecord) ||
			errors.Is(err, ErrOffline) {
			t.Errorf("got %v, expected %v", err, segment.ErrUnreadable)
		}
	}
	must(t, l.Failure())
	add(t, l, 1)
}

// The same in bytes that changed since they were written takes the log offline.
func TestDamagedRecordsTakeTheLogOffline(t *testing.T) {
	fs := newFS(t)
	l := open(t, testOptions(fs))
	add(t, l, 1)
	must(t, fs.Corrupt(file(0, segment.LogSuffix), batch.HeaderSize, []byte{0xff}))
	_, _, err := l.OffsetForTime(start, l.End())
	if !errors.Is(err, ErrOffline) || !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("got %v, expected %v", err, ErrOffline)
	}
}
