package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the units of sizes, the longest names first.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1},
}

// ParseSize reads a number of bytes: a whole number with an optional unit, "64MiB" (powers of two) or "64MB" (of ten).
func ParseSize(text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("got size %q, expected a whole number of bytes with a unit such as KiB, MiB or GiB", text)
	}
	return n * unit, nil
}

// FormatSize writes a number of bytes for people, in the largest unit of which there is at least one.
func FormatSize(n int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	value, i := float64(n)/(1<<10), 0
	for value >= 1<<10 && i < len(units)-1 {
		value, i = value/(1<<10), i+1
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}

// Size is a flag that takes a number of bytes. It is a pflag.Value.
type Size int64

// String returns the size in the largest unit that divides it.
func (s *Size) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	n, i := int64(*s), 0
	for n != 0 && n%(1<<10) == 0 && i < len(units)-1 {
		n, i = n>>10, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// Type returns what help prints for the value.
func (s *Size) Type() string { return "size" }

// Set reads a size as ParseSize does.
func (s *Size) Set(text string) error {
	n, err := ParseSize(text)
	if err != nil {
		return err
	}
	*s = Size(n)
	return nil
}
