package commitlog

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

const someDir = "/srv/data"

// counter draws 1, 2, 3 and so on.
func counter() func() uint64 {
	var n uint64
	return func() uint64 { n++; return n << 32 }
}

// openDir opens a log directory of node 7.
func openDir(fs vfs.FS, cluster string) (*Dir, error) {
	return OpenDir(fs, someDir, MetaProperties{NodeID: 7, ClusterID: cluster}, counter())
}

// used is a directory that was formatted and holds a partition.
func used(t *testing.T) *vfs.Mem {
	t.Helper()
	fs := vfs.NewMem(vfs.MemOptions{Crashable: true})
	d, err := openDir(fs, "J5kQ2mXvTtq0rXb3cWz1Ag")
	must(t, err)
	must(t, d.BeginUse())
	must(t, WriteOffsets(fs, someDir, RecoveryPointFile, []OffsetEntry{{tp("t", 0), 5}}))
	must(t, WriteOffsets(fs, someDir, LogStartFile, []OffsetEntry{{tp("t", 0), 2}}))
	must(t, fs.Mkdir(path.Join(someDir, "t-0")))
	must(t, d.Close())
	fs.SyncAll()
	return fs
}

func tp(topic string, partition int32) base.TopicPartition {
	return base.TopicPartition{Topic: topic, Partition: partition}
}

// A directory that is empty or missing is formatted, durably, with the cluster id that is asked for or with one that is
// drawn; the next start finds the same.
func TestFirstStartFormats(t *testing.T) {
	for _, cluster := range []string{"", "J5kQ2mXvTtq0rXb3cWz1Ag"} {
		fs := vfs.NewMem(vfs.MemOptions{Crashable: true})
		d, err := openDir(fs, cluster)
		must(t, err)
		if d.Meta.NodeID != 7 || d.Meta.ClusterID == "" || cluster != "" && d.Meta.ClusterID != cluster ||
			d.Meta.DirectoryID.IsZero() || d.Clean || d.BrokerEpoch != -1 || d.Path() != someDir ||
			d.FS() != vfs.FS(fs) {
			t.Errorf("cluster %q: got %+v", cluster, d)
		}
		fs.PowerLoss(vfs.LoseAll)
		fs.Restart()
		again, err := openDir(fs, cluster)
		must(t, err)
		if again.Meta != d.Meta {
			t.Errorf("after loss of power: got %+v, expected %+v", again.Meta, d.Meta)
		}
	}
}

// What is not this broker's is refused with its own error, and nothing is touched.
func TestOtherDirectoriesAreRefused(t *testing.T) {
	meta := path.Join(someDir, MetaFile)
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, fs *vfs.Mem)
		cluster string
		want    error
	}{
		{"another node", func(t *testing.T, fs *vfs.Mem) {
			write(t, fs, meta, []byte("version=1\ncluster.id=a\nnode.id=8\n"))
		}, "", ErrOtherNode},
		{"another cluster", func(*testing.T, *vfs.Mem) {}, "another", ErrOtherCluster},
		{"not formatted", func(t *testing.T, fs *vfs.Mem) { must(t, fs.Remove(meta)) }, "", ErrNotFormatted},
		{"of ZooKeeper's time", func(t *testing.T, fs *vfs.Mem) {
			write(t, fs, meta, []byte("version=0\nbroker.id=7\ncluster.id=a\n"))
		}, "", ErrBadMeta},
		{"torn", func(t *testing.T, fs *vfs.Mem) { write(t, fs, meta, read(t, fs, meta)[:40]) }, "", ErrBadMeta},
		{"emptied", func(t *testing.T, fs *vfs.Mem) { write(t, fs, meta, nil) }, "", ErrBadMeta},
		{"zeros", func(t *testing.T, fs *vfs.Mem) { write(t, fs, meta, make([]byte, 90)) }, "", ErrBadMeta},
		{"locked", func(t *testing.T, fs *vfs.Mem) {
			_, err := fs.Lock(path.Join(someDir, LockFile))
			must(t, err)
		}, "", ErrDirLocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := used(t)
			c.prepare(t, fs)
			before := tree(t, fs, "/")
			d, err := openDir(fs, c.cluster)
			if d != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), someDir) {
				t.Errorf("got %v, expected %v with the directory's name", err, c.want)
			}
			same(t, before, tree(t, fs, "/"))
		})
	}
}

// An error of the disk at any call of a start fails it and leaves the lock free; the next start succeeds.
func TestOpenDirUnderErrors(t *testing.T) {
	for _, cause := range []error{vfs.ErrIO, vfs.ErrNoSpace, vfs.ErrReadOnly} {
		for _, fresh := range []bool{false, true} {
			for k := 1; ; k++ {
				disk := used(t)
				if fresh {
					disk = vfs.NewMem(vfs.MemOptions{Crashable: true})
				}
				fs := vfs.NewFaults(disk, vfs.FailAt(k, cause))
				d, err := openDir(fs, "")
				if fs.Calls() < k {
					if k < 6 {
						t.Errorf("got %d calls", k)
					}
					break
				}
				switch {
				case err == nil:
					must(t, d.Close()) // the call that failed was the closing of a file that had been read
				case !errors.Is(err, cause):
					t.Errorf("call %d failed: got %v, expected %v", k, err, cause)
				}
				d, err = openDir(disk, "")
				if err != nil {
					t.Fatalf("after call %d had failed: %v", k, err)
				}
				must(t, d.Close())
			}
		}
	}
}

// The mark of a clean shutdown says who made it, and is gone, durably, before the directory is used.
func TestCleanShutdownMark(t *testing.T) {
	mark := path.Join(someDir, CleanShutdownFile)
	for _, c := range []struct {
		content        string
		clean, trusted bool
		epoch          int64
	}{
		{`{"version":0,"brokerEpoch":12}`, true, false, 12}, // Apache Kafka's
		{`{"version":0,"brokerEpoch":12,"writer":"gregor"}`, true, true, 12},
		{`{"version":0,"brokerEpoch":12,"writer":"other"}`, true, false, 12},
		{"", true, false, -1}, // of Kafka before 3.8
		{"nonsense", true, false, -1},
	} {
		fs := used(t)
		write(t, fs, mark, []byte(c.content))
		fs.SyncAll()
		d, err := openDir(fs, "")
		must(t, err)
		if d.Clean != c.clean || d.Trusted != c.trusted || d.BrokerEpoch != c.epoch {
			t.Errorf("%q: got clean %t, trusted %t, epoch %d", c.content, d.Clean, d.Trusted, d.BrokerEpoch)
		}
		must(t, d.BeginUse())
		fs.PowerLoss(vfs.LoseAll)
		fs.Restart()
		if d, err = openDir(fs, ""); err != nil || d.Clean {
			t.Errorf("%q: after a crash: got %+v, %v, expected no mark", c.content, d, err)
		}
		must(t, d.MarkClean(13))
		must(t, d.Close())
		fs.PowerLoss(vfs.LoseAll)
		fs.Restart()
		if d, err = openDir(fs, ""); err != nil || !d.Clean || !d.Trusted || d.BrokerEpoch != 13 {
			t.Errorf("%q: after a clean stop: got %+v, %v", c.content, d, err)
		}
	}
	for k := 1; k <= 2; k++ {
		fs := used(t)
		write(t, fs, mark, nil)
		d, err := openDir(fs, "")
		must(t, err)
		d.fs = vfs.NewFaults(fs, vfs.FailAt(k, vfs.ErrIO))
		if err := d.BeginUse(); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v", k, err)
		}
		if err := d.MarkClean(1); k == 1 && err != nil {
			t.Error(err)
		}
	}
}

// Checkpoints are read as they were written; one that is broken counts as unknown, and the stop as unclean.
func TestCheckpointsOfADirectory(t *testing.T) {
	for _, c := range []struct {
		name, content    string
		recovery, starts int
		clean            bool
	}{
		{RecoveryPointFile, "0\n1\nt 0 5\n", 1, 1, true},
		{RecoveryPointFile, "0\n0\n", 0, 1, true},
		{RecoveryPointFile, "0\n2\nt 0 5\n", 0, 1, false},
		{RecoveryPointFile, "\x00\x00\x00\x00", 0, 1, false},
		{RecoveryPointFile, "", 0, 1, false},
		{LogStartFile, "0\n1\nt 0\n", 1, 0, true},
		{LogStartFile, "0\n2\nu 1 3\nt 0 5\n", 1, 2, true},
	} {
		fs := used(t)
		d, err := openDir(fs, "")
		must(t, err)
		must(t, d.MarkClean(1))
		must(t, d.Close())
		write(t, fs, path.Join(someDir, c.name), []byte(c.content))
		if d, err = openDir(fs, ""); err != nil {
			t.Fatalf("%s with %q: %v", c.name, c.content, err)
		}
		if len(d.Recovery) != c.recovery || len(d.Starts) != c.starts || d.Clean != c.clean || d.Trusted != c.clean {
			t.Errorf("%s with %q: got %+v", c.name, c.content, d)
		}
		must(t, d.Close())
	}
}

// A directory lists its partitions by name, and what is left of deleted ones; files and strangers are neither.
func TestPartitionDirs(t *testing.T) {
	fs := used(t)
	id := base.UUID{1: 2}
	gone, stray := RetiredName(tp("old", 3), id, false), RetiredName(tp("lost", 1), id, true)
	for _, name := range []string{"b-1", "a-12", "a-b-0", "a-2", gone, stray, "lost+found", "c-0.x-future"} {
		must(t, fs.Mkdir(path.Join(someDir, name)))
	}
	write(t, fs, path.Join(someDir, "file-0"), nil)
	d, err := openDir(fs, "")
	must(t, err)
	partitions, deleted, err := d.PartitionDirs()
	want := []base.TopicPartition{tp("a", 12), tp("a", 2), tp("a-b", 0), tp("b", 1), tp("t", 0)}
	if err != nil || !slices.Equal(partitions, want) || !slices.Equal(deleted, []string{gone}) {
		t.Errorf("got %v, %v, %v, expected %v and %s", partitions, deleted, err, want, gone)
	}
	d.fs = vfs.NewFaults(fs, vfs.FailAt(1, vfs.ErrIO))
	if _, _, err := d.PartitionDirs(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("got %v, expected %v", err, vfs.ErrIO)
	}
}

func TestPartitionDirNames(t *testing.T) {
	for name, want := range map[string]base.TopicPartition{
		"t-0": tp("t", 0), "a-b-7": tp("a-b", 7), "a.b-2147483647": tp("a.b", 1<<31-1), "--1": tp("-", 1),
		"t-delete": {}, "t-2147483648": {}, "t-99999999999": {}, "t-": {}, "-1": {}, "t": {}, "": {},
		"t--1": tp("t-", 1),
		"t-1x": {}, "t-0.0123456789abcdef0123456789abcdef-delete": {}, "t-0.0123-future": {}, "t-0.0123-stray": {},
	} {
		got, ok := ParsePartitionDir(name)
		if got != want || ok != (want.Topic != "") {
			t.Errorf("%q: got %+v, %t, expected %+v", name, got, ok, want)
		}
	}
	long := tp(strings.Repeat("n", 249), 1<<31-1)
	for _, stray := range []bool{false, true} {
		name := RetiredName(long, base.UUID{15: 255}, stray)
		if _, ok := ParsePartitionDir(name); ok || len(name) > largestName || !strings.Contains(name, "00ff-") {
			t.Errorf("got %s of %d bytes", name, len(name))
		}
	}
	if got := RetiredName(tp("t", 4), base.UUID{1}, false); got != "t-4.01000000000000000000000000000000-delete" {
		t.Errorf("got %s", got)
	}
}
