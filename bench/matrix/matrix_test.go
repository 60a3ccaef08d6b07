//go:build linux

package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// short is a window that ends soon, and is as long as anybody may be kept from working.
var short = load.Window{Warm: 20 * time.Millisecond, For: 400 * time.Millisecond}

// anyDrift keeps every round: how steady the machine is that runs the tests is not their business.
const anyDrift = 1e9

// loops runs raw loops in this process until the test ends.
func loops(t *testing.T) func(func(string) ([]string, error)) peer.Peer {
	return func(arguments func(dir string) ([]string, error)) peer.Peer {
		dir := t.TempDir()
		given, err := arguments(dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(given)
		if err != nil {
			t.Fatal(err)
		}
		o.Dir, o.FileBytes = dir, 1<<30
		ctx, cancel := context.WithCancel(context.Background())
		s, err := limit.Serve(ctx, "127.0.0.1:0", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cancel()
			s.Wait()
		})
		return peer.Peer{Name: result.Limit, Address: s.Address()}
	}
}

// parse reads the arguments of a raw loop.
func parse(arguments []string) (o limit.Options, err error) {
	var ack int64
	numbers := map[string]*int64{
		"--ack-bytes": &ack, "--batch-bytes": &o.Source.BatchBytes, "--batch-records": &o.Source.BatchRecords,
		"--span-bytes": &o.Source.SpanBytes,
	}
	texts := map[string]*string{
		"--kind": (*string)(&o.Kind), "--source": &o.Source.Path, "--topic": &o.Source.Topic, "--dir": &o.Dir,
	}
	for i := 0; i+1 < len(arguments); i += 2 {
		name, value := arguments[i], arguments[i+1]
		switch {
		case numbers[name] != nil:
			if *numbers[name], err = strconv.ParseInt(value, 10, 64); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
		case texts[name] != nil:
			*texts[name] = value
		default:
			return o, fmt.Errorf("a raw loop was given %s", name)
		}
	}
	o.AckBytes = int(ack)
	return o, nil
}

// newLoops runs each raw loop in a process of its own that is new for each sample, as gregor bench does: some keep what
// they were sent.
func newLoops(t *testing.T) func(func(string) ([]string, error)) peer.Peer {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(arguments func(dir string) ([]string, error)) peer.Peer {
		return peer.Peer{Name: result.Limit, Command: func(dir, address string) ([]string, error) {
			more, err := arguments(dir)
			return append([]string{self, "loop", address}, more...), err
		}}
	}
}

// loop is a raw loop until it is killed.
func loop(address string, arguments []string) error {
	o, err := parse(arguments)
	if err != nil {
		return err
	}
	s, err := limit.Serve(context.Background(), address, o)
	if err != nil {
		return err
	}
	s.Wait()
	return nil
}

// topics returns the names of a broker's topics.
func topics(t *testing.T, b *gregortest.Broker) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found.Names()
}

// row returns the row of a name.
func row(t *testing.T, name string) *matrix.Row {
	t.Helper()
	rows, err := matrix.Find(name)
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %v, %v", rows, err)
	}
	return rows[0]
}

// TestMeasure measures two brokers that run already: every side has a sample in every round that was kept, and no topic
// is left behind.
func TestMeasure(t *testing.T) {
	brokers := []*gregortest.Broker{gregortest.Start(t), gregortest.Start(t)}
	var steps []matrix.Step
	m, err := matrix.Measure(t.Context(), row(t, "produce-tiny"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1,
		Peers: []peer.Peer{
			{Name: result.Gregor, Address: brokers[0].Addr()}, {Name: "other", Address: brokers[1].Addr()},
		},
		Window: short, Loop: loops(t), Progress: func(s matrix.Step) { steps = append(steps, s) },
		Profiled: profiled(t, brokers[0].Addr()), Drift: anyDrift,
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.Failure != "" {
		t.Fatalf("got %s", m.Failure)
	}
	for _, s := range m.Sides {
		want := m.Rounds
		if s.Name == result.ClientAlone {
			want = 1
		}
		if len(s.Samples) != want {
			t.Errorf("%s: got %d samples in %d rounds", s.Name, len(s.Samples), m.Rounds)
		}
		for _, x := range s.Samples {
			if x.Figure <= 0 || x.Requests <= 0 || x.ServerCPU == nil || *x.ServerCPU <= 0 || x.ClientCPU <= 0 {
				t.Errorf("%s: got %+v", s.Name, x)
			}
		}
	}
	if m.Failure == "" && (len(m.Profile) == 0 || len(m.Hottest) == 0) {
		t.Errorf("got a profile of %d bytes and the places %v", len(m.Profile), m.Hottest)
	}
	if len(steps) < 6 || steps[0].Side != result.ClientAlone || steps[3].Side != result.Gregor ||
		steps[4].Side != "other" {
		t.Errorf("got steps %v", steps)
	}
	last := steps[len(steps)-1]
	want := row(t, "produce-tiny").Samples(matrix.Options{Rounds: m.Rounds, Peers: make([]peer.Peer, len(brokers))})
	if last.Done != want || last.Total != want {
		t.Errorf("got %d of %d samples at the end, expected %d", last.Done, last.Total, want)
	}
	for _, b := range brokers {
		if left := topics(t, b); len(left) > 0 {
			t.Errorf("topics %v are left", left)
		}
	}
}

// profiled returns the broker at an address, with the profiles of this process on the address that it is given.
func profiled(t *testing.T, address string) func(string) peer.Peer {
	return func(admin string) peer.Peer {
		l, err := net.Listen("tcp", admin)
		if err != nil {
			t.Fatal(err)
		}
		server := http.Server{Handler: http.HandlerFunc(pprof.Profile)}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		t.Cleanup(func() {
			server.Close()
			<-ended
		})
		return peer.Peer{Name: result.Gregor, Address: address}
	}
}

// hangUp listens and closes each connection until the test ends.
func hangUp(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

// TestPeersThatFail: a peer that closes each connection is named in the row's failure; the run goes on, and where it is
// not the one that all are compared with, so does the row.
func TestPeersThatFail(t *testing.T) {
	broken := peer.Peer{Name: "broken", Address: hangUp(t)}
	o := matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Peers: []peer.Peer{broken}, Loop: loops(t), Window: short, Tools: tools(t, "libs"),
	}
	m, err := matrix.Measure(t.Context(), row(t, "produce-tiny"), o)
	if err != nil || !strings.Contains(m.Failure, "broken") || m.Rounds != 0 {
		t.Errorf("got %q after %d rounds, %v", m.Failure, m.Rounds, err)
	}
	o.Peers = []peer.Peer{{Name: result.Gregor, Address: gregortest.Start(t).Addr()}, broken}
	m, err = matrix.Measure(t.Context(), row(t, "stock-franz-produce"), o)
	if err != nil || !strings.Contains(m.Failure, "broken") || m.Rounds != 1 {
		t.Errorf("got %q after %d rounds, %v", m.Failure, m.Rounds, err)
	}
	s := m.Side("broken")
	if s.Missing == "" || len(s.Samples) != 0 || len(m.Side(result.Gregor).Samples) != 1 {
		t.Errorf("got %+v beside %+v", s, m.Side(result.Gregor))
	}
}

// TestPeersThatRefuse: a broker that refuses what the row asks for is left out of it with its reason, and that is no
// failure.
func TestPeersThatRefuse(t *testing.T) {
	small := gregortest.Start(t, gregortest.Property("message.max.bytes", "1000"))
	m, err := matrix.Measure(t.Context(), row(t, "produce-64k"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: loops(t), Peers: []peer.Peer{
			{Name: result.Gregor, Address: gregortest.Start(t).Addr()}, {Name: "small", Address: small.Addr()},
		},
	})
	if err != nil || strings.Contains(m.Failure, "small") {
		t.Errorf("got %q, %v", m.Failure, err)
	}
	if s := m.Side("small"); !strings.Contains(s.Missing, "MESSAGE_TOO_LARGE") || len(s.Samples) != 0 {
		t.Errorf("got %+v", s)
	}
	if left := topics(t, small); len(left) > 0 {
		t.Errorf("topics %v are left", left)
	}
}

func TestRows(t *testing.T) {
	rows, err := matrix.Find("suite")
	if err != nil || len(rows) < 7 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		if r.Name == "" || r.What == "" || r.Unit == "" || len(r.Settings) == 0 || len(r.Aims) == 0 {
			t.Errorf("got %+v", r)
		}
	}
	if _, err := matrix.Find("produce-larg"); !errors.Is(err, matrix.ErrNoRow) {
		t.Errorf("got %v, expected ErrNoRow", err)
	}
}
