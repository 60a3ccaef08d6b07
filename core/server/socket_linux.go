package server

import (
	"golang.org/x/sys/unix"
)

// setCongestion chooses the congestion control of a listener's connections: the named one, or with "auto" cubic where
// it is allowed, else reno, else what the system has. It returns what the socket has then. On loopback and in virtual
// machines the choice changes throughput by up to a factor of two.
func (s *Server) setCongestion(fd int, want string) string {
	candidates := []string{want}
	if want == "" || want == "auto" {
		candidates = []string{"cubic", "reno"}
	}
	for _, name := range candidates {
		err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
		if err == nil {
			break
		}
		if want == name {
			s.option("TCP_CONGESTION "+name, err)
		}
	}
	name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil {
		return "unknown"
	}
	return name
}

// send writes p without waiting; more says that other bytes follow at once, so that a packet need not go yet.
func send(fd int, p []byte, more bool) (int, error) {
	flags := unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	if more {
		flags |= unix.MSG_MORE
	}
	return unix.SendmsgN(fd, p, nil, nil, flags)
}

// largestSend is the most that one sendfile is asked for, so that others get the lock in between.
const largestSend = 4 << 20

// sendFile has the kernel send exactly n bytes of a file from its own offset. It never asks for more than there are:
// the kernel would hold the last packet back for them.
func sendFile(fd, file int, offset, n int64) (int64, error) {
	sent, err := unix.Sendfile(fd, file, &offset, int(min(n, largestSend)))
	if sent < 0 {
		sent = 0
	}
	return int64(sent), err
}
