//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// zeroCopyFile is the size of what is sent, all of it in the page cache.
const zeroCopyFile = 64 << 20

// sender sends a span of a file to a blocking socket.
type sender struct {
	file, socket int
	pipe         [2]int
	buffer       []byte
}

// ways are the ways from the page cache to a socket: by reference, through a buffer of the process, and by reference
// through a pipe.
var ways = []struct {
	name string
	send func(s *sender, at, n int64) error
}{
	{"sendfile", (*sender).sendfile}, {"pread and write", (*sender).copied}, {"splice", (*sender).splice},
}

var spanSizes = []int64{4 << 10, 64 << 10, 1 << 20}

// studyZeroCopy measures the server's side of a fetch: one thread, whose processor time is its own.
func studyZeroCopy(ctx context.Context, s *session) (err error) {
	f, err := os.CreateTemp(s.Dir, "zero-copy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	chunk := noise(chunkBytes)
	for range zeroCopyFile / chunkBytes {
		if _, err := f.Write(chunk); err != nil {
			return err
		}
	}
	cpu := s.panel(result.Panel{
		Title: "Processor time of the sending thread", Unit: "s_per_gb",
		Note: "Over loopback the kernel does much of the receiver's work in the sender's thread, for all ways alike.",
	})
	rate := s.panel(result.Panel{Title: "Sent to a socket that drops what it gets", Unit: "mb_per_s"})
	s.note("A file of 64 MiB in the page cache, over one TCP connection of the loopback device. The receiver has the " +
		"kernel drop what came (MSG_TRUNC), so that no copy of its own hides the sender's.")
	s.note("pread and write copies each byte twice, out of the page cache and into the socket's buffers; sendfile " +
		"and splice hand pages over, splice with two calls a span through a pipe.")
	s.total = s.Rounds * len(spanSizes) * len(ways)
	for round := range s.Rounds {
		for _, span := range spanSizes {
			for turn := range ways {
				way := ways[(round+turn)%len(ways)]
				used, sent, took, err := sendFor(ctx, s.Each, f, span, way.send)
				if err != nil {
					return fmt.Errorf("%s of %d bytes: %w", way.name, span, err)
				}
				group := fmt.Sprintf("%d KiB", span>>10)
				cpu.Add(group, way.name, used.Seconds()/(float64(sent)/1e9))
				rate.Add(group, way.name, float64(sent)/1e6/took.Seconds())
				if err := s.step(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sendFor sends spans of a file, one after the other, and returns the processor time of the thread that did it.
func sendFor(ctx context.Context, d time.Duration, f *os.File, span int64, send func(*sender, int64, int64) error) (
	used time.Duration, sent int64, took time.Duration, err error) {
	l, err := limit.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return 0, 0, 0, err
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() {
		err := load.Discard(ctx, l.Addr().String())
		if err != nil {
			_ = l.Close() // nobody comes any more
		}
		ended <- err
	}()
	c, err := l.AcceptTCP()
	if err != nil {
		return 0, 0, 0, errors.Join(err, <-ended)
	}
	// A socket that blocks, so that the work is done in this thread and not in the runtime's poller.
	socket, err := c.File()
	err = errors.Join(err, c.Close())
	if err != nil {
		return 0, 0, 0, errors.Join(err, <-ended)
	}
	s := &sender{file: int(f.Fd()), socket: int(socket.Fd()), buffer: make([]byte, span)}
	if err = unix.Pipe2(s.pipe[:], unix.O_CLOEXEC); err == nil {
		_, err = unix.FcntlInt(uintptr(s.pipe[1]), unix.F_SETPIPE_SZ, chunkBytes)
		if err == nil {
			used, sent, took, err = s.run(d, span, send)
		}
		err = errors.Join(err, unix.Close(s.pipe[0]), unix.Close(s.pipe[1]))
	}
	return used, sent, took, errors.Join(err, socket.Close(), <-ended)
}

// run sends until the time is up.
func (s *sender) run(d time.Duration, span int64, send func(*sender, int64, int64) error) (used time.Duration,
	sent int64, took time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, 0, 0, err
	}
	took, err = until(d, func() (bool, error) {
		if err := send(s, sent%zeroCopyFile, span); err != nil {
			return false, err
		}
		sent += span
		return true, nil
	})
	after, failed := threadTime()
	return after - before, sent, took, errors.Join(err, failed)
}

// threadTime returns the processor time that this thread has used.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}

// all repeats a transfer until n bytes have gone.
func all(n int64, transfer func(left int64) (int64, error)) error {
	for n > 0 {
		moved, err := transfer(n)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case moved <= 0:
			return io.ErrUnexpectedEOF
		}
		n -= moved
	}
	return nil
}

func (s *sender) sendfile(at, n int64) error {
	return all(n, func(left int64) (int64, error) {
		moved, err := unix.Sendfile(s.socket, s.file, &at, int(left))
		return int64(moved), err
	})
}

func (s *sender) copied(at, n int64) error {
	err := all(n, func(left int64) (int64, error) {
		read, err := unix.Pread(s.file, s.buffer[n-left:n], at+n-left)
		return int64(read), err
	})
	if err != nil {
		return err
	}
	return all(n, func(left int64) (int64, error) {
		written, err := unix.Write(s.socket, s.buffer[n-left:n])
		return int64(written), err
	})
}

func (s *sender) splice(at, n int64) error {
	return all(n, func(left int64) (int64, error) {
		held, err := unix.Splice(s.file, &at, s.pipe[1], nil, int(left), unix.SPLICE_F_MOVE)
		if err != nil {
			return 0, err
		}
		return held, all(held, func(left int64) (int64, error) {
			return unix.Splice(s.pipe[0], nil, s.socket, nil, int(left), unix.SPLICE_F_MOVE)
		})
	})
}
