package vfs_test

import (
	"fmt"

	"github.com/gregor-log/gregor/core/vfs"
)

// A crash test: replace a file without syncing it first, cut the power at every call, and look at what may be found.
// The rename reached the disk before the bytes did.
func ExampleMem_CrashClone() {
	careless := func(fs vfs.FS) error {
		f, err := fs.Open("checkpoint.tmp", vfs.Truncate)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte("new"), 0); err != nil {
			return err
		}
		if err := fs.Rename("checkpoint.tmp", "checkpoint"); err != nil {
			return err
		}
		return fs.SyncDir("/")
	}
	for k, done := 1, false; !done; k++ {
		disk := vfs.NewMem(vfs.MemOptions{Crashable: true})
		if err := vfs.WriteFileAtomic(disk, "checkpoint", []byte("old")); err != nil {
			fmt.Println(err)
		}
		done = careless(vfs.NewFaults(disk, vfs.CutAt(k, 0))) == nil
		found, err := vfs.ReadFile(disk.CrashClone(vfs.KeepNames), "checkpoint")
		fmt.Printf("cut at call %d: %q %v\n", k, found, err)
	}
	// Output:
	// cut at call 1: "old" <nil>
	// cut at call 2: "old" <nil>
	// cut at call 3: "old" <nil>
	// cut at call 4: "" <nil>
	// cut at call 5: "" <nil>
}
