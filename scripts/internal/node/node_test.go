package node

import (
	"os"
	"slices"
	"testing"
)

func TestWatcherWaitsForTheLine(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := &watcher{out: out, ready: make(chan struct{})}
	ready := func() bool {
		select {
		case <-w.ready:
			return true
		default:
			return false
		}
	}
	var want []byte
	for _, part := range []string{"{\"msg\":\"listening\"}\n{\"ms", "g\":\"rea", "dy\"}", "\n{\"msg\":\"ready\"}\n"} {
		if ready() {
			t.Errorf("ready before %q", part)
		}
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		want = append(want, part...)
	}
	if !ready() {
		t.Error("the line was not seen")
	}
	if got, err := os.ReadFile(out.Name()); err != nil || !slices.Equal(got, want) {
		t.Errorf("passed on %q, %v", got, err)
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	before, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	after, err := UsageOf(os.Getpid())
	if err != nil || after.Files != before.Files+1 {
		t.Errorf("got %d files and %v, expected one more than %d", after.Files, err, before.Files)
	}
	if after.Resident < 1<<20 {
		t.Errorf("got %d resident bytes, expected at least a megabyte", after.Resident)
	}
}

func TestFreeAddressesDiffer(t *testing.T) {
	found, err := FreeAddresses(20)
	if err != nil || len(found) != 20 {
		t.Fatalf("got %d addresses and %v, expected 20", len(found), err)
	}
	slices.Sort(found)
	if distinct := slices.Compact(slices.Clone(found)); len(distinct) != len(found) {
		t.Errorf("got %v, expected no address twice", found)
	}
	for _, address := range found {
		if len(address) != len("127.0.0.1:65535") {
			t.Errorf("got %s, expected a port of five digits", address)
		}
	}
}
