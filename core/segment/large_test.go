package segment

import (
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// TestLocateReadsHeadersOfLargeBatches: where each batch has an entry of its own, a lookup reads the header at the
// entry and that behind it, and nothing of their records.
func TestLocateReadsHeadersOfLargeBatches(t *testing.T) {
	const batches, size = 10, 20 << 10
	w := &twin{}
	s, read := counted(t, w, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 4 << 10}, batches, size)
	for o := base.Offset(0); o < w.next(); o++ {
		*read = 0
		w.checkPlace(t, s, o)
		if *read > 2*batch.HeaderSize && o < 2*(batches-1) { // behind the last entry nobody knows how large batches are
			t.Errorf("offset %d: got %d bytes read, expected at most two headers", o, *read)
		}
	}
}
