package reports

import (
	"fmt"

	"github.com/gregor-log/gregor/bench/result"
)

// benchHottest says where gregor's processor time went.
func benchHottest(m *result.Measurement) *Table {
	t := &Table{
		Caption: "Where gregor spent its processor time in one more sample, most first; time in the kernel counts " +
			"for the system call. The whole profile is profile/" + m.Row + ".pprof.",
		Head: []string{"function or system call", "part"},
	}
	for _, h := range m.Hottest {
		t.Rows = append(t.Rows, Row{Cells: []string{h.Where, fmt.Sprintf("%.1f %%", h.Percent)}})
	}
	return t
}
