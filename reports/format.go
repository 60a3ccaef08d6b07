package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Count writes a whole number in groups of three digits: 2,854,376.
func Count[T int | int32 | int64 | uint64](n T) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Number writes a figure with three significant digits, and whole from 100 on: 0.0123, 1.23, 12.3, 1,234.
func Number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case math.Abs(v) >= 99.95:
		return Count(int64(math.Round(v)))
	}
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return text
}

// Short writes a figure in few characters, for charts: 0.067, 950, 1.2k, 34k, 5.6M.
func Short(v float64) string {
	if a := math.Abs(v); a > 0 && a < 0.95 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	unit := ""
	for _, next := range []string{"k", "M", "G", "T"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	digits := 0
	if unit != "" && math.Abs(v) < 9.95 || unit == "" && math.Abs(v) < 99.95 && v != math.Trunc(v) {
		digits = 1
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', digits, 64), ".0") + unit
}

// Bytes writes a size in units of ten: 90.4 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), ""
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if unit != "" && v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	return Number(v) + " " + unit
}

// Took writes a duration in a unit that fits: 12.3 ms, 4.56 s, 2 min 5 s.
func Took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return Number(float64(d)/float64(time.Microsecond)) + " µs"
	case d < time.Second:
		return Number(float64(d)/float64(time.Millisecond)) + " ms"
	case d < 2*time.Minute:
		return Number(d.Seconds()) + " s"
	}
	seconds := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%s min %d s", Count(seconds/60), seconds%60)
}

// Plural writes a count with its noun: 1 file, 2 files, 1,234 files.
func Plural[T int | int32 | int64](n T, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Count(n) + " " + noun
}
