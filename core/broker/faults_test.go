package broker

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/vfs"
)

// faulty makes a harness whose disk fails as its hook says.
func faulty(t *testing.T) (*harness, *vfs.Faults) {
	var faults *vfs.Faults
	h := newHarnessOn(t, func(fs vfs.FS) vfs.FS {
		faults = vfs.NewFaults(fs, nil)
		return faults
	})
	return h, faults
}

// in accepts calls of a kind on files whose name contains a text.
func in(part string, kinds ...vfs.OpKind) func(vfs.Op) bool {
	of := vfs.Kind(kinds...)
	return func(op vfs.Op) bool { return of(op) && strings.Contains(op.Name, part) }
}

// checkOffline wants partition t-0 out of service in every answer, and t-1 in service.
func (h *harness) checkOffline() {
	h.Helper()
	if p := h.produce("t", 0, values("x")); p.ErrorCode != 56 {
		h.Errorf("produce: got error %d, expected 56", p.ErrorCode)
	}
	if p := h.fetch("t", 0, 0); p.ErrorCode != 56 {
		h.Errorf("fetch: got error %d, expected 56", p.ErrorCode)
	}
	if p := h.listOffset(7, "t", -1, -1); p.ErrorCode != 56 {
		h.Errorf("list offsets: got error %d, expected 56", p.ErrorCode)
	}
	if p := h.epochEnd(4, 0, -1); p.ErrorCode != 56 {
		h.Errorf("offset for leader epoch: got error %d, expected 56", p.ErrorCode)
	}
	if p := h.deleteRecords(2, "t", 0, 0); p.ErrorCode != 56 {
		h.Errorf("delete records: got error %d, expected 56", p.ErrorCode)
	}
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0}}}
	described := ask[*kmsg.DescribeProducersResponse](h, 0, producers)
	if p := described.Topics[0].Partitions[0]; p.ErrorCode != 56 {
		h.Errorf("describe producers: got error %d, expected 56", p.ErrorCode)
	}
	topic := h.topicMetadata(9, "t", false)
	if p := topic.Partitions[0]; p.ErrorCode != 5 || p.Leader != -1 || len(p.OfflineReplicas) != 1 {
		h.Errorf("metadata: got %+v, expected no leader and an offline replica", p)
	}
	if p := topic.Partitions[1]; p.ErrorCode != 0 || p.Leader < 0 || len(p.OfflineReplicas) != 0 {
		h.Errorf("metadata: the other partition is %+v", p)
	}
	h.mustProduce("t", 1, values("y"))
}

// After a failed write nobody knows what is on the disk.
func TestFailedWriteTakesThePartitionOffline(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 2)
	h.mustProduce("t", 0, values("a"))
	waiting := h.connect()
	req := fetchOf(12, want{topic: "t", offset: 1})
	req.MaxWaitMillis = 60000
	waiting.send(req)
	faults.SetHook(vfs.FailNth(in("t-0/", vfs.OpWrite), 1, vfs.ErrIO))
	if p := h.produce("t", 0, values("b")); p.ErrorCode != 56 || p.BaseOffset != -1 {
		t.Errorf("got error %d and offset %d, expected 56 and -1", p.ErrorCode, p.BaseOffset)
	}
	if len(waiting.answers) != 1 {
		t.Fatal("a fetch still waits on a partition that is offline")
	}
	if p := waiting.answers[0].(*kmsg.FetchResponse).Topics[0].Partitions[0]; p.ErrorCode != 56 {
		t.Errorf("the waiting fetch: got error %d, expected 56", p.ErrorCode)
	}
	h.checkOffline()
}

// After a failed sync, a second try says nothing about what the first had to write.
func TestFailedSyncIsNeverAcked(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 2, "flush.messages", "1")
	h.mustProduce("t", 0, values("a"))
	h.quiet = true
	var clients []*testClient
	for range 5 {
		c := h.connect()
		c.send(produceOf(9, -1, part{topic: "t", records: values("b").batch()}))
		clients = append(clients, c)
	}
	faults.SetHook(vfs.FailNth(in("t-0/", vfs.OpSync), 1, vfs.ErrIO))
	h.quiet = false
	h.runTasks()
	for i, c := range clients {
		if len(c.answers) != 1 {
			t.Fatalf("client %d got no answer", i)
		}
		if p := c.answers[0].(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 56 || p.BaseOffset != -1 {
			t.Errorf("client %d: got error %d and offset %d, expected 56 and -1", i, p.ErrorCode, p.BaseOffset)
		}
	}
	h.checkOffline()
}

// Without its log the metadata cannot change any more, but what is known goes on.
func TestFailedMetadataSyncEndsChanges(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 1)
	value := "1000"
	change := func(version int16, req kmsg.Request, code func(kmsg.Response) int16) {
		t.Helper()
		c := h.connect()
		req.SetVersion(version)
		if got := code(c.ask(req)); got != 56 {
			t.Errorf("%s: got error %d, expected 56", kmsg.Key(req.Key()).Name(), got)
		}
	}
	faults.SetHook(vfs.FailAll(in("__cluster_metadata", vfs.OpSync), vfs.ErrIO))
	for range 2 { // the change that meets the failure, and one after it
		create := kmsg.NewPtrCreateTopicsRequest()
		create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "u", NumPartitions: 1, ReplicationFactor: 1}}
		change(7, create, func(r kmsg.Response) int16 { return r.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode })
		remove := kmsg.NewPtrDeleteTopicsRequest()
		remove.TopicNames = []string{"t"}
		change(5, remove, func(r kmsg.Response) int16 { return r.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode })
		grow := kmsg.NewPtrCreatePartitionsRequest()
		grow.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: 2}}
		change(3, grow, func(r kmsg.Response) int16 { return r.(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode })
		alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
		alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "t",
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: &value}},
		}}
		change(1, alter, func(r kmsg.Response) int16 {
			return r.(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode
		})
		change(5, kmsg.NewPtrInitProducerIDRequest(), func(r kmsg.Response) int16 {
			return r.(*kmsg.InitProducerIDResponse).ErrorCode
		})
	}
	if got := h.topicMetadata(9, "u", true); got.ErrorCode != 3 {
		t.Errorf("automatic creation: got error %d, expected 3", got.ErrorCode)
	}
	h.mustProduce("t", 0, values("a"))
	if got := recordsOf(h.fetch("t", 0, 0).RecordBatches); len(got) != 1 {
		t.Errorf("got %v, expected what was produced", got)
	}
}

// A partition that is offline at the end makes the next start look at everything.
func TestOfflinePartitionsLeaveNoCleanMark(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 2)
	h.mustProduce("t", 0, values("a"))
	faults.SetHook(vfs.FailNth(in("t-0/", vfs.OpWrite), 1, vfs.ErrIO))
	h.produce("t", 0, values("b"))
	h.closeClients()
	if err := h.b.Close(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("got %v from Close, expected why the partition is offline", err)
	}
	if ok, err := vfs.Exists(h.mem, "data/.kafka_cleanshutdown"); ok || err != nil {
		t.Errorf("the mark of a clean stop is there: %v, %v", ok, err)
	}
	faults.SetHook(nil)
	h.open()
	if got := h.content("t", 0); len(got) != 1 {
		t.Errorf("got %v after the next start, expected what was acknowledged", got)
	}
	h.mustProduce("t", 0, values("c"))
}

// A topic whose directories cannot be made exists, and says that it is out of order.
func TestTopicsThatCannotBeMade(t *testing.T) {
	h, faults := faulty(t)
	faults.SetHook(vfs.FailAll(in("t-0", vfs.OpMkdir), vfs.ErrNoSpace))
	h.create("t", 2)
	h.checkOffline()
}

// countingFS counts the files that are open.
type countingFS struct {
	vfs.FS
	open map[string]int
}

type countedFile struct {
	vfs.File
	fs   *countingFS
	name string
}

func (fs *countingFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := fs.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	fs.open[name]++
	return &countedFile{File: f, fs: fs, name: name}, nil
}

func (f *countedFile) Close() error {
	f.fs.open[f.name]--
	return f.File.Close()
}

// Segments are pinned by replies under way and by nothing else: once a topic is gone, so are its files.
func TestNoFileStaysOpen(t *testing.T) {
	counting := &countingFS{open: make(map[string]int)}
	h := newHarnessOn(t, func(fs vfs.FS) vfs.FS {
		counting.FS = fs
		return counting
	})
	h.create("t", 2, "segment.bytes", "1048576", "file.delete.delay.ms", "1000")
	big := strings.Repeat("x", 200_000)
	for range 12 {
		h.mustProduce("t", 0, values(big))
	}
	c := h.connect()
	for v := int16(4); v <= 12; v++ {
		req := fetchOf(v, want{topic: "t", offset: int64(v)}, want{topic: "t", index: 1}, want{topic: "t", index: 9})
		req.MaxWaitMillis = 100
		req.MinBytes = 1 << 25
		if v == 5 {
			req.Topics[0].Partitions[0].FetchOffset = 99
		}
		c.send(req)
	}
	h.advance(50_000_000)
	c.close()
	h.fetch("t", 0, 3)
	h.drop("t")
	h.advance(2_000_000_000)
	for name, n := range counting.open {
		if n != 0 && strings.Contains(name, "t-0") {
			t.Errorf("%s is open %d times", name, n)
		}
	}
	entries, err := h.mem.List("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "t-") {
			t.Errorf("%s is still there after file.delete.delay.ms", e.Name)
		}
	}
}
