package result

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Hot is a place where a server spent its processor time: a function, or a system call.
type Hot struct {
	Where   string  `json:"where"`
	Percent float64 `json:"percent"`
}

// ErrProfile reports bytes that are no profile of processor time.
var ErrProfile = errors.New("not a CPU profile")

// HottestOf reads a profile as /debug/pprof/profile writes it and returns where most of the time went, at most so many
// places, the hottest first. Time in the kernel counts for the system call that was made.
func HottestOf(raw []byte, most int) ([]Hot, error) {
	p, err := profile.Parse(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProfile, err)
	}
	at := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == "cpu" })
	if at < 0 {
		return nil, fmt.Errorf("%w: no sample of the type cpu", ErrProfile)
	}
	var total float64
	spent := make(map[string]float64)
	for _, s := range p.Sample {
		spent[where(s)] += float64(s.Value[at])
		total += float64(s.Value[at])
	}
	var all []Hot
	for name, value := range spent {
		all = append(all, Hot{name, 100 * value / total})
	}
	slices.SortFunc(all, func(a, b Hot) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), cmp.Compare(a.Where, b.Where))
	})
	return all[:min(most, len(all))], nil
}

// where names the place that a sample was taken in.
func where(s *profile.Sample) string {
	inKernel := false
	for _, l := range s.Location {
		for _, line := range l.Line {
			name := line.Function.Name
			if !isTrap(name) {
				if inKernel {
					return "system call " + callOf(name)
				}
				return name
			}
			inKernel = true
		}
	}
	return "not known"
}

// traps are the functions that only pass a system call on.
var traps = []string{
	"Syscall", "Syscall6", "RawSyscall", "RawSyscall6", "RawSyscallNoError", "rawSyscallNoError",
}

// isTrap reports whether a function is one that all system calls go through.
func isTrap(name string) bool {
	pkg, function, _ := cutLast(name, ".")
	return slices.Contains(traps, function) && (strings.HasSuffix(pkg, "syscall") || strings.HasSuffix(pkg, "unix") ||
		strings.HasPrefix(pkg, "internal/runtime/syscall"))
}

// callOf makes the kernel's name of a wrapper's: syscall.pwrite and unix.Fdatasync.
func callOf(name string) string {
	_, function, _ := cutLast(name, ".")
	if function == "EpollWait" {
		return "epoll_wait"
	}
	return strings.ToLower(function)
}

func cutLast(s, separator string) (before, after string, found bool) {
	at := strings.LastIndex(s, separator)
	if at < 0 {
		return "", s, false
	}
	return s[:at], s[at+len(separator):], true
}
