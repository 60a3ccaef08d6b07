//go:build linux

package limit

import (
	"encoding/binary"
	"fmt"
	"net"
)

// discard receives and answers as cheaply as it can: all frames of one large read, with one write.
func (s *Server) discard(c *net.TCPConn) error {
	const chunk = 256 << 10
	d := dropper{ack: newAck(s.o.AckBytes)}
	buf, held := make([]byte, chunk), 0
	for {
		n, err := c.Read(buf[held:])
		if err != nil {
			return err
		}
		rest, err := d.drop(buf[:held+n])
		if err != nil {
			return err
		}
		held = copy(buf, rest)
		if _, err := c.Write(d.acks); err != nil {
			return err
		}
		d.acks = d.acks[:0]
	}
}

// dropper passes over frames and gathers their answers.
type dropper struct {
	ack, acks []byte
	left      int64 // of the frame that has begun, for which ack is made up
}

// drop takes what it can of p and returns the rest: less than the header of a frame.
func (d *dropper) drop(p []byte) ([]byte, error) {
	for {
		if d.left > 0 {
			n := min(d.left, int64(len(p)))
			p = p[n:]
			if d.left -= n; d.left > 0 {
				return p, nil
			}
			d.acks = append(d.acks, d.ack...)
		}
		if len(p) < headerSize {
			return p, nil
		}
		d.left = int64(binary.BigEndian.Uint32(p)) + lengthSize
		if d.left < headerSize || d.left > largestFrame {
			return nil, fmt.Errorf("%w: got %d, expected %d to %d", ErrFrame, d.left, headerSize, largestFrame)
		}
		acknowledge(d.ack, p)
	}
}
