//go:build linux || darwin

package vfs

import "golang.org/x/sys/unix"

var _ Spacer = osFS{}

// Space asks the volume that holds name; usable leaves out what is reserved for root.
func (osFS) Space(name string) (total, usable int64, err error) {
	var st unix.Statfs_t
	for {
		err = unix.Statfs(name, &st)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, 0, osError(pathError("statfs", name, err), false)
	}
	size := int64(st.Bsize)
	return int64(st.Blocks) * size, int64(st.Bavail) * size, nil
}
