package result

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// write writes a file below root.
func write(t *testing.T, root, name, content string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMachineHasItsKeys: a run's machine is whole, and one of which a fact is missing or empty is found.
func TestMachineHasItsKeys(t *testing.T) {
	var keys []string
	for _, f := range Machine(t.TempDir()) {
		keys = append(keys, f.Key)
	}
	if !slices.Equal(keys, machineKeys) {
		t.Errorf("got %v, expected %v", keys, machineKeys)
	}
	for _, key := range []string{"mount_options", "vm_dirty_ratio", "scaling_governor", "cpu"} {
		r := &Run{Version: Version, Machine: Machine(t.TempDir()).Map()}
		if err := r.check(); err != nil {
			t.Errorf("got %v", err)
		}
		r.Machine[key] = ""
		if err := r.check(); !errors.Is(err, ErrDirectory) {
			t.Errorf("%s is empty: got %v, expected ErrDirectory", key, err)
		}
		delete(r.Machine, key)
		if err := r.check(); !errors.Is(err, ErrDirectory) {
			t.Errorf("%s is missing: got %v, expected ErrDirectory", key, err)
		}
	}
}

// TestSettingsOfTheKernel reads the files as the kernel writes them, and says of a machine without them that they are
// not known.
func TestSettingsOfTheKernel(t *testing.T) {
	sys := t.TempDir()
	if got, pages := governor(sys), hugePages(sys); got != unknown || pages != unknown {
		t.Errorf("got %q and %q of a machine that has neither", got, pages)
	}
	write(t, sys, "devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
	write(t, sys, "kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
	if got := governor(sys); got != "schedutil" {
		t.Errorf("got the governor %q", got)
	}
	if got := hugePages(sys); got != "madvise" {
		t.Errorf("got %q", got)
	}
}

func TestMountOptions(t *testing.T) {
	const mounts = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,noatime shared:1 master:2 - ext4 /dev/vda rw,discard,data=ordered
28 1 0:30 / /o rw,relatime - overlay overlay rw,lowerdir=/a:/b,index=off
cut 1
`
	for id, want := range map[uint64]string{
		27: "rw,noatime,discard,data=ordered", 28: "rw,relatime,index=off", 2: unknown, 99: unknown,
	} {
		if got := optionsOf(mounts, id); got != want {
			t.Errorf("%d: got %q, expected %q", id, got, want)
		}
	}
	if got := mountOptions(t.TempDir(), t.TempDir()); got != unknown {
		t.Errorf("got %q without a list of mounts", got)
	}
	if got := mountOptions("/proc", t.TempDir()); got == "" {
		t.Error("got no options of a folder that is there")
	}
}

func TestCautions(t *testing.T) {
	for _, c := range []struct{ cpus, used, want int }{{1, 1, 1}, {4, 1, 1}, {2, 2, 0}, {64, 64, 0}} {
		if got := cautions(c.cpus, c.used); len(got) != c.want {
			t.Errorf("%d processors, %d used: got %q", c.cpus, c.used, got)
		}
	}
}
