//go:build linux

package peer_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
)

// script writes a program that starts peers; self stands for this test program, which serves.
func script(t *testing.T, text string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "starts")
	text = "#!/bin/sh\n" + strings.ReplaceAll(text, "self", self) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// serves keeps the contract: it counts in its folder how often it was prepared and run.
const serves = `
case $1 in
prepare) [ -z "$(ls "$2")" ] && echo prepared >"$2/calls" ;;
run) echo run >>"$2/calls"; ` + serveVariable + `=$3 exec self ;;
esac`

// listens reports whether somebody takes connections at an address.
func listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// TestProgram prepares a peer once, starts it, kills it and starts it again on the same files and address.
func TestProgram(t *testing.T) {
	parent := t.TempDir()
	i, err := peer.Program("other", script(t, serves)).Make(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	i.Kill() // it does not run, which is no harm
	for range 2 {
		before := time.Now()
		if err := i.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i.Began().Before(before) {
			t.Errorf("got began %v before %v", i.Began(), before)
		}
		for !listens(i.Address) {
			if t.Context().Err() != nil {
				t.Fatal("it does not listen")
			}
		}
		m, err := i.Memory()
		if err != nil || m.Resident < 1<<20 || m.Peak < m.Resident {
			t.Errorf("got memory %+v, %v", m, err)
		}
		alive := i.WhileRuns(t.Context())
		i.Kill()
		<-alive.Done()
		if err := context.Cause(alive); !errors.Is(err, peer.ErrNotReady) || !strings.Contains(err.Error(), "killed") {
			t.Errorf("got %v, expected that it was killed", err)
		}
		if listens(i.Address) {
			t.Error("it listens after it was killed")
		}
		if _, err := i.Memory(); !errors.Is(err, peer.ErrStatus) {
			t.Errorf("got %v of a process that has ended, expected ErrStatus", err)
		}
	}
	calls, err := os.ReadFile(filepath.Join(i.Dir(), "calls"))
	if err != nil || string(calls) != "prepared\nrun\nrun\n" {
		t.Errorf("got calls %q, %v", calls, err)
	}
	if err := i.End(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("got %v left of its files, %v", left, err)
	}
}

// TestProgramsThatFail: what a program does wrong is in the error, and nothing of it is left.
func TestProgramsThatFail(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
		says       string
	}{
		{"fails to prepare", `[ "$1" = run ] || { echo full; exit 7; }`, peer.ErrPrepare, "exit status 7\nfull"},
		{"ends at once", `[ "$1" = prepare ] || { echo bad property; exit 5; }`, peer.ErrNotReady, "bad property"},
		{"never listens", `[ "$1" = prepare ] || exec sleep 1000`, peer.ErrNotReady, "other at 127"},
		{"never prepares", `exec sleep 1000`, peer.ErrPrepare, "killed"},
		{"hides behind a child", `[ "$1" = prepare ] || { sleep 1000 & wait; }`, peer.ErrNotReady, "other at 127"},
	} {
		parent := t.TempDir()
		p := peer.Program("other", script(t, c.text))
		p.Patience = 200 * time.Millisecond
		_, err := p.Start(t.Context(), parent)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, expected %v with %q", c.name, err, c.want, c.says)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("%s: got %v left of its files, %v", c.name, left, err)
		}
	}
	_, err := peer.Program("other", filepath.Join(t.TempDir(), "none")).Start(t.Context(), t.TempDir())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, expected that there is no program", err)
	}
	if _, err := (peer.Peer{Name: "other"}).Make(t.Context(), t.TempDir()); !errors.Is(err, peer.ErrNoCommand) {
		t.Errorf("got %v, expected ErrNoCommand", err)
	}
}
