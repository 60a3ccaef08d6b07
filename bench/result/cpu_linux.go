package result

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPUOf returns the processor time that a process has used so far, to the nanosecond: the clock of another process, see
// clock_getcpuclockid(3). 0 is the calling process.
func CPUOf(pid int) (time.Duration, error) {
	const scheduled = 2 // the clock that counts what the scheduler gave, user and system time together
	var t unix.Timespec
	if err := unix.ClockGettime(^int32(pid)<<3|scheduled, &t); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
