//go:build unix && !linux

package server

import (
	"golang.org/x/sys/unix"
)

// setCongestion has no choice here.
func (s *Server) setCongestion(int, string) string {
	return "system"
}

// send writes p without waiting.
func send(fd int, p []byte, _ bool) (int, error) {
	return unix.Write(fd, p)
}

// sendPiece is how much of a file goes through memory at once.
const sendPiece = 256 << 10

// sendFile sends a piece of a file through memory.
func sendFile(fd, file int, offset, n int64) (int64, error) {
	b := borrow(sendPiece)
	defer giveBack(b)
	got, err := unix.Pread(file, (*b)[:min(n, sendPiece)], offset)
	if err != nil || got == 0 {
		return 0, err
	}
	sent, err := unix.Write(fd, (*b)[:got])
	return int64(max(sent, 0)), err
}
