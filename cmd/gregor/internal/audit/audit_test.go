package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/audit"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// root is the log directory of all tests.
const root = "data"

// start runs a broker on a file system.
func start(t *testing.T, fs vfs.FS) *server.Server {
	t.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: root},
		{Name: "log.segment.bytes", Value: "1048576"}, {Name: "num.partitions", Value: "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(context.Background(),
		server.Options{Config: cfg, FS: fs, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stop ends a broker cleanly.
func stop(t *testing.T, s *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// produce writes records that fill some segments of "orders": some batches of codec zstd, some without.
func produce(t *testing.T, s *server.Server, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.Addresses()[0].String()),
			kgo.AllowAutoTopicCreation(), kgo.MetadataMinAge(20*time.Millisecond),
			kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerBatchMaxBytes(20_000))
		if err != nil {
			t.Fatal(err)
		}
		for i := range count {
			client.Produce(ctx, &kgo.Record{
				Topic: "orders", Partition: int32(i % 2),
				Value: []byte(fmt.Sprintf("%d %x", i, strings.Repeat("v", i%400))),
			}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		client.Close()
	}
}

// filled returns the directory of a broker that was stopped cleanly.
func filled(t *testing.T) *vfs.Mem {
	t.Helper()
	mem := vfs.NewMem(vfs.MemOptions{Now: func() int64 { return time.Now().UnixMilli() }})
	s := start(t, mem)
	produce(t, s, 6000)
	stop(t, s)
	return mem
}

// check checks a directory.
func check(t *testing.T, fs vfs.FS, name string) *audit.Report {
	t.Helper()
	a, err := audit.Open(fs, name, audit.Options{Deep: true, Wall: time.Now().UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Check()
	if err = errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	return r
}

// change rewrites a file.
func change(t *testing.T, fs vfs.FS, name string, to func([]byte) []byte) {
	t.Helper()
	content, err := vfs.ReadFile(fs, name)
	if err == nil {
		err = vfs.WriteFileAtomic(fs, name, to(content))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// snapshot returns all files of a directory with their content.
func snapshot(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			for k, v := range snapshot(t, fs, name) {
				all[k] = v
			}
			continue
		}
		content, err := vfs.ReadFile(fs, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(content)
	}
	return all
}

// TestClean finds nothing in what a broker leaves, and counts what it wrote.
func TestClean(t *testing.T) {
	mem := filled(t)
	var total, read int64
	a, err := audit.Open(mem, root, audit.Options{
		Begin: func(n int64) { total = n }, Progress: func(n int64) { read += n },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Check()
	if err != nil {
		t.Fatal(err)
	}
	if r.Count != 0 || !r.Clean || len(r.Partitions) != 3 || total == 0 || read != total {
		t.Errorf("got %+v, %d of %d bytes read", r, read, total)
	}
	for _, p := range r.Partitions[1:] {
		if p.Topic != "orders" || p.Records != 6000 || p.End != 6000 || p.Segments < 2 || p.SizeBytes == 0 {
			t.Errorf("got %+v", p)
		}
	}
	if _, err := audit.Open(mem, root, audit.Options{}); !errors.Is(err, audit.ErrInUse) {
		t.Errorf("got %v, expected the lock to be held", err)
	}
}

// TestRunning refuses a directory that a broker holds, also by the name of one of its partitions.
func TestRunning(t *testing.T) {
	mem := vfs.NewMem(vfs.MemOptions{})
	s := start(t, mem)
	defer stop(t, s)
	produce(t, s, 10)
	for _, name := range []string{root, root + "/orders-0"} {
		if _, err := audit.Open(mem, name, audit.Options{}); !errors.Is(err, audit.ErrInUse) {
			t.Errorf("%s: got %v, expected that it is in use", name, err)
		}
	}
	for _, name := range []string{"nowhere", "/"} {
		if _, err := audit.Open(mem, name, audit.Options{}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// damages are ways to break a clean directory, and what a check calls them.
var damages = []struct {
	name, file string
	to         func([]byte) []byte
	kind       string
	// lost says that repairing costs bytes, and hopeless that nothing can be repaired.
	lost, hopeless bool
}{
	{"flipped byte", "orders-0/00000000000000000000.log", flip(5000), "corrupt-batch", true, false},
	{"torn tail", "orders-1/*.log", func(p []byte) []byte { return p[:len(p)-7] }, "corrupt-batch", true, false},
	{"bytes after the end", "orders-1/*.log", func(p []byte) []byte { return append(p, 1, 2, 3) }, "corrupt-batch",
		true, false},
	{"index entry", "orders-0/00000000000000000000.index", flip(3), "bad-index", false, false},
	{"index position", "orders-0/00000000000000000000.index", flip(15), "bad-index", false, false},
	{"torn index", "orders-0/00000000000000000000.index", func(p []byte) []byte { return p[:len(p)-3] }, "bad-index",
		false, false},
	{"time index", "orders-0/00000000000000000000.timeindex", flip(7), "bad-index", false, false},
	{"producer snapshot", "orders-0/*.snapshot", flip(12), "bad-snapshot", false, false},
	{"leader epochs", "orders-0/leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n1\n3 0\n") }, "other",
		false, false},
	{"epochs unreadable", "orders-0/leader-epoch-checkpoint", func([]byte) []byte { return []byte("x") },
		"bad-checkpoint", false, false},
	{"topic id", "orders-0/partition.metadata", func([]byte) []byte { return nil }, "no-metadata", false, true},
	{"recovery point", commitlog.RecoveryPointFile, func([]byte) []byte { return []byte("0\n1\norders 0 9999\n") },
		"bad-checkpoint", false, true},
	{"high watermark", commitlog.HighWatermarkFile, func([]byte) []byte { return []byte("nonsense") },
		"bad-checkpoint", false, true},
	{"meta.properties", commitlog.MetaFile, func([]byte) []byte { return []byte("version=7\n") }, "no-metadata", false,
		true},
}

func flip(at int) func([]byte) []byte {
	return func(p []byte) []byte { p[at] ^= 0x40; return p }
}

// find returns the last file in the directory that a pattern means.
func find(t *testing.T, fs vfs.FS, pattern string) string {
	t.Helper()
	dir, name := path.Split(path.Join(root, pattern))
	entries, err := fs.List(path.Clean(dir))
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, e := range entries {
		if ok, _ := path.Match(name, e.Name); ok {
			found = path.Join(dir, e.Name)
		}
	}
	return found
}

// TestDamages finds each damage by name; a dry run changes nothing; and repairing leaves a directory that a broker
// starts on, with all records before the damage.
func TestDamages(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			mem := filled(t)
			change(t, mem, find(t, mem, d.file), d.to)
			r := check(t, mem, root)
			kinds := map[string]bool{}
			for _, p := range r.Problems {
				kinds[p.Kind] = true
			}
			for _, p := range r.Partitions {
				for _, problem := range p.Problems {
					kinds[problem.Kind] = true
				}
			}
			if !kinds[d.kind] || r.Count == 0 {
				t.Fatalf("got %+v, expected %s", r, d.kind)
			}
			repair(t, mem, r, d.lost, d.hopeless)
		})
	}
}

// repair repairs what a check found.
func repair(t *testing.T, mem *vfs.Mem, r *audit.Report, lost, hopeless bool) {
	t.Helper()
	before := snapshot(t, mem, root)
	a, err := audit.Open(mem, root, audit.Options{Wall: time.Now().UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	dry, err := a.Repair(r, true)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(snapshot(t, mem, root), before) {
		t.Fatal("the dry run has changed something")
	}
	done, err := a.Repair(r, false)
	if err = errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(dry, done) {
		t.Errorf("got %+v, the dry run said %+v", done, dry)
	}
	after := check(t, mem, root)
	if hopeless != (after.Count > 0) {
		t.Fatalf("after repairing got %+v", after)
	}
	if hopeless {
		return
	}
	if len(done) != 1 || (done[0].Lost != "") != lost || lost != (done[0].LostBytes > 0) {
		t.Errorf("got %+v, expected records to be lost: %t", done, lost)
	}
	s := start(t, mem)
	defer stop(t, s)
	tp, _ := commitlog.ParsePartitionDir(done[0].Dir)
	end := ends(t, s)[tp.Partition]
	if end != done[0].End || !lost && end != 6000 {
		t.Errorf("the broker's log ends at %d, the report said %d", end, done[0].End)
	}
}

// ends returns the ends of the logs of "orders" as a client reads them, record by record.
func ends(t *testing.T, s *server.Server) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Addresses()[0].String()), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	next, high := map[int32]int64{}, map[int32]int64{0: -1, 1: -1}
	for next[0] < high[0] || next[1] < high[1] || high[0] < 0 || high[1] < 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			high[p.Partition] = p.HighWatermark
			for _, r := range p.Records {
				if r.Offset != next[p.Partition] {
					t.Errorf("got offset %d, expected %d", r.Offset, next[p.Partition])
				}
				next[p.Partition] = r.Offset + 1
			}
		})
	}
	return next
}

// TestUnclean checks a directory as recovery would leave it: a torn tail is no problem, damage before it is one.
func TestUnclean(t *testing.T) {
	mem := filled(t)
	for _, name := range []string{commitlog.CleanShutdownFile, commitlog.RecoveryPointFile} {
		if err := mem.Remove(path.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	change(t, mem, find(t, mem, "orders-0/*.log"), func(p []byte) []byte { return p[:len(p)-7] })
	for _, e := range []string{"orders-0/*.index", "orders-0/*.timeindex"} {
		change(t, mem, find(t, mem, e), func([]byte) []byte { return nil })
	}
	before := snapshot(t, mem, root)
	r := check(t, mem, root)
	if r.Count != 0 || r.Clean || len(r.Partitions[1].Notes) != 1 || r.Partitions[1].End == 6000 {
		t.Errorf("got %+v, expected a note of the torn tail", r)
	}
	change(t, mem, find(t, mem, "orders-1/00000000000000000000.log"), flip(5000))
	if r := check(t, mem, root); r.Count != 1 || r.Partitions[2].Problems[0].Kind != "corrupt-log" {
		t.Errorf("got %+v, expected corruption", r)
	}
	change(t, mem, find(t, mem, "orders-1/00000000000000000000.log"), flip(5000))
	change(t, mem, find(t, mem, "orders-1/partition.metadata"), func([]byte) []byte { return nil })
	if r := check(t, mem, root); r.Count != 0 || len(r.Partitions[2].Notes) != 1 {
		t.Errorf("got %+v, expected a note that it was never synced", r)
	}
	change(t, mem, find(t, mem, "orders-1/partition.metadata"), func([]byte) []byte {
		return []byte(before[root+"/orders-1/partition.metadata"])
	})
	if !reflect.DeepEqual(snapshot(t, mem, root), before) {
		t.Error("checking has changed something")
	}
}

// TestGap misses offsets, but not those of compacted topics.
func TestGap(t *testing.T) {
	mem := filled(t)
	name := find(t, mem, "orders-0/00000000000000000000.log")
	// Without its first batch, what is left begins later than the segment does.
	change(t, mem, name, func(p []byte) []byte {
		first := int(p[10])<<8 | int(p[11])
		second := first + 12
		n := int(p[second+10])<<8 | int(p[second+11])
		return append(append([]byte(nil), p[:second]...), p[second+12+n:]...)
	})
	r := check(t, mem, root)
	kinds := map[string]int{}
	for _, p := range r.Partitions[1].Problems {
		kinds[p.Kind]++
	}
	if kinds["gap"] != 1 {
		t.Errorf("got %+v, expected one gap", r.Partitions[1])
	}
}

// TestAlone checks a partition's directory that was copied to somewhere else.
func TestAlone(t *testing.T) {
	mem := filled(t)
	for _, to := range []string{"copy/orders-0", "copy/whatever"} {
		if err := errors.Join(mem.Mkdir("copy"), mem.Rename(root+"/orders-0", to)); err != nil {
			t.Fatal(err)
		}
		r := check(t, mem, to)
		if r.Count != 0 || len(r.Partitions) != 1 || r.Partitions[0].Records != 6000 {
			t.Errorf("%s: got %+v", to, r)
		}
		if err := mem.Rename(to, root+"/orders-0"); err != nil {
			t.Fatal(err)
		}
	}
	if r := check(t, mem, root+"/orders-1"); r.Count != 0 || len(r.Partitions) != 1 {
		t.Errorf("got %+v", r)
	}
}
