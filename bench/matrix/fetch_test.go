//go:build linux

package matrix

import (
	"testing"
	"time"

	"github.com/gregor-log/gregor/core/batch"
)

// TestFetchedLogsAreOfToday: no broker may find the log of a fetch row too old to be kept.
func TestFetchedLogsAreOfToday(t *testing.T) {
	for _, r := range fetchRows() {
		b, err := r.work.(*fetch).newBatch()
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(time.UnixMilli(batch.Batch(b.Bytes).MaxTimestamp())); age > time.Hour {
			t.Errorf("%s: got records that are %v old", r.Name, age)
		}
	}
}
