//go:build linux

package study_test

import (
	"testing"
)

// TestStores: each case has figures of the disk, tmpfs and memory.
func TestStores(t *testing.T) {
	s := run(t, "stores", small(t))
	if len(s.Panels) != 7 { // appends by three factors, reads and lookups by two
		t.Fatalf("got %d panels, expected 7", len(s.Panels))
	}
	for i, groups := range []int{4, 4, 4, 4, 3, 3, 3} {
		p := s.Panels[i]
		if len(p.Groups()) != groups || len(p.Series()) != 3 || len(p.Points) != 3*groups {
			t.Errorf("%s: got groups %q, series %q", p.Title, p.Groups(), p.Series())
		}
	}
}
