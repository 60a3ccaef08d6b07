package disk

import (
	"fmt"

	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/netsim/clock"
)

// Kind is a way in which a disk fails for a while.
type Kind int

// The kinds of spells.
const (
	// ReadErrors fails reads with vfs.ErrIO.
	ReadErrors Kind = iota
	// WriteErrors fails writes with vfs.ErrIO, some of them after a part.
	WriteErrors
	// SyncErrors fails syncs with vfs.ErrIO; what was written since the last good one is dropped.
	SyncErrors
	// NoSpace fails what needs room, writes and new names, with vfs.ErrNoSpace.
	NoSpace
)

var kindNames = [...]string{"read_errors", "write_errors", "sync_errors", "no_space"}

// String returns the kind's name.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// spell is a fault in force.
type spell struct {
	kind     Kind
	permille int
}

// Spell begins a spell, in which calls of its kind fail with a chance of permille in a thousand. A spell of the same
// kind that is in force is replaced.
func (d *Disk) Spell(kind Kind, permille int) {
	d.Calm(kind)
	d.spells = append(d.spells, spell{kind: kind, permille: permille})
}

// Calm ends the spell of a kind.
func (d *Disk) Calm(kind Kind) {
	for i := range d.spells {
		if d.spells[i].kind == kind {
			d.spells = append(d.spells[:i], d.spells[i+1:]...)
			return
		}
	}
}

// CalmAll ends all spells.
func (d *Disk) CalmAll() {
	d.spells = d.spells[:0]
}

// decide is the hook that says which call fails.
func (d *Disk) decide(op vfs.Op) vfs.Decision {
	if d.struck {
		return vfs.Decision{Err: vfs.ErrPowerLost}
	}
	if d.cut > 0 && op.Kind.Changes() {
		if d.cut--; d.cut == 0 {
			d.struck = true
			return vfs.Decision{Err: vfs.ErrPowerLost, Partial: op.Len * d.torn / 1000}
		}
	}
	for i := range d.spells {
		s := &d.spells[i]
		if s.kind.meets(op.Kind) && clock.Chance(d.rand, int64(s.permille), 1000) {
			d.injected++
			return d.fail(s.kind, op)
		}
	}
	return vfs.Decision{}
}

// meets reports whether a spell of the kind fails calls of a kind.
func (k Kind) meets(op vfs.OpKind) bool {
	switch k {
	case ReadErrors:
		return op == vfs.OpRead
	case WriteErrors:
		return op == vfs.OpWrite || op == vfs.OpTruncate
	case SyncErrors:
		return op == vfs.OpSync || op == vfs.OpSyncDir
	case NoSpace:
		return op == vfs.OpWrite || op == vfs.OpMkdir
	}
	return false
}

// fail decides how a call fails.
func (d *Disk) fail(kind Kind, op vfs.Op) vfs.Decision {
	switch kind {
	case NoSpace:
		return vfs.Decision{Err: vfs.ErrNoSpace, Partial: int(clock.Below(d.rand, int64(op.Len)))}
	case WriteErrors:
		return vfs.Decision{Err: vfs.ErrIO, Partial: int(clock.Below(d.rand, int64(op.Len)))}
	case SyncErrors:
		if op.Kind == vfs.OpSync {
			// The file may have been renamed since it was opened; then its pages stay.
			if d.mem.DropPending(op.Name) == nil {
				d.dropped = true
			}
		}
	}
	return vfs.Decision{Err: vfs.ErrIO}
}
