//go:build linux

package load

import (
	"errors"
	"testing"
)

// TestCompare: of a log that nobody writes to all answers begin alike; of one that grows the two ends may rise, not
// fall, and nothing else may change.
func TestCompare(t *testing.T) {
	const ends = 1 // one byte stands before them, one behind
	head := func(before, mark, stable, behind byte) []byte {
		h := make([]byte, ends+8+8+1)
		h[0], h[ends+7], h[ends+15], h[ends+16] = before, mark, stable, behind
		return h
	}
	for _, c := range []struct {
		about         string
		first, second []byte
		growing, ok   bool
	}{
		{"the same", head(1, 5, 5, 1), head(1, 5, 5, 1), false, true},
		{"higher, of a log that is at rest", head(1, 5, 5, 1), head(1, 6, 6, 1), false, false},
		{"higher, of one that grows", head(1, 5, 5, 1), head(1, 6, 6, 1), true, true},
		{"a high watermark that falls", head(1, 5, 5, 1), head(1, 4, 5, 1), true, false},
		{"a last stable offset that falls", head(1, 5, 5, 1), head(1, 5, 4, 1), true, false},
		{"another byte before", head(1, 5, 5, 1), head(2, 5, 5, 1), true, false},
		{"another byte behind", head(1, 5, 5, 1), head(1, 5, 5, 2), true, false},
	} {
		s := sink{load: &Fetch{Growing: c.growing}}
		if err := s.compare(c.first, ends); err != nil {
			t.Fatal(err)
		}
		if err := s.compare(c.second, ends); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: got %v", c.about, err)
		}
	}
}
