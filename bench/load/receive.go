//go:build linux

package load

import (
	"context"
	"errors"
	"syscall"
	"unsafe"

	"github.com/gregor-log/gregor/bench/limit"
)

// receive is recv(2) without waiting. syscall.Recvfrom would make a socket address of each call.
func receive(fd uintptr, p []byte, flags int) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), uintptr(flags|syscall.MSG_DONTWAIT), 0, 0)
	return int(n), errno
}

// Discard connects and has the kernel drop all that comes, until the other side ends or ctx does.
func Discard(ctx context.Context, address string) error {
	c, err := limit.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends a wait
	defer stop()
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	in := drain{raw: raw}
	for most := make([]byte, 1<<20); ; {
		// The end of the stream is what it waits for.
		if err := in.discard(int64(len(most)), most); errors.Is(err, syscall.ECONNRESET) {
			return context.Cause(ctx)
		} else if err != nil {
			return err
		}
	}
}
