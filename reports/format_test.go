package reports_test

import (
	"math"
	"testing"
	"time"

	"github.com/gregor-log/gregor/reports"
)

func TestFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{reports.Count(0), "0"}, {reports.Count(999), "999"}, {reports.Count(1000), "1,000"},
		{reports.Count(int64(2854376)), "2,854,376"}, {reports.Count(-1234567), "-1,234,567"},
		{reports.Count(-999), "-999"},
		{reports.Number(0), "0"}, {reports.Number(0.01234), "0.0123"}, {reports.Number(1.234), "1.23"},
		{reports.Number(12.34), "12.3"}, {reports.Number(99.96), "100"}, {reports.Number(1234.5), "1,235"},
		{reports.Number(-5), "-5"}, {reports.Number(math.Inf(1)), "-"}, {reports.Number(math.NaN()), "-"},
		{reports.Short(0), "0"}, {reports.Short(2.5), "2.5"}, {reports.Short(950), "950"},
		{reports.Short(1200), "1.2k"},
		{reports.Short(1000), "1k"}, {reports.Short(34000), "34k"}, {reports.Short(999_700), "1M"},
		{reports.Short(5.6e6), "5.6M"}, {reports.Short(0.5), "0.5"},
		{reports.Bytes(999), "999 B"}, {reports.Bytes(1000), "1 kB"}, {reports.Bytes(90_363_980), "90.4 MB"},
		{reports.Bytes(999_999), "1 MB"}, {reports.Bytes(5e12), "5 TB"},
		{reports.Took(1500 * time.Nanosecond), "1.5 µs"}, {reports.Took(12300 * time.Microsecond), "12.3 ms"},
		{reports.Took(4560 * time.Millisecond), "4.56 s"}, {reports.Took(125 * time.Second), "2 min 5 s"},
		{reports.Plural(1, "file"), "1 file"}, {reports.Plural(0, "file"), "0 files"},
		{reports.Plural(1234, "file"), "1,234 files"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, expected %q", c.got, c.want)
		}
	}
}
