//go:build linux

package limit

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// congestion is the order in which congestion controls are tried: the broker's own order for its listeners. The choice
// changes loopback throughput by up to a factor of two, so both ends of every measured connection set it.
var congestion = []string{"cubic", "reno"}

// tune sets a socket's congestion control, or leaves the system's where none may be set.
func tune(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		for _, name := range congestion {
			if unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name) == nil {
				return
			}
		}
	})
}

// Listen opens a listener as the broker does: Multipath TCP off, congestion control cubic, else reno, else the
// system's; buffers are the system's.
func Listen(ctx context.Context, address string) (*net.TCPListener, error) {
	lc := net.ListenConfig{Control: tune}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// Dial opens a connection with the options of Listen.
func Dial(ctx context.Context, address string) (*net.TCPConn, error) {
	d := net.Dialer{Control: tune}
	d.SetMultipathTCP(false)
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// CongestionOf returns the congestion control of a connection.
func CongestionOf(c *net.TCPConn) string {
	raw, err := c.SyscallConn()
	if err != nil {
		return "unknown"
	}
	name := "unknown"
	err = raw.Control(func(fd uintptr) {
		if got, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION); err == nil {
			name = got
		}
	})
	if err != nil {
		return "unknown"
	}
	return name
}
