//go:build linux

package limit

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// durable is a loop that acknowledges what is on the disk: files, among which connections are dealt out.
type durable []*committer

func newDurable(o Options) (durable, error) {
	d := make(durable, 0, max(o.Files, 1))
	for i := range cap(d) {
		g, err := newCommitter(filepath.Join(o.Dir, fmt.Sprintf("durable-%d.log", i)))
		if err != nil {
			return nil, errors.Join(err, d.drop())
		}
		d = append(d, g)
	}
	return d, nil
}

// drop closes the files of committers that have no syncer yet.
func (d durable) drop() error {
	var err error
	for _, g := range d {
		err = errors.Join(err, g.file.Close())
	}
	return err
}

// close ends all syncers.
func (d durable) close() {
	for _, g := range d {
		g.close()
	}
}

// committer is a file to which connections append, and its syncer. While a sync runs, what comes in is written and
// waits for the next; so the slower the disk, the more share a sync (group commit).
type committer struct {
	file *os.File

	mu      sync.Mutex
	end     int64 // of the file
	sum     uint32
	waiting []waitingAck
	came    *sync.Cond
	closed  bool
	err     error
}

// waitingAck is an answer that waits for the sync of what it answers.
type waitingAck struct {
	to          *net.TCPConn
	correlation [4]byte
}

func newCommitter(name string) (*committer, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	g := &committer{file: f}
	g.came = sync.NewCond(&g.mu)
	return g, nil
}

// serve appends one connection's frames.
func (g *committer) serve(c *net.TCPConn) error {
	in := frames{from: c}
	for {
		frame, err := in.next()
		if err != nil {
			return err
		}
		if err := g.append(c, frame); err != nil {
			return err
		}
	}
}

// append writes a frame and has its answer wait.
func (g *committer) append(c *net.TCPConn, frame []byte) error {
	sum := crc32.Checksum(frame, castagnoli)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	if _, err := g.file.WriteAt(frame, g.end); err != nil {
		return err
	}
	g.end += int64(len(frame))
	g.sum ^= sum // so that it is computed
	g.waiting = append(g.waiting, waitingAck{c, [4]byte(frame[offCorrelation:headerSize])})
	g.came.Signal()
	return nil
}

// sync syncs and answers until the group is closed.
func (g *committer) sync() {
	defer g.file.Close() // nothing is read back
	for {
		g.mu.Lock()
		for len(g.waiting) == 0 && !g.closed {
			g.came.Wait()
		}
		done := g.waiting
		g.waiting = nil
		closed := g.closed
		g.mu.Unlock()
		if closed {
			return
		}
		if err := unix.Fdatasync(int(g.file.Fd())); err != nil {
			g.fail(err)
			return
		}
		answer(done)
	}
}

// answer sends the answers of a group: those to one connection in one write, in the order of its requests.
func answer(done []waitingAck) {
	var order []*net.TCPConn
	acks := make(map[*net.TCPConn][]byte)
	ack := newAck(0)
	for _, w := range done {
		if !slices.Contains(order, w.to) {
			order = append(order, w.to)
		}
		copy(ack[lengthSize:], w.correlation[:])
		acks[w.to] = append(acks[w.to], ack...)
	}
	for _, c := range order {
		_, _ = c.Write(acks[c]) // a client that has gone wants no answer
	}
}

func (g *committer) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
}

// close ends the syncer.
func (g *committer) close() {
	g.mu.Lock()
	g.closed = true
	g.came.Signal()
	g.mu.Unlock()
}
