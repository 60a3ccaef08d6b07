//go:build linux

package peer

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what a process has in memory, in bytes, as /proc/PID/status tells it.
type Memory struct {
	// Resident is VmRSS: RssAnon + RssFile + RssShmem. Pages of files that are mapped are among it; pages of files that
	// are only read and written are the kernel's and are not.
	Resident int64
	// Peak is VmHWM, the most that Resident has been since the process began.
	Peak int64
}

// ErrStatus reports that the memory of a process is not known.
var ErrStatus = errors.New("memory of the process is not known")

// Memory returns what the peer's process has in memory.
func (i *Instance) Memory() (Memory, error) {
	if i.pid == 0 {
		return Memory{}, fmt.Errorf("%w: %s", ErrStatus, i.Name)
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", i.pid))
	if err != nil {
		return Memory{}, fmt.Errorf("%w: %w", ErrStatus, err)
	}
	defer f.Close()
	var m Memory
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		var into *int64
		switch name {
		case "VmRSS":
			into = &m.Resident
		case "VmHWM":
			into = &m.Peak
		default:
			continue
		}
		kib, ok := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		if *into, err = strconv.ParseInt(kib, 10, 64); !ok || err != nil {
			return m, fmt.Errorf("%w: got line %q", ErrStatus, lines.Text())
		}
		*into <<= 10
	}
	if err := lines.Err(); err != nil {
		return m, err
	}
	if m.Resident == 0 || m.Peak == 0 { // a process that has ended has neither
		return m, fmt.Errorf("%w: %s has no VmRSS and VmHWM", ErrStatus, i.Name)
	}
	return m, nil
}
