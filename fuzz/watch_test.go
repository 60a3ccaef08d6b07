package fuzz

import (
	"flag"
	"runtime/metrics"
	"testing"
	"time"
)

// patience is how long one input may take while fuzzing.
const patience = 10 * time.Second

// fuzzing reports whether this process is a fuzzer's worker. Only there is a clock looked at.
func fuzzing() bool {
	f := flag.Lookup("test.fuzzworker")
	return f != nil && f.Value.String() == "true"
}

// watch ends the worker if the input is not dealt with in time, so that a hang becomes a crasher. The caller calls what
// it returns when it is done.
func watch() func() {
	if !fuzzing() {
		return func() {}
	}
	timer := time.AfterFunc(patience, func() { panic("one input took more than " + patience.String()) })
	return func() { timer.Stop() }
}

// allocated returns how many bytes this process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// bounded runs work and fails if it allocates more than limit bytes.
func bounded(t *testing.T, limit uint64, work func()) {
	t.Helper()
	before := allocated()
	work()
	if used := allocated() - before; used > limit {
		t.Fatalf("got %d bytes allocated, expected at most %d", used, limit)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
