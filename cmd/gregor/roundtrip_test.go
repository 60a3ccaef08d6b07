package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// randomBytes returns null, nothing, text or bytes that are no text.
func randomBytes(random *rand.Rand) []byte {
	p := make([]byte, random.IntN(40))
	switch random.IntN(5) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		return []byte(strings.Repeat("ü\"\\\n\u2028\x00<é", random.IntN(4)))
	}
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}

func randomRecord(random *rand.Rand) *kgo.Record {
	r := &kgo.Record{
		Topic: "from", Partition: int32(random.IntN(3)), Key: randomBytes(random), Value: randomBytes(random),
		Timestamp: time.UnixMilli(1_700_000_000_000 + random.Int64N(1000)),
	}
	for range random.IntN(4) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(randomBytes(random)), Value: randomBytes(random)})
	}
	if len(r.Headers) > 0 && random.IntN(3) == 0 { // a key may come twice, with another value
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: r.Headers[0].Key, Value: randomBytes(random)})
	}
	return r
}

// TestRoundTrip sends random records through "consume --format json | produce --format json": the copies are the same
// in every byte, time and place.
func TestRoundTrip(t *testing.T) {
	address := startBroker(t)
	ok(t, "", "topic", "create", "from", "to", "-p", "3")
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	random := rand.New(rand.NewPCG(3, 4))
	var records []*kgo.Record
	for range 500 {
		records = append(records, randomRecord(random))
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	lines := ok(t, "", "consume", "from", "--format", "json", "-e")
	ok(t, lines, "produce", "to", "--format", "json")
	for _, p := range []string{"0", "1", "2"} {
		from := ok(t, "", "consume", "from", "-p", p, "--format", "json", "-e")
		to := ok(t, "", "consume", "to", "-p", p, "--format", "json", "-e")
		if strings.Replace(from, `"topic":"from"`, `"topic":"to"`, -1) != to || strings.Count(from, "\n") < 100 {
			t.Errorf("partition %s: the copy differs", p)
		}
	}
	// A member of a group prints the same, in another order of partitions.
	member := strings.Split(ok(t, "", "consume", "from", "-g", "copies", "--format", "json", "-e"), "\n")
	direct := strings.Split(lines, "\n")
	slices.Sort(member)
	slices.Sort(direct)
	if !slices.Equal(member, direct) {
		t.Errorf("a member of a group printed %d lines, expected the same %d", len(member), len(direct))
	}
	// Without a topic on the command line, each goes to its own; with -p any, the producer chooses partitions.
	ok(t, lines, "produce", "--format", "json", "-p", "any")
	if n := strings.Count(ok(t, "", "consume", "from", "-e", "-f", "%%\\n"), "\n"); n != 1000 {
		t.Errorf("got %d records, expected 1000", n)
	}
}

// TestRecordJSON decodes what was encoded, record by record.
func TestRecordJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		r := randomRecord(random)
		line, err := encodeRecord(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newJSONReader(bytes.NewReader(line), "").next()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !bytes.Equal(got.Key, r.Key) || (got.Key == nil) != (r.Key == nil) || !bytes.Equal(got.Value, r.Value) ||
			(got.Value == nil) != (r.Value == nil) || !reflect.DeepEqual(got.Headers, r.Headers) ||
			got.Partition != r.Partition || got.Topic != r.Topic || !got.Timestamp.Equal(r.Timestamp) {
			t.Fatalf("got %+v, expected %+v\n%s", got, r, line)
		}
	}
}

// TestLines reads lines of all lengths, the last one without its end.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	r := &production{format: "text", key: ":"}
	source, err := r.source(strings.NewReader("a\n\nk:v\n"+long+":"+long+"\nlast"), "t")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ key, value string }{{"", "a"}, {"", ""}, {"k", "v"}, {long, long}, {"", "last"}} {
		got, err := source.next()
		if err != nil || string(got.Key) != want.key || string(got.Value) != want.value || got.Value == nil {
			t.Errorf("line %d: got %.20q, %.20q and %v", i, got.Key, got.Value, err)
		}
	}
	if _, err := source.next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, expected the end", err)
	}
}

// TestFollow prints what comes after it began, until it is interrupted, which is no failure.
func TestFollow(t *testing.T) {
	startBroker(t)
	ok(t, "", "topic", "create", "live")
	ctx, interrupt := context.WithCancelCause(context.Background())
	read, write := io.Pipe()
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"consume", "live", "-o", "start"}, nil, write, io.Discard) }()
	var got []byte
	for _, value := range []string{"one", "two", "three"} {
		ok(t, value+"\n", "produce", "live")
		line := make([]byte, len(value)+1)
		if _, err := io.ReadFull(read, line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line...)
	}
	interrupt(&interrupted{signal: os.Interrupt})
	if code := <-ended; code != 0 || string(got) != "one\ntwo\nthree\n" {
		t.Errorf("got exit code %d and %q", code, got)
	}
	if code := run(ctx, []string{"consume", "live", "-n", "5"}, nil, io.Discard, io.Discard); code != 130 {
		t.Errorf("with -n: got exit code %d, expected 130", code)
	}
	out := ok(t, "", "consume", "live", "-n", "1", "-f", "%d")
	if !regexp.MustCompile(`^1[0-9]{12}$`).MatchString(out) {
		t.Errorf("got timestamp %q", out)
	}
}
