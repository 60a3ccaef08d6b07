package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
)

// What a directory's checkpoints say of a partition must neither outlive it nor be lost while it cannot be served.

// stop ends the broker cleanly and leaves it so.
func (h *harness) stop() {
	h.Helper()
	h.closeClients()
	h.runTasks()
	if err := h.b.Close(); err != nil {
		h.Fatal(err)
	}
}

// killed ends the broker as SIGKILL does and leaves it so.
func (h *harness) killed() {
	h.Helper()
	if err := h.b.Abandon(); err != nil {
		h.Fatal(err)
	}
	h.clients, h.tasks = make(map[*Conn]*testClient), nil
	h.mem.Kill()
}

// fill produces count records to partition t-0, one a batch.
func (h *harness) fill(count int) {
	h.Helper()
	for i := range count {
		h.mustProduce("t", 0, values(fmt.Sprint(i)))
	}
}

// truncate cuts a file.
func (h *harness) truncate(name string, size int64) {
	h.Helper()
	f, err := h.mem.Open(name, vfs.ReadWrite)
	if err != nil {
		h.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		h.Fatal(err)
	}
}

// size returns a file's length.
func (h *harness) size(name string) int64 {
	h.Helper()
	content, err := vfs.ReadFile(h.mem, name)
	if err != nil {
		h.Fatal(err)
	}
	return int64(len(content))
}

// wantOffline wants partition t-0 not to be served because its log lost what it had promised.
func (h *harness) wantOffline(when string) {
	h.Helper()
	p := h.b.topics.partition("t", 0)
	if p == nil {
		h.Fatalf("%s: the partition is gone", when)
	}
	if p.failure == nil {
		h.Fatalf("%s: got a log from %d to %d, expected the partition offline", when, p.log.Start(), p.log.End())
	}
}

// served returns what partition t-0 holds, which must be in service.
func (h *harness) served() []string {
	h.Helper()
	p := h.b.topics.partition("t", 0)
	if p == nil {
		h.Fatal("the partition is gone")
	}
	if p.failure != nil {
		h.Fatalf("got %v, expected the partition in service", p.failure)
	}
	return h.content("t", 0)
}

const firstLog = "data/t-0/00000000000000000000.log"

// A topic that is made again under an old name begins with nothing: neither the old one's start nor its recovery point.
func TestRecreatedTopicsInheritNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(h *harness) // the old topic has 20 records
	}{
		{"log start", func(h *harness) { h.deleteRecords(2, "t", 0, 15) }},
		{"recovery point", (*harness).restart},
		{"both, as found", func(h *harness) {
			h.deleteRecords(2, "t", 0, 15)
			h.restart()
		}},
		{"both, written since", func(h *harness) {
			h.deleteRecords(2, "t", 0, 15)
			h.advance(5 * time.Minute)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("t", 1, "flush.messages", "1")
			h.fill(20)
			test.before(h)
			h.drop("t")
			h.create("t", 1)
			h.fill(3)
			for range 2 {
				h.kill()
				if got := h.served(); !slices.Equal(got, []string{"0=0", "1=1", "2=2"}) {
					t.Fatalf("got %v, expected the 3 records of the new topic", got)
				}
			}
		})
	}
}

// A deletion whose directory cannot be forgotten leaves it where it is, and a topic of the same name stays away from
// it.
func TestTopicsThatCannotBeForgotten(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 1)
	h.fill(20)
	h.restart()
	faults.SetHook(vfs.FailAll(in("recovery-point", vfs.OpRename), vfs.ErrIO))
	h.drop("t")
	faults.SetHook(nil)
	h.create("t", 1)
	h.wantOffline("the old directory is in the way")
	h.kill()
	if got := h.served(); len(got) != 0 {
		t.Errorf("got %v, expected an empty partition", got)
	}
	h.fill(1)
	h.kill()
	if got := h.served(); len(got) != 1 {
		t.Errorf("got %v, expected the record of the new topic", got)
	}
}

// A partition that is refused stays refused: what is known of it outlives every checkpoint that is written meanwhile.
func TestRefusedPartitionsStayRefused(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.fill(20)
	h.deleteRecords(2, "t", 0, 5)
	h.stop()
	if err := h.fs.Remove("data/.kafka_cleanshutdown"); err != nil {
		t.Fatal(err)
	}
	whole, err := vfs.ReadFile(h.mem, firstLog)
	if err != nil {
		t.Fatal(err)
	}
	h.truncate(firstLog, int64(len(whole))-10)
	h.open()
	h.wantOffline("first start")
	h.advance(5 * time.Minute)
	h.kill()
	h.wantOffline("after a kill")
	h.closeClients()
	h.runTasks()
	if err := h.b.Close(); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.wantOffline("after a stop")
	h.advance(5 * time.Minute)
	h.killed()
	f, err := h.mem.Open(firstLog, vfs.Truncate) // the file comes back from a copy
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(whole, 0)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	h.open()
	p := h.b.topics.partition("t", 0)
	if p.failure != nil || p.log.Start() != 5 || p.log.End() != 20 {
		t.Errorf("got %v, expected a log from 5 to 20", p.failure)
	}
}

// A partition that fails while it is served keeps its recovery point, and what was synced after the last checkpoint
// too.
func TestFailedPartitionsKeepTheirRecoveryPoints(t *testing.T) {
	for _, test := range []struct {
		name         string
		before, then int   // records before the checkpoint, and after it
		keep         int64 // whole records that are left, and half of one
		offline      bool
	}{
		{"checkpointed", 5, 0, 2, true},
		{"synced since", 5, 3, 6, true},
		{"never checkpointed", 0, 3, 1, false},
		{"nothing lost", 5, 3, 8, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, faults := faulty(t)
			h.create("t", 2, "flush.messages", "1")
			h.fill(test.before)
			if test.before > 0 {
				h.advance(5 * time.Minute)
			}
			h.fill(test.then)
			record := h.size(firstLog) / int64(test.before+test.then)
			faults.SetHook(vfs.FailNth(in("t-0/", vfs.OpWrite), 1, vfs.ErrIO))
			h.produce("t", 0, values("b"))
			faults.SetHook(nil)
			h.advance(5 * time.Minute)
			h.killed()
			if whole := h.size(firstLog); test.keep*record < whole {
				h.truncate(firstLog, test.keep*record+record/2)
			}
			h.open()
			if p := h.b.topics.partition("t", 0); (p.failure != nil) != test.offline {
				t.Errorf("got %v, expected offline: %v", p.failure, test.offline)
			}
		})
	}
}

// A directory that cannot be told whose it is, though something in it was synced, is nobody's to replace.
func TestPartitionsWithoutMetadata(t *testing.T) {
	const metadata = "data/t-0/partition.metadata"
	for _, test := range []struct {
		name    string
		stop    func(h *harness)
		damage  func(h *harness) error
		offline bool
	}{
		{"missing after a clean stop", (*harness).stop, func(h *harness) error { return h.fs.Remove(metadata) }, true},
		{"torn after a clean stop", (*harness).stop, func(h *harness) error {
			h.truncate(metadata, 9)
			return nil
		}, true},
		{"directory gone after a clean stop", (*harness).stop, func(h *harness) error {
			return vfs.RemoveAll(h.fs, "data/t-0")
		}, true},
		{"missing after a checkpoint", func(h *harness) {
			h.advance(5 * time.Minute)
			h.killed()
		}, func(h *harness) error { return h.fs.Remove(metadata) }, true},
		{"missing, nothing known to be synced", (*harness).killed, func(h *harness) error {
			return h.fs.Remove(metadata)
		}, false},
		{"directory gone, nothing known to be synced", (*harness).killed, func(h *harness) error {
			return vfs.RemoveAll(h.fs, "data/t-0")
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("t", 1, "flush.messages", "1")
			h.fill(3)
			test.stop(h)
			if err := test.damage(h); err != nil {
				t.Fatal(err)
			}
			h.open()
			for _, when := range []string{"first start", "after a kill"} {
				if test.offline {
					h.wantOffline(when)
					if got := h.b.Offline(); !slices.Equal(got, []base.TopicPartition{{Topic: "t"}}) {
						t.Errorf("%s: got %v offline", when, got)
					}
				} else if got := h.served(); len(got) != 0 {
					t.Errorf("%s: got %v, expected an empty partition", when, got)
				}
				h.advance(5 * time.Minute)
				h.kill()
			}
			h.drop("t") // the way out: deleting the topic
			h.create("t", 1)
			h.fill(2)
			h.kill()
			if got := h.served(); len(got) != 2 {
				t.Errorf("got %v after the topic was made again, expected 2 records", got)
			}
		})
	}
}

// tryOpen opens the disk once more and returns why it was refused.
func (h *harness) tryOpen() error {
	h.Helper()
	cfg, _, err := config.ParseBroker(h.config)
	if err != nil {
		h.Fatal(err)
	}
	var effects Effects
	_, err = Open(Options{
		FS: h.mem, Config: cfg, Rand: env.NewSeeded(9, "refused"), Log: slog.New(slog.DiscardHandler), Now: h.now,
		OpenFiles: 64, Parallel: func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		},
	}, &effects)
	return err
}

// A metadata log that was synced and is no longer there, or nobody's, stops the start, and nothing is touched.
func TestLostMetadataLogIsNotReplaced(t *testing.T) {
	const dir = "data/__cluster_metadata-0"
	for _, test := range []struct {
		name   string
		stop   func(h *harness)
		damage func(h *harness) error
	}{
		{"metadata missing after a clean stop", (*harness).stop, func(h *harness) error {
			return h.fs.Remove(dir + "/partition.metadata")
		}},
		{"directory gone after a clean stop", (*harness).stop, func(h *harness) error {
			return vfs.RemoveAll(h.fs, dir)
		}},
		{"metadata torn after a checkpoint", func(h *harness) {
			h.advance(5 * time.Minute)
			h.killed()
		}, func(h *harness) error {
			h.truncate(dir+"/partition.metadata", 20)
			return nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("t", 1)
			h.fill(3)
			test.stop(h)
			if err := test.damage(h); err != nil {
				t.Fatal(err)
			}
			before := filesBelow(t, h.mem, "data")
			for range 2 {
				if err := h.tryOpen(); !errors.Is(err, commitlog.ErrNoMetadata) {
					t.Errorf("got %v, expected %v", err, commitlog.ErrNoMetadata)
				}
			}
			if after := filesBelow(t, h.mem, "data"); !maps.Equal(before, after) {
				t.Errorf("the directory has changed: got %q, expected %q", slices.Sorted(maps.Keys(after)),
					slices.Sorted(maps.Keys(before)))
			}
		})
	}
}

// A partition's entries stay in the directory where it was, and go from there alone: the next topic of that name may be
// placed in another.
func TestEntriesOfSeveralDirectories(t *testing.T) {
	h := newHarness(t)
	h.stop()
	for i, kv := range h.config {
		if kv.Name == "log.dirs" {
			h.config[i].Value = "data,more"
		}
	}
	h.open()
	h.create("first", 1)
	h.create("t", 1)
	h.fill(20)
	if dir := h.b.topics.partition("t", 0).place.Load().Path(); dir != "more" {
		t.Fatalf("got the partition in %s, expected it in the directory with fewer", dir)
	}
	h.stop()
	if err := h.fs.Rename("more/t-0", "more/elsewhere"); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.wantOffline("directory gone")
	h.stop()
	if err := h.fs.Rename("more/elsewhere", "more/t-0"); err != nil {
		t.Fatal(err)
	}
	h.open()
	if got := h.served(); len(got) != 20 {
		t.Errorf("got %d records after the directory came back, expected 20", len(got))
	}
	h.drop("t")
	h.create("more", 1)
	h.create("t", 1)
	if dir := h.b.topics.partition("t", 0).place.Load().Path(); dir != "data" {
		t.Fatalf("got the new partition in %s, expected it in the other directory", dir)
	}
	h.fill(2)
	h.advance(5 * time.Minute)
	h.kill()
	if got := h.served(); len(got) != 2 {
		t.Errorf("got %v, expected the 2 records of the new topic", got)
	}
}
