package broker

import (
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
)

// within reports whether a file is in a directory, or is it.
func within(dir, name string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// checkAbsent holds a broker without the directory "more" against what it must be: partitions 0 and 2 of "t" serve
// where they are, 1 and 3 are offline, and new topics go where they can.
func checkAbsent(t *testing.T, h *harness, round int, places [4]string) {
	t.Helper()
	for i := range int32(4) {
		code := h.produce("t", i, values(fmt.Sprint("round ", round))).ErrorCode
		found := h.fetch("t", i, 0)
		if places[i] == "data" {
			if code != 0 || len(recordsOf(found.RecordBatches)) != round+2 {
				t.Errorf("t-%d: got error %d and %q", i, code, recordsOf(found.RecordBatches))
			}
		} else if code != kerr.KafkaStorageError.Code || found.ErrorCode != kerr.KafkaStorageError.Code {
			t.Errorf("t-%d: got errors %d and %d, expected KAFKA_STORAGE_ERROR", i, code, found.ErrorCode)
		}
		want := ""
		if places[i] == "data" {
			want = "data"
		}
		got := h.places(base.TopicPartition{Topic: "t", Partition: i})
		if got = strings.Replace(got, "more:56 ", "", 1); got != want {
			t.Errorf("t-%d: got %q, expected %q", i, got, want)
		}
	}
	name := fmt.Sprint("new-", round)
	h.create(name, 2)
	h.mustProduce(name, 0, values("x"))
	h.mustProduce(name, 1, values("y"))
}

// spread writes a record into each partition of "t" and returns where they are: in both directories.
func spread(t *testing.T, h *harness) (places [4]string) {
	t.Helper()
	for i := range int32(4) {
		h.mustProduce("t", i, values("first"))
		places[i] = h.places(base.TopicPartition{Topic: "t", Partition: i})
	}
	if slices.Index(places[:], "data") < 0 || slices.Index(places[:], "more") < 0 {
		t.Fatalf("got %q, expected both directories", places)
	}
	return places
}

// A log directory that is missing at the start takes its partitions offline, start after start, and does not stop the
// others. When it is back, so is everything that was in it.
func TestDirectoryIsMissingAtTheStart(t *testing.T) {
	broken := false
	for _, test := range []struct {
		name       string
		leave, end func(h *harness) error
	}{
		{"unreadable", func(*harness) error { broken = true; return nil },
			func(*harness) error { broken = false; return nil }},
		{"gone", func(h *harness) error { return h.mem.Rename("more", "elsewhere") },
			func(h *harness) error {
				if err := vfs.RemoveAll(h.mem, "more"); err != nil {
					return err
				}
				return h.mem.Rename("elsewhere", "more")
			}},
		{"not configured", func(h *harness) error { h.config = append(h.config, kv("log.dirs", "data")); return nil },
			func(h *harness) error { h.config = append(h.config, kv("log.dirs", "data,more")); return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := twoDirs(t, func(op vfs.Op) vfs.Decision {
				if broken && within("more", op.Name) {
					return vfs.Decision{Err: vfs.ErrIO}
				}
				return vfs.Decision{}
			})
			h.create("t", 4)
			places := spread(t, h)
			if err := h.b.Close(); err != nil {
				t.Fatal(err)
			}
			if err := test.leave(h); err != nil {
				t.Fatal(err)
			}
			h.open()
			checkAbsent(t, h, 0, places)
			h.restart()
			checkAbsent(t, h, 1, places)
			if err := h.b.Abandon(); err != nil {
				t.Fatal(err)
			}
			if err := test.end(h); err != nil {
				t.Fatal(err)
			}
			h.clients = make(map[*Conn]*testClient)
			h.open()
			for _, tp := range h.b.Offline() {
				if test.name != "gone" || tp.Topic == "t" { // new topics were in the directory that took its name
					t.Errorf("%s is offline", tp)
				}
			}
			for i := range int32(4) {
				want := []string{"0=first"}
				if places[i] == "data" {
					want = append(want, "1=round 0", "2=round 1")
				}
				if got := h.content("t", i); !slices.Equal(got, want) {
					t.Errorf("t-%d: got %q, expected %q", i, got, want)
				}
			}
			node := h.b.Image().Broker(h.b.nodeID)
			if len(node.LogDirs) != 2 && test.name != "gone" {
				t.Errorf("got %d registered directories, expected 2", len(node.LogDirs))
			}
		})
	}
}

// Once nothing is missing any more, be it that its topics were deleted, the directory is forgotten.
func TestMissingDirectoryIsForgotten(t *testing.T) {
	h, _ := twoDirs(t, nil)
	h.create("t", 4)
	h.restart()
	h.config = append(h.config, kv("log.dirs", "data"))
	for _, want := range []int{2, 2, 1} {
		h.restart()
		if got := len(h.b.Image().Broker(h.b.nodeID).LogDirs); got != want {
			t.Errorf("got %d registered directories, expected %d", got, want)
		}
		if want == 2 && h.opens == 4 {
			h.drop("t")
		}
	}
	h.create("t", 4)
	for i := range int32(4) {
		h.mustProduce("t", i, values("x"))
	}
}

// Directories that are somebody else's, and a first one that cannot be read, end the start.
func TestWhatIsNotAbsent(t *testing.T) {
	for _, test := range []struct {
		name    string
		dirs    string
		prepare func(t *testing.T, fs *vfs.Mem)
	}{
		{"the first", "broken,data", func(*testing.T, *vfs.Mem) {}},
		{"another node's", "data,more", func(t *testing.T, fs *vfs.Mem) {
			meta := []byte("version=1\ncluster.id=a\nnode.id=8\n")
			if err := vfs.WriteFileAtomic(fs, path.Join("more", commitlog.MetaFile), meta); err != nil {
				t.Fatal(err)
			}
		}},
		{"locked", "data,more", func(t *testing.T, fs *vfs.Mem) {
			if _, err := fs.Lock(path.Join("more", commitlog.LockFile)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := vfs.NewMem(vfs.MemOptions{})
			if err := mem.Mkdir("more"); err != nil {
				t.Fatal(err)
			}
			test.prepare(t, mem)
			cfg, _, err := config.ParseBroker([]config.KV{
				kv("listeners", "PLAINTEXT://127.0.0.1:9092"), kv("log.dirs", test.dirs),
			})
			if err != nil {
				t.Fatal(err)
			}
			fs := vfs.NewFaults(mem, func(op vfs.Op) vfs.Decision {
				if within("broken", op.Name) {
					return vfs.Decision{Err: vfs.ErrIO}
				}
				return vfs.Decision{}
			})
			var effects Effects
			b, err := Open(Options{
				FS: fs, Config: cfg, Rand: env.NewSeeded(1, "absent"), Log: slog.New(slog.DiscardHandler),
				Now: base.Instant{Mono: 1, Wall: epoch}, OpenFiles: 4,
				Parallel: func(n int, work func(int)) {
					for i := range n {
						work(i)
					}
				},
			}, &effects)
			if err == nil {
				t.Errorf("the broker has started: %v", b.Close())
			}
		})
	}
}

// A move to a missing directory is answered as in Kafka.
func TestMoveToAMissingDirectory(t *testing.T) {
	broken := false
	h, _ := twoDirs(t, func(op vfs.Op) vfs.Decision {
		if broken && within("more", op.Name) {
			return vfs.Decision{Err: vfs.ErrIO}
		}
		return vfs.Decision{}
	})
	h.create("t", 1)
	if err := h.b.Close(); err != nil {
		t.Fatal(err)
	}
	broken = true
	h.open()
	for to, want := range map[string]int16{
		"more": kerr.KafkaStorageError.Code, "none": kerr.LogDirNotFound.Code, "data": 0,
	} {
		if got := h.alterDir(to, base.TopicPartition{Topic: "t"}); got != want {
			t.Errorf("to %s: got error %d, expected %d", to, got, want)
		}
	}
	dirs := ask[*kmsg.DescribeLogDirsResponse](h, 4, kmsg.NewPtrDescribeLogDirsRequest()).Dirs
	if len(dirs) != 2 || dirs[1].Dir != "more" || dirs[1].ErrorCode != kerr.KafkaStorageError.Code {
		t.Errorf("got %+v", dirs)
	}
}
