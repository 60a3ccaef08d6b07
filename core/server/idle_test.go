//go:build linux

package server_test

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"
)

// BenchmarkIdleConnections opens as many connections as it is asked for rounds (-benchtime 5000x), has each ask for
// ApiVersions and Metadata, and tells what the process needs for each one then: memory that is resident, of it the heap
// and the goroutines' stacks. The clients are bare sockets, which cost the process nothing.
func BenchmarkIdleConnections(b *testing.B) {
	s := start(b, "")
	to := s.Addresses()[0].(*net.TCPAddr)
	address := &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}
	c := &client{t: b}
	asked := append(c.frame(kmsg.NewPtrApiVersionsRequest(), 2), c.frame(kmsg.NewPtrMetadataRequest(), 9)...)
	open(b, address, asked) // what is made once
	before, statsBefore := resident(b)
	b.ResetTimer()
	for range b.N {
		open(b, address, asked)
	}
	b.StopTimer()
	after, statsAfter := resident(b)
	n := float64(b.N)
	b.ReportMetric(float64(after-before)/n, "rss-B/conn")
	b.ReportMetric(float64(statsAfter.HeapAlloc-statsBefore.HeapAlloc)/n, "heap-B/conn")
	b.ReportMetric(float64(statsAfter.StackInuse-statsBefore.StackInuse)/n, "stack-B/conn")
}

// open opens a connection that stays open until the benchmark ends, and reads the two responses.
func open(b *testing.B, address unix.Sockaddr, asked []byte) {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Connect(fd, address); err != nil {
		b.Fatal(err)
	}
	if _, err := unix.Write(fd, asked); err != nil {
		b.Fatal(err)
	}
	var p [4096]byte
	for responses, have := 0, 0; responses < 2; {
		n, err := unix.Read(fd, p[have:])
		if err != nil || n == 0 {
			b.Fatalf("got %d bytes and %v", n, err)
		}
		for have += n; have >= 4; responses++ {
			size := 4 + int(p[2])<<8 + int(p[3])
			if have < size {
				break
			}
			have = copy(p[:], p[size:have])
		}
	}
}

// resident returns the bytes of memory that the process has now, after what is not used was given back.
func resident(b *testing.B) (int, *runtime.MemStats) {
	b.Helper()
	runtime.GC() // twice: pools keep what they have for one more round
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return pages * os.Getpagesize(), &stats
}
