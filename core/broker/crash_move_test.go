package broker

import (
	"path"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// TestCrashDuringMoves stops the world before every call to the file system while partitions move between two log
// directories, to and fro, as records are appended and deleted, and as topics and moves themselves end.
func TestCrashDuringMoves(t *testing.T) {
	for _, class := range []string{"page-cache on two disks", "fsync on two disks"} {
		t.Run(class, func(t *testing.T) {
			r := newCrashRun(t, class, func(fs vfs.FS) vfs.FS { return fs })
			r.sparse = 8
			r.moves()
			t.Logf("%d crash points, %v", r.points, r.outcomes)
			if r.failure != nil {
				t.Fatal(r.failure)
			}
			if r.points < 1000 {
				t.Errorf("got %d crash points, expected thousands", r.points)
			}
		})
	}
}

// A copy that is not synced, or whose name is not, must be found out.
func TestCrashDuringMovesFindsLies(t *testing.T) {
	for _, lie := range []string{"the copy is not synced", "its name is not synced", "its name comes too early"} {
		t.Run(lie, func(t *testing.T) {
			r := newCrashRun(t, "fsync on two disks", func(fs vfs.FS) vfs.FS { return movingLies{fs, lie, new(bool)} })
			r.sparse = 4
			r.moves()
			if r.failure == nil {
				t.Fatalf("nothing was found in %d crash points", r.points)
			}
			t.Logf("after %d crash points: %.300s", r.points, r.failure)
		})
	}
}

// movingLies is a file system that lies about moves alone.
type movingLies struct {
	vfs.FS
	lie   string
	moved *bool // a copy got its name
}

// Open opens a file, of a copy one whose sync does nothing.
func (l movingLies) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := l.FS.Open(name, mode)
	if err != nil || l.lie != "the copy is not synced" || !strings.Contains(name, "-future/") {
		return f, err
	}
	return lyingFile{File: f, sync: true}, nil
}

// SyncDir syncs a directory, unless it is the one that partitions are moved to.
func (l movingLies) SyncDir(dir string) error {
	if l.lie == "its name is not synced" && *l.moved && dir == crashDir2 {
		return nil
	}
	return l.FS.SyncDir(dir)
}

// Rename renames, and takes away the mark of a copy before its time.
func (l movingLies) Rename(from, to string) error {
	if l.lie == "its name comes too early" && strings.Contains(from, "-future") {
		if err := l.FS.Remove(path.Join(from, commitlog.MovedFile)); err != nil {
			return err
		}
	}
	*l.moved = *l.moved || strings.Contains(from, "-future")
	return l.FS.Rename(from, to)
}

// move asks for a partition to be moved to the directory where it is not; the move goes on with the tasks to come.
func (r *crashRun) move(tp base.TopicPartition) {
	to := crashDir
	if r.b.topics.partition(tp.Topic, tp.Partition).place.Load().Path() == crashDir {
		to = crashDir2
	}
	res := r.send(moveRequest(to, tp), 2).(*kmsg.AlterReplicaLogDirsResponse)
	if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
		r.t.Fatalf("move %s: code %d", tp, code)
	}
}

func moveRequest(to string, partitions ...base.TopicPartition) *kmsg.AlterReplicaLogDirsRequest {
	req := kmsg.NewPtrAlterReplicaLogDirsRequest()
	d := kmsg.NewAlterReplicaLogDirsRequestDir()
	d.Dir = to
	for _, tp := range partitions {
		t := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
		t.Topic, t.Partitions = tp.Topic, []int32{tp.Partition}
		d.Topics = append(d.Topics, t)
	}
	req.Dirs = append(req.Dirs, d)
	return req
}

// moves is the workload.
func (r *crashRun) moves() {
	r.now = base.Instant{Mono: 1, Wall: 1_700_000_000_000}
	r.open()
	r.create("one", map[string]string{"internal.segment.bytes": "1000"})
	r.create("gone", nil)
	p, gone := base.TopicPartition{Topic: "one"}, base.TopicPartition{Topic: "gone"}
	for i := range int32(4) {
		r.produce(p, 5, 1, i, "plain", 300)
	}
	r.produce(gone, -1, 3, -1, "lost", 50)
	r.faults.SetHook(r.hook)
	r.move(p)
	r.produce(p, 5, 1, 4, "while it moves", 300)
	r.pass(1500)
	r.produce(p, 5, 2, 5, "moved", 300)
	r.deleteRecords(p, 3)
	r.move(p)
	r.move(gone)
	r.remove("gone")
	r.deleteRecords(p, 5)
	r.pass(1500)
	r.produce(p, 5, 1, 7, "and back", 300)
	r.move(p)
	if err := r.b.Abandon(); err != nil {
		r.t.Fatal(err)
	}
	r.tasks = nil
	r.open()
	r.produce(p, 5, 1, 8, "begun anew", 300)
	r.pass(1500)
	r.move(p)
	r.pass(1)
	if err := r.b.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
	r.produce(p, 5, 1, 9, "last", 100)
	r.pass(1500)
}
