package result_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/gregor-log/gregor/bench/result"
)

// TestHottestOf adds samples up by function, gives system calls their names, and refuses what is no profile.
func TestHottestOf(t *testing.T) {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
	}
	locations := make(map[string]*profile.Location)
	at := func(name string) *profile.Location {
		if l := locations[name]; l != nil {
			return l
		}
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		p.Function = append(p.Function, f)
		l := &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
		p.Location = append(p.Location, l)
		locations[name] = l
		return l
	}
	add := func(value int64, stack ...string) {
		s := &profile.Sample{Value: []int64{1, value}}
		for _, name := range stack {
			s.Location = append(s.Location, at(name))
		}
		p.Sample = append(p.Sample, s)
	}
	add(50, "internal/runtime/syscall/linux.Syscall6", "syscall.Syscall6", "syscall.pwrite", "main.a")
	add(10, "internal/runtime/syscall/linux.Syscall6", "golang.org/x/sys/unix.Fdatasync", "main.b")
	add(15, "hash/crc32.castagnoli", "main.a")
	add(20, "hash/crc32.castagnoli", "main.b")
	add(5, "main.a")
	var raw bytes.Buffer
	if err := p.Write(&raw); err != nil {
		t.Fatal(err)
	}
	got, err := result.HottestOf(raw.Bytes(), 3)
	want := []result.Hot{{"system call pwrite", 50}, {"hash/crc32.castagnoli", 35}, {"system call fdatasync", 10}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, expected %v", got[i], want[i])
		}
	}
	if _, err := result.HottestOf([]byte("no profile"), 3); !errors.Is(err, result.ErrProfile) {
		t.Errorf("got %v, expected ErrProfile", err)
	}
}
