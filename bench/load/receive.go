//go:build linux

package load

import (
	"syscall"
	"unsafe"
)

// receive is recv(2) without waiting. syscall.Recvfrom would make a socket address of each call.
func receive(fd uintptr, p []byte, flags int) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), uintptr(flags|syscall.MSG_DONTWAIT), 0, 0)
	return int(n), errno
}
