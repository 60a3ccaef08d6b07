package node

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Usage is what a process takes of its machine.
type Usage struct {
	// Resident is the memory in use in bytes, Files the number of open files.
	Resident int64
	Files    int
}

// UsageOf reads what a process takes from Linux's /proc.
func UsageOf(pid int) (Usage, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	_, rest, found := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		// It has ended, and waits to be waited for.
		return Usage{}, fmt.Errorf("process %d: no VmRSS in its status", pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return Usage{}, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return Usage{Resident: kib << 10, Files: len(files)}, err
}
