//go:build linux

package matrix

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dirtyLimits are what Linux lets processes write to the page cache before it begins to write back (background), and
// before it holds them up until it has (limit), in bytes.
type dirtyLimits struct {
	background, limit int64
}

// readDirtyLimits reads the limits from a mounted proc: each is a number of bytes or, if that is 0, percents of the
// memory that may become dirty. The kernel counts free pages and those of files; what it calls available is about that.
func readDirtyLimits(proc string) (dirtyLimits, error) {
	available, err := availableMemory(filepath.Join(proc, "meminfo"))
	if err != nil {
		return dirtyLimits{}, err
	}
	limit := func(name string) int64 {
		var fixed, percent int64
		if fixed, err = number(err, proc, name+"_bytes"); fixed == 0 {
			percent, err = number(err, proc, name+"_ratio")
		}
		return cmp.Or(fixed, available*percent/100)
	}
	d := dirtyLimits{limit("dirty_background"), limit("dirty")}
	if err == nil && d.limit <= 0 {
		err = fmt.Errorf("%w: got %d", errDirtyLimit, d.limit)
	}
	return d, err
}

var errDirtyLimit = errors.New("the kernel's limit of dirty memory is not known")

// number reads one of the settings of virtual memory, unless there was an error before.
func number(before error, proc, name string) (int64, error) {
	if before != nil {
		return 0, before
	}
	text, err := os.ReadFile(filepath.Join(proc, "sys/vm", name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
}

// availableMemory reads how many bytes of memory are free or can be freed.
func availableMemory(name string) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if after, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(after), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.Join(lines.Err(), fmt.Errorf("%w: %s does not say what memory is available", errDirtyLimit, name))
}
