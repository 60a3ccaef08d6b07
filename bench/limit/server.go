//go:build linux

package limit

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Kind names a loop that is a server.
type Kind string

// The loops that are servers; see the package comment.
const (
	Discard Kind = "discard"
	Keep    Kind = "keep"
	Store   Kind = "store"
	Spans   Kind = "spans"
	Relay   Kind = "relay"
	Durable Kind = "durable"
)

// ErrKind reports a kind that there is no loop for.
var ErrKind = errors.New("no such loop")

// Options says what a Server does.
type Options struct {
	Kind Kind
	// Dir is where Keep and Store make their files, one series a connection, and Durable its own.
	Dir string
	// Files is how many files Durable has, to each of which the same number of connections append; 0 is one.
	Files int
	// FileBytes is the size at which Keep and Store begin a new file.
	FileBytes int64
	// Flush has Keep and Store sync a file once it is left for the next, beside the appends.
	Flush bool
	// AckBytes is the size of the answers of Discard and Store, length included; AckSize if it is 0.
	AckBytes int
	// Source is what Spans sends; of it Relay wants the topic alone.
	Source Source
}

// Server is a running loop: a goroutine for each connection.
type Server struct {
	o        Options
	listener *net.TCPListener
	group    sync.WaitGroup
	opened   atomic.Int64
	sum      atomic.Uint32
	relay    *relay
	durable  durable
}

// Serve starts a loop on an address. It ends with ctx.
func Serve(ctx context.Context, address string, o Options) (*Server, error) {
	s := &Server{o: o, relay: newRelay(o.Source.Topic)}
	switch o.Kind {
	case Discard, Keep, Store, Spans, Relay:
	case Durable:
		var err error
		if s.durable, err = newDurable(o); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: got %q", ErrKind, o.Kind)
	}
	var err error
	if s.listener, err = Listen(ctx, address); err != nil {
		return nil, errors.Join(err, s.durable.drop())
	}
	context.AfterFunc(ctx, func() {
		_ = s.listener.Close() // its only error is that it is closed already
		s.relay.end()
		s.durable.close()
	})
	for _, g := range s.durable {
		s.group.Go(g.sync)
	}
	s.group.Go(func() { s.accept(ctx) })
	return s, nil
}

// Address returns the address that the loop listens on.
func (s *Server) Address() string {
	return s.listener.Addr().String()
}

// Wait waits until the context has ended and with it all connections.
func (s *Server) Wait() {
	s.group.Wait()
}

// accept serves connections until the listener is closed.
func (s *Server) accept(ctx context.Context) {
	for {
		c, err := s.listener.AcceptTCP()
		if err != nil {
			return
		}
		s.group.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends the loop's read
			defer stop()
			defer c.Close()
			// A client that leaves with answers unread resets the connection.
			err := s.serve(c)
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && ctx.Err() == nil {
				fmt.Fprintf(os.Stderr, "%s loop: %v\n", s.o.Kind, err)
			}
		})
	}
}

func (s *Server) serve(c *net.TCPConn) error {
	switch s.o.Kind {
	case Keep, Store:
		return s.store(c)
	case Spans:
		return s.spans(c)
	case Relay:
		return s.relayed(c)
	case Durable:
		return s.durable[int(s.opened.Add(1))%len(s.durable)].serve(c)
	}
	return s.discard(c)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// store receives, computes the CRC-32C of the frame unless it is to be kept unseen, writes it to a file and answers:
// one read, one pwrite and one write for a small frame.
func (s *Server) store(c *net.TCPConn) (err error) {
	in, ack := frames{from: c}, newAck(s.o.AckBytes)
	out := rolling{dir: s.o.Dir, series: s.opened.Add(1), limit: s.o.FileBytes, flush: s.o.Flush}
	defer func() { err = errors.Join(err, out.close()) }()
	for {
		frame, err := in.next()
		if err != nil {
			return err
		}
		if s.o.Kind == Store {
			s.sum.Store(crc32.Checksum(frame, castagnoli))
		}
		if err := out.append(frame); err != nil {
			return err
		}
		acknowledge(ack, frame)
		if _, err := c.Write(ack); err != nil {
			return err
		}
	}
}
