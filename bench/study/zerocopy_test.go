//go:build linux

package study_test

import "testing"

// TestZeroCopy: each way has its processor time and its rate at each size.
func TestZeroCopy(t *testing.T) {
	s := run(t, "zero-copy", small(t))
	if len(s.Panels) != 2 {
		t.Fatalf("got %d panels, expected 2", len(s.Panels))
	}
	for _, p := range s.Panels {
		if len(p.Groups()) != 3 || len(p.Series()) != 3 || len(p.Points) != 9 {
			t.Errorf("%s: got groups %q, series %q", p.Title, p.Groups(), p.Series())
		}
	}
}
