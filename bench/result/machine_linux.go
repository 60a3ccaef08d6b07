package result

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine returns what a figure depends on beside the code: processor, kernel, the system's congestion control, the
// file system of dir, and the commit of the checkout that is the current folder. What cannot be learned is "unknown".
func Machine(dir string) Fields {
	return Fields{
		{Key: "cpu", Value: cpuModel()},
		{Key: "cpus", Value: runtime.NumCPU()},
		{Key: "memory_gib", Value: memory()},
		{Key: "kernel", Value: firstLine("/proc/sys/kernel/osrelease")},
		{Key: "system_congestion_control", Value: firstLine("/proc/sys/net/ipv4/tcp_congestion_control")},
		{Key: "file_system", Value: fileSystem(dir)},
		{Key: "go", Value: runtime.Version()},
		{Key: "commit", Value: commit()},
	}
}

func firstLine(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

func cpuModel() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func memory() float64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return float64(info.Totalram) * float64(info.Unit) / (1 << 30)
}

// fileSystem names the type of the file system that holds dir.
func fileSystem(dir string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return "unknown"
	}
	names := map[int64]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
	}
	if name, ok := names[int64(s.Type)]; ok {
		return name
	}
	return fmt.Sprintf("0x%x", s.Type)
}

// commit returns the checkout's commit, with "+changes" if files differ from it.
func commit() string {
	head, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := string(bytes.TrimSpace(head))
	if changed, err := exec.Command("git", "status", "--porcelain").Output(); err == nil && len(changed) > 0 {
		name += "+changes"
	}
	return name
}

// CPU is what the whole machine's processors have done since it started, in ticks.
type CPU struct {
	Busy, Idle, Steal int64
}

// ReadCPU reads the machine's counters; zeros where there are none.
func ReadCPU() CPU {
	fields := strings.Fields(firstLine("/proc/stat"))
	var c CPU
	for i, text := range fields {
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || i > 8:
		case i == 4 || i == 5:
			c.Idle += n
		case i == 8:
			c.Steal += n
		default:
			c.Busy += n
		}
	}
	return c
}

// StealSince returns the share of the machine's time since an earlier reading that went to other machines on the same
// host, in percent.
func (c CPU) StealSince(before CPU) float64 {
	all := c.Busy + c.Idle + c.Steal - before.Busy - before.Idle - before.Steal
	if all <= 0 {
		return 0
	}
	return 100 * float64(c.Steal-before.Steal) / float64(all)
}
