package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

// piped is a network whose connections end in pipes, of which the other ends come out of a channel.
func piped() (*network, chan net.Conn) {
	others := make(chan net.Conn, 8)
	return newNetwork(func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		others <- there
		return here, nil
	}), others
}

// TestCut: what is cut ends, and nothing is connected any more.
func TestCut(t *testing.T) {
	n, others := piped()
	c, err := n.connect(t.Context(), "tcp", "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	n.cut()
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("wrote to a connection that was cut")
	}
	if _, err := (<-others).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the other side got %v, expected the end", err)
	}
	if _, err := n.connect(t.Context(), "tcp", "somewhere"); !errors.Is(err, errCut) {
		t.Errorf("connect: got %v, expected errCut", err)
	}
}

// TestHold: what is written and read while everything is held up comes afterwards, whole.
func TestHold(t *testing.T) {
	n, others := piped()
	c, err := n.connect(t.Context(), "tcp", "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	other := <-others
	release := n.hold()
	written, answer := make(chan error, 1), make(chan []byte, 1)
	go func() {
		_, err := c.Write([]byte("ask"))
		written <- err
	}()
	go func() {
		got := make([]byte, 6)
		_, _ = io.ReadFull(c, got) // a short answer is told by what it holds
		answer <- got
	}()
	if _, err := other.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-written:
		t.Error("something was written while everything was held up")
	case <-answer:
		t.Error("something was read while everything was held up")
	default:
	}
	release()
	asked := make([]byte, 3)
	if _, err := io.ReadFull(other, asked); err != nil || string(asked) != "ask" {
		t.Errorf("got %q, %v", asked, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if got := <-answer; !bytes.Equal(got, []byte("answer")) {
		t.Errorf("got %q", got)
	}
	if err := c.Close(); err != nil || len(n.mu.conns) != 0 {
		t.Errorf("close: %v, %d connections are left", err, len(n.mu.conns))
	}
}
