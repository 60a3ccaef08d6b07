// Package disk is a node's disk in a simulated world: files in memory that behave as a disk under a kernel does when
// things go wrong, at instants and in ways that a seed decides.
//
// # The fault model
//
// What the broker may rely on is written in package vfs. All else breaks here:
//
//   - A kill of the process (Kill) leaves all that was written; its open files and locks are gone.
//   - Loss of power (PowerLoss) loses what no sync made durable: of each write, sector by sector, of each file's new
//     length and of each change of names, a part survives that is drawn from the disk's own stream of chance. A sector
//     reaches the disk whole, so that it holds all that was written to it up to some moment.
//   - Both may strike inside any call (CutAfter): a write that is struck may have written its first part. All calls
//     after it fail until the process or the machine is started again, so that nothing escapes of what the process
//     still believes to do.
//   - A sync that takes time (Begin and Within) makes durable only what was written when it began.
//   - For a while (Spell), calls of a kind fail now and then: EIO of reads, writes and syncs, ENOSPC of what needs
//     room, and a failed sync whose dirty pages the kernel drops, so that the next sync succeeds and the data is gone.
//   - The kernel writes back what is dirty at times of its choice (Writeback).
//
// # Layers
//
//	broker -> file system of this package (what was written, what is open, how long syncs take)
//	       -> vfs.Faults (which call fails)
//	       -> vfs.Mem (what survives)
//
// A Disk is used by one goroutine at a time, as everything in a simulated world.
package disk

import (
	"time"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/netsim/clock"
)

// Disk is one node's disk.
type Disk struct {
	mem    *vfs.Mem
	faults *vfs.Faults
	rand   env.Source

	// spells are the faults in force, and injected counts the calls that failed since the process started.
	spells   []spell
	injected int
	// cut counts down the changing calls until the process is struck inside one; 0 for not at all. torn is the share of
	// a write that is made then, in thousandths; struck says that it happened.
	cut, torn int
	struck    bool

	// latest is the mark of the last write of all, and began the mark up to which a sync that is being ended covers.
	latest, began uint64
	within        bool
	// withinFrom is latest as it was when Within began: files written to since are synced whole.
	withinFrom uint64
	lying      bool

	// life counts the processes that used the disk, opened the files that were opened; open are those that are still.
	life, opened uint64
	open         int
	sum          uint64
	dropped      bool
}

// Options say what a disk is like.
type Options struct {
	// Rand decides everything that chance decides.
	Rand env.Source
	// Now returns the node's wall clock in Unix milliseconds, for the files' times.
	Now func() int64
	// Capacity is the size of the disk in bytes, 0 for no limit.
	Capacity int64
}

// New returns an empty disk.
func New(o Options) *Disk {
	d := &Disk{rand: o.Rand}
	d.mem = vfs.NewMem(vfs.MemOptions{Crashable: true, Capacity: o.Capacity, Now: o.Now})
	d.faults = vfs.NewFaults(d.mem, d.decide)
	return d
}

// FS returns the file system as the broker sees it.
func (d *Disk) FS() vfs.FS {
	return (*fileSystem)(d)
}

// Bare returns the files without any faults or counts, for those who judge the broker from outside. What they read or
// change is no call of the broker's.
func (d *Disk) Bare() *vfs.Mem {
	return d.mem
}

// Sum returns a checksum over all that was ever written to the disk, and when in the order of its calls: two runs that
// differ in what they write differ in it from the first byte on.
func (d *Disk) Sum() uint64 {
	return d.sum
}

// OpenFiles returns the number of files and locks that the process holds open.
func (d *Disk) OpenFiles() int {
	return d.open
}

// Injected returns how many calls of this process failed because of a spell.
func (d *Disk) Injected() int {
	return d.injected
}

// Dropped reports that a failed sync dropped written pages since the process started: until it is restarted it may read
// what is not what it wrote.
func (d *Disk) Dropped() bool {
	return d.dropped
}

// Struck reports that the process was struck inside a call since it started. It must be ended with Kill or PowerLoss
// before anything that it did after that call is believed.
func (d *Disk) Struck() bool {
	return d.struck
}

// CutAfter has the process struck inside the n-th call from now, from 1, that changes the disk. If that is a write, its
// first torn thousandths are made. Kill, PowerLoss and an n of 0 call it off.
func (d *Disk) CutAfter(n, torn int) {
	d.cut, d.torn = n, torn
}

// Kill ends the process: what it wrote stays.
func (d *Disk) Kill() {
	d.mem.Kill()
	d.end()
}

// PowerLoss ends the machine. Each part of each change that is not durable survives with a chance of permille in a
// thousand. Nothing works until Restart.
func (d *Disk) PowerLoss(permille int) {
	d.mem.PowerLoss(d.survivors(permille))
	d.end()
}

// survivors draws what survives. Of the writes to one sector none does that came after one that does not.
func (d *Disk) survivors(permille int) vfs.Choice {
	type sector struct {
		file   string
		number int64
	}
	lost := make(map[sector]bool)
	keep := vfs.Random(d.rand.Uint64, permille)
	return func(c vfs.Change) bool {
		kept := keep(c)
		if c.Kind != vfs.ChangeBytes {
			return kept
		}
		at := sector{c.Name, c.Off/vfs.SectorSize + int64(c.Sector)}
		lost[at] = lost[at] || !kept
		return !lost[at]
	}
}

// Restart brings the power back.
func (d *Disk) Restart() {
	d.mem.Restart()
}

// end forgets everything that belonged to the process.
func (d *Disk) end() {
	d.life++
	d.open, d.injected, d.cut, d.struck, d.dropped = 0, 0, 0, false, false
	d.within = false
}

// Writeback makes everything durable, as the kernel does from time to time.
func (d *Disk) Writeback() {
	d.mem.SyncAll()
}

// Mark says what had been written to the disk at a moment.
type Mark uint64

// Begin notes the moment at which a sync begins.
func (d *Disk) Begin() Mark {
	return Mark(d.latest)
}

// Within runs a task that syncs and that began at a mark: each sync in it covers what was written before the mark; of a
// file that the task itself has opened or written to, all. (A real task's first sync begins when the task does. What it
// opens and writes on the way, it syncs later.)
func (d *Disk) Within(m Mark, run func()) {
	d.within, d.began, d.withinFrom = true, uint64(m), d.latest
	run()
	d.within = false
}

// Lie runs a task whose syncs say that all went well and do nothing: a disk that lies, for tests of those who must find
// it out.
func (d *Disk) Lie(run func()) {
	d.lying = true
	run()
	d.lying = false
}

// SyncTime draws how long a sync takes: at least least, mean on average.
func (d *Disk) SyncTime(least, mean time.Duration) time.Duration {
	return least + clock.Exponential(d.rand, max(mean-least, 0))
}
