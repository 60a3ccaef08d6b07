package result

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine returns what a figure depends on beside the code: processor, kernel and those of its settings that matter,
// the file system of dir, and the commit of the checkout that is the current folder. What cannot be learned is
// "unknown". Its keys are machineKeys.
func Machine(dir string) Fields {
	all := Fields{
		{Key: "cpu", Value: cpuModel()},
		{Key: "cpus", Value: runtime.NumCPU()},
		{Key: "gomaxprocs", Value: runtime.GOMAXPROCS(0)},
		{Key: "scaling_governor", Value: governor("/sys")},
		{Key: "memory_gib", Value: memory()},
		{Key: "transparent_hugepages", Value: hugePages("/sys")},
		// Each limit is its bytes, or its percentage where those are 0.
		{Key: "vm_dirty_ratio", Value: firstLine("/proc/sys/vm/dirty_ratio")},
		{Key: "vm_dirty_bytes", Value: firstLine("/proc/sys/vm/dirty_bytes")},
		{Key: "vm_dirty_background_ratio", Value: firstLine("/proc/sys/vm/dirty_background_ratio")},
		{Key: "vm_dirty_background_bytes", Value: firstLine("/proc/sys/vm/dirty_background_bytes")},
		{Key: "kernel", Value: firstLine("/proc/sys/kernel/osrelease")},
		{Key: "system_congestion_control", Value: firstLine("/proc/sys/net/ipv4/tcp_congestion_control")},
		{Key: "file_system", Value: fileSystem(dir)},
		{Key: "mount_options", Value: mountOptions("/proc", dir)},
		{Key: "go", Value: runtime.Version()},
		{Key: "commit", Value: commit()},
	}
	for i := range all {
		if all[i].Value == "" {
			all[i].Value = unknown
		}
	}
	return all
}

// Cautions say in sentences what of this machine spoils all figures.
func Cautions() []string { return cautions(runtime.NumCPU(), runtime.GOMAXPROCS(0)) }

// cautions are those of a machine with so many processors, so many of which Go uses.
func cautions(cpus, used int) []string {
	const fewest = 2 // one for the client, one for the broker
	if min(cpus, used) >= fewest {
		return nil
	}
	return []string{fmt.Sprintf("too few processors, got %d of which Go uses %d, expected %d at least: client and "+
		"broker take turns, and every latency has the other's work in it", cpus, used, fewest)}
}

// unknown stands for what a machine does not tell.
const unknown = "unknown"

func firstLine(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return unknown
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

func cpuModel() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return unknown
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
		return unknown
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

// governor is how the kernel sets the processors' frequency; virtual machines often have none.
func governor(sys string) string {
	return firstLine(filepath.Join(sys, "devices/system/cpu/cpu0/cpufreq/scaling_governor"))
}

// hugePages is the word in brackets of the kernel's setting, "always [madvise] never".
func hugePages(sys string) string {
	_, behind, _ := strings.Cut(firstLine(filepath.Join(sys, "kernel/mm/transparent_hugepage/enabled")), "[")
	if chosen, _, ok := strings.Cut(behind, "]"); ok {
		return chosen
	}
	return unknown
}

// mountOptions are those of the mount that holds dir and of its file system, but for paths: they are nobody's business.
func mountOptions(proc, dir string) string {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_MNT_ID, &s); err != nil || s.Mask&unix.STATX_MNT_ID == 0 {
		return unknown
	}
	content, err := os.ReadFile(filepath.Join(proc, "self/mountinfo"))
	if err != nil {
		return unknown
	}
	return optionsOf(string(content), s.Mnt_id)
}

// optionsOf finds the options of a mount by its number, see proc_pid_mountinfo(5): those of the mount are the sixth
// field, those of the file system the third behind a hyphen.
func optionsOf(mountinfo string, id uint64) string {
	const mount, fileSystem = 5, 2
	for line := range strings.Lines(mountinfo) {
		before, behind, _ := strings.Cut(line, " - ")
		first, second := strings.Fields(before), strings.Fields(behind)
		if len(first) <= mount || len(second) <= fileSystem || first[0] != strconv.FormatUint(id, 10) {
			continue
		}
		var all []string
		for _, o := range strings.Split(first[mount]+","+second[fileSystem], ",") {
			if !strings.Contains(o, "/") && !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
		return strings.Join(all, ",")
	}
	return unknown
}

// commit returns the checkout's commit, with "+changes" if files differ from it.
func commit() string {
	head, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return unknown
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
