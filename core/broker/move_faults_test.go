package broker

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/vfs"
)

// failingMoves makes a harness with two log directories on a disk that can lose power, where every record is synced
// before it is acknowledged, and a topic t with a record in partition 0. It returns the directories where that is and
// where it is not. Partition 1 is where partition 0 is not.
func failingMoves(t *testing.T) (h *harness, faults *vfs.Faults, from, to string) {
	mem := vfs.NewMem(vfs.MemOptions{Capacity: 1 << 40, Crashable: true})
	faults = vfs.NewFaults(mem, nil)
	h = &harness{
		T: t, mem: mem, fs: faults, clients: make(map[*Conn]*testClient),
		now: base.Instant{Mono: 1, Wall: epoch},
		config: []config.KV{
			{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:9092"}, {Name: "log.dirs", Value: "data,more"},
			{Name: "log.flush.interval.messages", Value: "1"},
		},
	}
	h.open()
	h.create("t", 2)
	h.putValue("t", 0, "before")
	h.putValue("t", 1, "before")
	from, to = "data", "more"
	if h.places(base.TopicPartition{Topic: "t"}) == "more" {
		from, to = to, from
	}
	return h, faults, from, to
}

// loseAndOpen loses power and opens a broker on what the disk has, if choice is set; else the process is killed.
func (h *harness) loseAndOpen(choice vfs.Choice) {
	h.Helper()
	if err := h.b.Abandon(); err != nil {
		h.Fatal(err)
	}
	h.clients, h.tasks = make(map[*Conn]*testClient), nil
	if choice != nil {
		h.mem.PowerLoss(choice)
		h.mem.Restart()
	} else {
		h.mem.Kill()
	}
	h.open()
	h.runTasks()
}

// whole checks that partition 0 is served with n records, from one directory alone.
func (h *harness) whole(n int) {
	h.Helper()
	p := h.b.topics.partition("t", 0)
	if err := p.offline(); err != nil {
		h.Fatalf("offline: %v", err)
	}
	if got, err := readAll(p); err != nil || len(got) != n {
		h.Fatalf("got %d records, %v, expected %d", len(got), err, n)
	}
	h.advance(1e9)
	for _, dir := range []string{"data", "more"} {
		entries, err := h.mem.List(dir)
		if err != nil {
			h.Fatal(err)
		}
		for _, e := range entries {
			here := e.Name == "t-0" && p.place.Load().Path() == dir
			if !here && strings.HasPrefix(e.Name, "t-0") && !strings.HasSuffix(e.Name, "-delete") {
				h.Errorf("%s/%s is left", dir, e.Name)
			}
		}
	}
}

// moveUnsettled moves partition 0 to a directory whose sync fails when the log has just got its name there.
func (h *harness) moveUnsettled(faults *vfs.Faults, to string) {
	renamed := false
	faults.SetHook(func(op vfs.Op) vfs.Decision {
		renamed = renamed || op.Kind == vfs.OpRename && op.To == to+"/t-0"
		if op.Kind == vfs.OpSyncDir && op.Name == to && renamed {
			return vfs.Decision{Err: vfs.ErrIO}
		}
		return vfs.Decision{}
	})
	h.alterDir(to, base.TopicPartition{Topic: "t"})
	h.runTasks()
	faults.SetHook(nil)
}

// TestMoveWithoutACertainName fails the sync of the directory where a moved log has just got its name. Nobody knows
// then which directory the disk has, so the log takes nothing more, and whichever the next start finds is whole.
func TestMoveWithoutACertainName(t *testing.T) {
	for _, first := range []bool{true, false} { // to the first log directory, which does not fail as a whole
		for what, choice := range map[string]vfs.Choice{
			"killed": nil, "name lost": vfs.LoseAll, "name kept": vfs.KeepAll,
			"name kept, what came later lost": func(c vfs.Change) bool {
				return c.Kind == vfs.ChangeRename && strings.HasSuffix(c.To, "/t-0")
			},
		} {
			t.Run(fmt.Sprintf("first %v, %s", first, what), func(t *testing.T) {
				h, faults, from, to := failingMoves(t)
				tp := base.TopicPartition{Topic: "t"}
				if first != (to == "data") {
					h.alterDir(to, tp)
					h.runTasks()
					from, to = to, from
				}
				h.moveUnsettled(faults, to)
				acked := 1
				if code := h.produceCode("t", 0); code == 0 {
					acked++
				} else if code != kafkaStorageError {
					t.Errorf("produce after the move: got code %d", code)
				}
				if f := h.b.dirNamed(from).failed(); f != nil {
					t.Errorf("the directory that the partition left: %v", f)
				}
				if f := h.b.dirNamed(to).failed(); (f == nil) != first {
					t.Errorf("the directory whose sync failed, first %v: %v", first, f)
				}
				h.loseAndOpen(choice)
				h.whole(acked)
			})
		}
	}
}

// A move whose end is not certain leaves the entries of the old directory's checkpoints alone: the next start may find
// the log there.
func TestUnsettledMoveKeepsTheOldStart(t *testing.T) {
	h, faults, _, to := failingMoves(t)
	h.mustProduce("t", 0, values("b", "c", "d"))
	if got := h.deleteRecords(2, "t", 0, 2); got.ErrorCode != noCode {
		t.Fatalf("got error %d", got.ErrorCode)
	}
	h.advance(2 * time.Minute) // the checkpoints are written
	h.moveUnsettled(faults, to)
	h.advance(2 * time.Minute)
	h.loseAndOpen(vfs.LoseAll)
	if p := h.b.topics.partition("t", 0); p.offline() != nil || p.log.Start() != 2 {
		t.Errorf("got start %d and %v, expected 2", p.log.Start(), p.offline())
	}
}

// dirNamed returns a log directory.
func (b *Broker) dirNamed(name string) *logDir {
	for _, d := range b.dirs {
		if d.Path() == name {
			return d
		}
	}
	return nil
}

// TestNextMoveWaitsForTheLast fails each step that a move takes after the log has changed over. Its old directory may
// be there still, so the next move finishes that first, or is refused if it cannot: two directories without a mark
// would be nobody's.
func TestNextMoveWaitsForTheLast(t *testing.T) {
	for _, test := range []struct {
		name  string
		match func(h *harness, op vfs.Op, from, to string) bool
		// again says that what failed may be tried again.
		again bool
	}{
		{"checkpoint", func(_ *harness, op vfs.Op, from, _ string) bool {
			return op.Kind == vfs.OpRename && op.To == path.Join(from, commitlog.RecoveryPointFile)
		}, true},
		{"rename", func(_ *harness, op vfs.Op, from, _ string) bool {
			return op.Kind == vfs.OpRename && op.Name == from+"/t-0"
		}, true},
		{"its sync", func(h *harness, op vfs.Op, from, _ string) bool {
			return op.Kind == vfs.OpSyncDir && op.Name == from && !h.hasPartition(from)
		}, false},
		{"mark", func(_ *harness, op vfs.Op, _, to string) bool {
			return op.Kind == vfs.OpRemove && op.Name == path.Join(to, "t-0", commitlog.MovedFile)
		}, true},
		{"its sync, too", func(_ *harness, op vfs.Op, _, to string) bool {
			return op.Kind == vfs.OpSyncDir && op.Name == to+"/t-0"
		}, false},
	} {
		for what, choice := range map[string]vfs.Choice{
			"killed": nil, "all lost": vfs.LoseAll, "all kept": vfs.KeepAll,
		} {
			t.Run(test.name+", "+what, func(t *testing.T) {
				h, faults, from, to := failingMoves(t)
				if err := h.b.writeRecovery(); err != nil {
					t.Fatal(err)
				}
				tp := base.TopicPartition{Topic: "t"}
				entered, failed := false, false
				faults.SetHook(func(op vfs.Op) vfs.Decision {
					hit := entered && !failed && test.match(h, op, from, to)
					entered = entered || op.Kind == vfs.OpSyncDir && op.Name == to && h.hasPartition(to)
					if hit {
						failed = true
						return vfs.Decision{Err: vfs.ErrIO}
					}
					return vfs.Decision{}
				})
				h.alterDir(to, tp)
				h.runTasks()
				if got := h.b.topics.partition("t", 0).place.Load().Path(); !failed || got != to {
					t.Fatalf("failed %v, moved to %s, expected %s", failed, got, to)
				}
				acked := 1
				if h.produceCode("t", 0) == 0 {
					acked++
				}
				h.alterDir(from, tp)
				h.runTasks()
				moved := h.b.topics.partition("t", 0).place.Load().Path() == from
				if moved != test.again {
					t.Errorf("the next move: got %v, expected %v", moved, test.again)
				}
				if h.produceCode("t", 0) == 0 {
					acked++
				}
				h.loseAndOpen(choice)
				h.whole(acked)
			})
		}
	}
}

// hasPartition reports that a directory has the partition by its name.
func (h *harness) hasPartition(dir string) bool {
	found, err := vfs.Exists(h.mem, dir+"/t-0")
	if err != nil {
		h.Fatal(err)
	}
	return found
}

// TestMoveThatWasOverAlready has a partition wanted elsewhere, wanted back and wanted elsewhere once more, while the
// first move is past the point where it would notice: the second has nothing to do.
func TestMoveThatWasOverAlready(t *testing.T) {
	h, faults, from, to := failingMoves(t)
	tp := base.TopicPartition{Topic: "t"}
	h.quiet = true
	h.alterDir(to, tp)
	renames := 0
	faults.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind != vfs.OpRename || op.To != to+"/t-0" {
			return vfs.Decision{}
		}
		if renames++; renames == 1 {
			p := h.b.topics.partition("t", 0)
			for _, dir := range []string{from, to} {
				p.moveTo(h.b, h.now, h.b.dirNamed(dir), &h.effects)
			}
		}
		return vfs.Decision{}
	})
	h.runTasks()
	if got := h.places(tp); renames != 1 || got != to {
		t.Errorf("got %s after %d renames, expected %s after one", got, renames, to)
	}
	h.quiet = false
	h.advance(1e9)
	h.whole(1)
	h.putValue("t", 0, "after")
	h.loseAndOpen(vfs.LoseAll)
	h.whole(2)
}
