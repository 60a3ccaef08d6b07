//go:build linux

package matrix

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fewPrimed is so little that a sample does not feel whose memory it was.
const fewPrimed = 64 << 20

// prime has the kernel take so many bytes of memory and give them up again, so that the sample that follows writes to
// memory that the machine really has; it returns how many it took. On a virtual machine the host takes back what is
// free for a while, and the first byte written to such a page waits until the host has found another: a copy into the
// page cache then takes five times as long, and which side of a row pays for it is luck.
func prime(bytes int64) (int64, error) {
	var memory unix.Sysinfo_t
	if err := unix.Sysinfo(&memory); err != nil {
		return 0, err
	}
	bytes = min(bytes, int64(memory.Freeram)*int64(memory.Unit)*3/4) // nothing is to be evicted for it
	if bytes < fewPrimed {
		return 0, nil
	}
	pages, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return 0, fmt.Errorf("take %d bytes of memory: %w", bytes, err)
	}
	return bytes, unix.Munmap(pages)
}
