package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// patience is how long one command may take.
const patience = 60 * time.Second

// answer is what a command did: what it printed, and the exit code.
type answer struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// jvm runs the mains of Java tools one after another in one JVM (see Tools.java). It is started when it is first
// needed, and again after a tool had to be ended.
type jvm struct {
	java *java
	// log names the file of its warnings.
	log string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// run runs the main of a class. An error says that it did not come to an end; an exit code is no error.
func (j *jvm) run(ctx context.Context, stdin, class string, args ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := j.start(); err != nil {
		return answer{}, err
	}
	type result struct {
		answer
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := j.ask(append([]string{stdin, class}, args...))
		done <- result{a, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return answer{}, errors.Join(fmt.Errorf("%s: the JVM is gone: %w", class, r.err), j.close())
		}
		return r.answer, nil
	case <-ctx.Done():
		_ = j.cmd.Process.Kill() // it may be gone already; then ask ends, too
		<-done
		return answer{}, errors.Join(fmt.Errorf("%s: %w", class, ctx.Err()), j.close())
	}
}

func (j *jvm) start() error {
	if j.cmd != nil {
		return nil
	}
	cmd := j.java.command(j.log, "-Xmx512m", "-XX:TieredStopAtLevel=1", "Tools")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a JVM for tools: %w", err)
	}
	j.cmd, j.in, j.out = cmd, in, bufio.NewReader(out)
	return nil
}

// ask sends one command and reads its answer.
func (j *jvm) ask(texts []string) (answer, error) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(texts)))
	for _, text := range texts {
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(text)))
		frame = append(frame, text...)
	}
	if _, err := j.in.Write(frame); err != nil {
		return answer{}, err
	}
	var code int32
	if err := binary.Read(j.out, binary.BigEndian, &code); err != nil {
		return answer{}, err
	}
	stdout, err := j.text()
	if err != nil {
		return answer{}, err
	}
	stderr, err := j.text()
	return answer{stdout: stdout, stderr: stderr, code: int(code)}, err
}

// alone runs the main of a class in a JVM of its own, for tools that do their work while the JVM ends.
func (j *jvm) alone(ctx context.Context, stdin, class string, args ...string) (answer, error) {
	cmd := j.java.command(j.log, append([]string{"-XX:TieredStopAtLevel=1", class}, args...)...)
	return runProcess(ctx, cmd, stdin)
}

// text reads one text. Our own program writes it: its length is what it says.
func (j *jvm) text() (string, error) {
	var n int32
	if err := binary.Read(j.out, binary.BigEndian, &n); err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err := io.ReadFull(j.out, text)
	return string(text), err
}

// close ends the JVM; run starts another.
func (j *jvm) close() error {
	if j.cmd == nil {
		return nil
	}
	err := j.in.Close()
	_ = j.cmd.Process.Kill() // it ends by itself where it can
	_ = j.cmd.Wait()         // how it ended does not matter
	j.cmd = nil
	return err
}
