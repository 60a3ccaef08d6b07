package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

const (
	// pipelined is how many frames one connection carries at most, sent without waiting for replies.
	pipelined = 12
	// patience is how long a connection that is not closed and has replies outstanding is waited for: a fetch whose
	// mutated wait is long holds up all behind it.
	patience = 200 * time.Millisecond
	// largestReply is what a reply may have in bytes.
	largestReply = 64 << 20
	// silent is how many connections that sent half a frame are kept open at a time.
	silent = 200
)

// errReply reports a reply that no Kafka broker gives.
var errReply = errors.New("bad reply")

// attack is a run of hostile frames on many connections at once.
type attack struct {
	address string
	world   []template
	bombs   [][]byte
	wanted  int64
	// read counts the frames that the broker looked at; frames behind one that closed a connection are not counted.
	read, opened, closed, abandoned atomic.Int64
	mu                              sync.Mutex
	total                           counts
	parked                          []net.Conn // silent connections, oldest first
}

// counts are what became of frames.
type counts struct {
	sent, answered, closing, unread, unanswered [kinds]int64
	codes                                       map[int16]int64 // by error code, each reply once for each code in it
}

func newCounts() counts {
	return counts{codes: make(map[int16]int64)}
}

// add adds what one worker counted.
func (c *counts) add(more *counts) {
	for k := range kinds {
		c.sent[k] += more.sent[k]
		c.answered[k] += more.answered[k]
		c.closing[k] += more.closing[k]
		c.unread[k] += more.unread[k]
		c.unanswered[k] += more.unanswered[k]
	}
	for code, n := range more.codes {
		c.codes[code] += n
	}
}

// run sends frames until the broker has read as many as are wanted.
func (a *attack) run(ctx context.Context, workers int, seed uint64) error {
	a.total = newCounts()
	errs := make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			own := newCounts()
			m := newMutator(seed<<16+uint64(i), a.world, a.bombs)
			for errs[i] == nil && a.read.Load() < a.wanted && ctx.Err() == nil {
				errs[i] = a.connection(ctx, m, i, &own)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.total.add(&own)
		})
	}
	group.Wait()
	for _, c := range a.parked {
		_ = c.Close() // nothing more is expected of it
	}
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// connection sends one pipeline of frames and takes what comes back.
func (a *attack) connection(ctx context.Context, m *mutator, worker int, c *counts) error {
	// Many local addresses, so that ports do not run out.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(2+worker))}, Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", a.address)
	if err != nil {
		return err
	}
	a.opened.Add(1)
	frames := make([]hostileFrame, 0, pipelined)
	for n := 1 + m.chance.IntN(pipelined); len(frames) < n; {
		frames = append(frames, m.frame(m.draw(len(frames) == n-1)))
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		out := bufio.NewWriter(conn)
		for _, f := range frames {
			if _, err := out.Write(f.bytes); err != nil {
				return // the broker closed the connection, which the reader sees
			}
		}
		_ = out.Flush() // likewise
	}()
	last := frames[len(frames)-1].kind
	done, closed, err := a.receive(conn, frames, c)
	if !closed && last == halfFrame && err == nil {
		<-written
		a.park(conn)
	} else {
		_ = conn.(*net.TCPConn).SetLinger(0) // leave no port waiting
		_ = conn.Close()
		<-written
	}
	a.account(frames, done, closed, c)
	return err
}

// park keeps a connection open in silence; the oldest goes.
func (a *attack) park(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parked = append(a.parked, conn); len(a.parked) > silent {
		_ = a.parked[0].Close() // nothing more is expected of it
		a.parked = a.parked[1:]
	}
}

// account counts frames: done says which were answered.
func (a *attack) account(frames []hostileFrame, done []bool, closed bool, c *counts) {
	lastAnswered := -1
	for i := range done {
		if done[i] {
			lastAnswered = i
		}
	}
	for i, f := range frames {
		c.sent[f.kind]++
		switch {
		case done[i]:
			c.answered[f.kind]++
		case closed && i == lastAnswered+1:
			c.closing[f.kind]++
		case closed && i > lastAnswered+1:
			c.unread[f.kind]++
			continue
		default:
			c.unanswered[f.kind]++
		}
		a.read.Add(1)
	}
	if closed {
		a.closed.Add(1)
	} else {
		a.abandoned.Add(1)
	}
}

// receive reads replies until the connection is closed, or nothing more is to be expected. It returns which frames were
// answered and whether the broker closed the connection.
func (a *attack) receive(conn net.Conn, frames []hostileFrame, c *counts) (done []bool, closed bool, err error) {
	done = make([]bool, len(frames))
	in := bufio.NewReader(conn)
	awaited := len(frames)
	if frames[awaited-1].kind == halfFrame {
		awaited-- // nothing comes for that one
	}
	for next := 0; next < awaited; {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return done, true, nil // the connection is gone
		}
		reply, err := readReply(in)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return done, false, nil
		case errors.Is(err, errReply):
			return done, false, err
		case err != nil:
			return done, true, nil // closed, or reset since frames were left unread
		}
		correlation := int32(binary.BigEndian.Uint32(reply))
		for next < len(frames) && (len(frames[next].bytes) < bodyAt || frames[next].correlation != correlation) {
			next++ // frames that want no reply are among them
		}
		if next == len(frames) {
			return done, false, fmt.Errorf("%w: got correlation id %d, which no frame without a reply has", errReply,
				correlation)
		}
		if err := c.decode(&frames[next], reply[4:]); err != nil {
			return done, false, err
		}
		done[next] = true
		next++
	}
	return done, false, nil
}

// readReply reads a frame, without its length.
func readReply(in io.Reader) ([]byte, error) {
	var head [wire.LengthSize]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(head[:]))
	if n < 4 || n > largestReply {
		return nil, fmt.Errorf("%w: got a length of %d, expected 4 to %d", errReply, n, largestReply)
	}
	reply := make([]byte, n)
	_, err := io.ReadFull(in, reply)
	return reply, err
}

// decode takes a reply apart in the version of its request and counts its error codes.
func (c *counts) decode(f *hostileFrame, body []byte) error {
	res := kmsg.ResponseForKey(f.key)
	version := f.version
	if f.key == int16(kmsg.ApiVersions) && (version > 4 || version < 0) {
		version = 0 // an unknown version of ApiVersions is answered in version 0
	}
	if res == nil {
		return fmt.Errorf("%w: to a request of API key %d", errReply, f.key)
	}
	if wire.FlexibleHeader(f.key, version) {
		if len(body) == 0 || body[0] != 0 {
			return fmt.Errorf("%w: %s v%d: tagged fields in its header", errReply, kmsg.Key(f.key).Name(), version)
		}
		body = body[1:]
	}
	res.SetVersion(version)
	if err := res.ReadFrom(body); err != nil {
		return fmt.Errorf("%w: %s v%d, %s: %w", errReply, kmsg.Key(f.key).Name(), version, names[f.kind], err)
	}
	var codes []int16
	eachCode(reflect.ValueOf(res), &codes)
	if f.key != int16(kmsg.Produce) && slices.Contains(codes, kerr.UnknownServerError.Code) {
		// Kafka has this for records that a codec refuses.
		return fmt.Errorf("%w: %s v%d, %s: UNKNOWN_SERVER_ERROR: %+v", errReply, kmsg.Key(f.key).Name(), version,
			names[f.kind], res)
	}
	if len(codes) == 0 {
		codes = append(codes, 0)
	}
	for _, code := range codes {
		c.codes[code]++
	}
	return nil
}

// eachCode collects the different values of all fields named ErrorCode.
func eachCode(v reflect.Value, codes *[]int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachCode(v.Elem(), codes)
		}
	case reflect.Slice:
		for i := 0; i < v.Len() && v.Index(i).Kind() == reflect.Struct; i++ {
			eachCode(v.Index(i), codes)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name == "ErrorCode" {
				if code := int16(v.Field(i).Int()); !slices.Contains(*codes, code) {
					*codes = append(*codes, code)
				}
			} else if field.IsExported() {
				eachCode(v.Field(i), codes)
			}
		}
	}
}
