//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
)

// echoVariable has this program be the least that can answer heartbeats: a Go server that reads a frame and writes an
// answer, with nothing between. What it costs is the kernel's and the runtime's part of a broker's figure: the
// wake-ups, the polls, one read and one write.
const echoVariable = "BENCHGROUPS_ECHO"

// heartbeatAnswer follows the correlation id in an answer: no tags, no throttling, no error, no tags.
var heartbeatAnswer = make([]byte, 1+4+2+1)

// serveEcho tells its address and answers until its input ends.
func serveEcho() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			go echo(tcp)
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// echo answers one connection's frames.
func echo(tcp net.Conn) {
	defer tcp.Close()
	in := bufio.NewReader(tcp)
	head := make([]byte, lengthSize+8) // length, API and version, correlation id
	answer := make([]byte, lengthSize+4, 64)
	answer = append(answer, heartbeatAnswer...)
	binary.BigEndian.PutUint32(answer, uint32(len(answer)-lengthSize))
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		if _, err := in.Discard(int(binary.BigEndian.Uint32(head)) + lengthSize - len(head)); err != nil {
			return
		}
		copy(answer[lengthSize:], head[lengthSize+4:])
		if _, err := tcp.Write(answer); err != nil {
			return
		}
	}
}

// startEcho starts the server of serveEcho in a process of its own.
func startEcho(ctx context.Context) (*running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), echoVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end := func() error { return errors.Join(in.Close(), cmd.Wait()) }
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return &running{address: strings.TrimSpace(address), pid: cmd.Process.Pid, end: end}, nil
}
