//go:build linux

package limit

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// SyncResult is what a loop of syncs did.
type SyncResult struct {
	// Acks counts the appends that became durable, and Syncs the calls of fdatasync.
	Acks, Syncs int64
	Elapsed     time.Duration
}

// AcksPerSecond returns the rate of durable appends.
func (r SyncResult) AcksPerSecond() float64 {
	return float64(r.Acks) / r.Elapsed.Seconds()
}

// Syncs appends size bytes and syncs, again and again for a duration: a durable append at a time. The file is made in
// dir and removed.
func Syncs(dir string, size int, duration time.Duration) (SyncResult, error) {
	return GroupSyncs(dir, size, 1, duration)
}

// GroupSyncs lets so many writers append size bytes each and wait until a sync that began after their append has ended:
// while one sync runs, the next group forms. There is no protocol and no socket, so it bounds what any log can do whose
// appends are acknowledged once they are durable.
func GroupSyncs(dir string, size, writers int, duration time.Duration) (SyncResult, error) {
	f, err := os.Create(filepath.Join(dir, "group-syncs.log"))
	if err != nil {
		return SyncResult{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	g := &group{file: f, block: make([]byte, size)}
	g.cond.L = &g.mu
	start := time.Now()
	g.end = start.Add(duration)
	var done sync.WaitGroup
	for range writers {
		done.Go(g.write)
	}
	done.Wait()
	return SyncResult{Acks: g.acks, Syncs: g.syncs, Elapsed: time.Since(start)}, g.err
}

// group is a file with a group commit: whoever finds no sync under way does the next one, for all who have appended.
type group struct {
	file  *os.File
	block []byte
	end   time.Time

	mu       sync.Mutex
	cond     sync.Cond
	appended int64 // bytes
	durable  int64
	syncing  bool
	acks     int64
	syncs    int64
	err      error
}

func (g *group) write() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for time.Now().Before(g.end) && g.err == nil {
		if _, err := g.file.WriteAt(g.block, g.appended); err != nil {
			g.err = err
			break
		}
		g.appended += int64(len(g.block))
		mine := g.appended
		for g.durable < mine && g.err == nil {
			if g.syncing {
				g.cond.Wait()
				continue
			}
			g.syncLocked()
		}
		g.acks++
	}
	g.cond.Broadcast()
}

// syncLocked syncs what is appended so far; the lock is not held meanwhile.
func (g *group) syncLocked() {
	upTo := g.appended
	g.syncing = true
	g.mu.Unlock()
	err := unix.Fdatasync(int(g.file.Fd()))
	g.mu.Lock()
	g.syncing = false
	g.syncs++
	g.durable = max(g.durable, upTo)
	if err != nil {
		g.err = err
	}
	g.cond.Broadcast()
}
