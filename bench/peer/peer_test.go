//go:build linux

package peer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
)

// serveVariable has this test program be a server on the address that it holds.
const serveVariable = "PEER_TEST_SERVE"

func TestMain(m *testing.M) {
	if address := os.Getenv(serveVariable); address != "" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			os.Exit(1)
		}
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, c) // until the other side has enough
		}
	}
	if parent := os.Getenv(starterVariable); parent != "" {
		p, err := itself()
		if err == nil {
			var i *peer.Instance
			if i, err = p.Start(context.Background(), parent); err == nil {
				fmt.Println(i.Address)
				select {} // until it is killed
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// starterVariable has this test program start a server in the folder that it holds, print its address and wait.
const starterVariable = "PEER_TEST_START"

// TestDiesWithItsStarter: when a harness is killed, what it has started is killed too.
func TestDiesWithItsStarter(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	starter := exec.CommandContext(t.Context(), self)
	starter.Env, starter.Stderr = append(os.Environ(), starterVariable+"="+t.TempDir()), os.Stderr
	out, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The server reads this connection for as long as it lives, and never writes.
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		t.Errorf("the server outlived its starter: %v", err)
	}
	_ = starter.Wait() // it was killed
}

// server is a peer that is this program.
func server(t *testing.T) peer.Peer {
	p, err := itself()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func itself() (peer.Peer, error) {
	self, err := os.Executable()
	return peer.Peer{Name: "server", Command: func(_, address string) ([]string, error) {
		return []string{"env", serveVariable + "=" + address, self}, nil
	}}, err
}

// TestStartAndEnd starts a process, which takes connections and uses processor time, and ends it with its files.
func TestStartAndEnd(t *testing.T) {
	parent := t.TempDir()
	i, err := server(t).Start(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	if used, known := i.CPU(); !known || used <= 0 {
		t.Errorf("got %v of processor time, known %v", used, known)
	}
	if err := i.End(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", i.Address); err == nil {
		c.Close()
		t.Error("the process still listens")
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("got %v left of its files, %v", left, err)
	}
}

// TestParent starts a process with its files where the peer wants them, not where the others are.
func TestParent(t *testing.T) {
	own, others := t.TempDir(), t.TempDir()
	p := server(t)
	p.Parent = own
	i, err := p.Start(t.Context(), others)
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]int{own: 1, others: 0} {
		if there, err := os.ReadDir(dir); err != nil || len(there) != want {
			t.Errorf("got %v, %v, expected %d folders", there, err, want)
		}
	}
	if err := i.End(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(own); err != nil || len(left) > 0 {
		t.Errorf("got %v left of its files, %v", left, err)
	}
}

// TestForeign finds the process of a peer that somebody else started, and leaves it alone.
func TestForeign(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	i, err := peer.Peer{Name: "other", Address: l.Addr().String()}.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// This process listens: what it works shows in the peer's time.
	before, known := i.CPU()
	for end := before + 20*time.Millisecond; known; {
		var now time.Duration
		if now, known = i.CPU(); now >= end {
			break
		}
	}
	if !known {
		t.Error("the process is not known")
	}
	if err := i.End(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", i.Address)
	if err != nil {
		t.Fatal("another's server was ended")
	}
	c.Close()
}

// TestEndsAtOnce tells what a process said that ended instead of listening.
func TestEndsAtOnce(t *testing.T) {
	p := peer.Peer{Name: "broken", Command: func(string, string) ([]string, error) {
		return []string{"sh", "-c", "echo no such property; exit 3"}, nil
	}}
	_, err := p.Start(t.Context(), t.TempDir())
	if !errors.Is(err, peer.ErrNotReady) || !strings.Contains(err.Error(), "no such property") ||
		!strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v, expected ErrNotReady with the output", err)
	}
}
