package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/vfs"
)

// twoDirs makes a harness with the log directories "data", which has the metadata log, and "more".
func twoDirs(t *testing.T, hook func(vfs.Op) vfs.Decision) (*harness, *vfs.Faults) {
	var faults *vfs.Faults
	h := newHarnessOn(t, func(fs vfs.FS) vfs.FS {
		faults = vfs.NewFaults(fs, nil)
		return faults
	}, config.KV{Name: "log.dirs", Value: "data,more"}, config.KV{Name: "log.segment.delete.delay.ms", Value: "1000"})
	faults.SetHook(hook)
	return h, faults
}

// places returns what DescribeLogDirs tells of a topic's partition: "more", or "data>more lag 5".
func (h *harness) places(tp base.TopicPartition) string {
	h.Helper()
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: tp.Topic, Partitions: []int32{tp.Partition}}}
	place, future := "", ""
	for _, d := range ask[*kmsg.DescribeLogDirsResponse](h, 4, req).Dirs {
		if d.ErrorCode != 0 {
			place += fmt.Sprintf("%s:%d ", d.Dir, d.ErrorCode)
		}
		for _, t := range d.Topics {
			for _, p := range t.Partitions {
				if p.IsFuture {
					future = fmt.Sprintf(">%s lag %d", d.Dir, p.OffsetLag)
				} else {
					place += d.Dir
				}
			}
		}
	}
	return place + future
}

func (h *harness) alterDir(to string, tp base.TopicPartition) int16 {
	h.Helper()
	res := ask[*kmsg.AlterReplicaLogDirsResponse](h, 2, moveRequest(to, tp))
	return res.Topics[0].Partitions[0].ErrorCode
}

// TestMovesGoOnBesideClients moves a partition to and fro while records come and go; nothing is lost or doubled, and
// its idempotent producer is still known.
func TestMovesGoOnBesideClients(t *testing.T) {
	h, _ := twoDirs(t, nil)
	h.create("t", 1, "internal.segment.bytes", "600")
	tp := base.TopicPartition{Topic: "t"}
	h.quiet = true
	other := map[string]string{"data": "more", "more": "data"}
	n := 0
	put := func() {
		value := fmt.Sprintf("value %d %s", n, strings.Repeat("x", 100))
		h.putValue("t", 0, value)
		n++
	}
	for range 40 {
		put()
	}
	for round := range 6 {
		from := h.places(tp)
		if code := h.alterDir(other[from], tp); code != 0 {
			t.Fatalf("round %d: got code %d", round, code)
		}
		if got, want := h.places(tp), fmt.Sprintf("%s>%s lag %d", from, other[from], n); got != want {
			t.Errorf("round %d: got %s, expected %s", round, got, want)
		}
		for h.places(tp) != other[from] {
			put()
			h.runTask()
		}
		put()
	}
	h.runTasks()
	h.advance(5 * time.Second)
	h.runTasks()
	p := h.b.topics.partition("t", 0)
	got, err := readAll(p)
	if err != nil || len(got) != n {
		t.Fatalf("got %d records, %v, expected %d", len(got), err, n)
	}
	for _, dir := range []string{"data", "more"} {
		entries, err := h.mem.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.Contains(e.Name, "t-0.") {
				t.Errorf("%s/%s is left", dir, e.Name)
			}
		}
	}
	h.restart()
	if again, err := readAll(h.b.topics.partition("t", 0)); err != nil || len(again) != n {
		t.Errorf("after a restart: got %d records, %v, expected %d", len(again), err, n)
	}
}

// putValue produces one record.
func (h *harness) putValue(topic string, index int32, value string) {
	h.Helper()
	req := produceRequest(base.TopicPartition{Topic: topic, Partition: index}, h.oneBatch(value))
	req.SetVersion(9)
	c := h.connect()
	defer c.close()
	res := c.ask(req).(*kmsg.ProduceResponse)
	if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
		h.Fatalf("produce: code %d", code)
	}
}

// oneBatch returns a batch of one record of no producer.
func (h *harness) oneBatch(value string) batch.Batch {
	h.Helper()
	var builder batch.Builder
	builder.Reset(batch.NewOptions())
	builder.Append(h.now.Wall, nil, []byte(value))
	built, err := builder.Build()
	if err != nil {
		h.Fatal(err)
	}
	return built
}

// TestMoveAnswers has the codes of Kafka 4.3.1.
func TestMoveAnswers(t *testing.T) {
	h, _ := twoDirs(t, nil)
	h.create("t", 2)
	tp := base.TopicPartition{Topic: "t"}
	here := h.places(tp)
	for _, test := range []struct {
		to   string
		tp   base.TopicPartition
		code int16
	}{
		{"nowhere", tp, kerr.LogDirNotFound.Code}, {"", tp, kerr.LogDirNotFound.Code},
		{here + "/", tp, kerr.LogDirNotFound.Code}, {here, tp, 0},
		{here, base.TopicPartition{Topic: "t", Partition: 9}, kerr.UnknownTopicOrPartition.Code},
		{here, base.TopicPartition{Topic: "none"}, kerr.UnknownTopicOrPartition.Code},
		{here, base.TopicPartition{Topic: "__cluster_metadata"}, kerr.UnknownTopicOrPartition.Code},
		{here, base.TopicPartition{Topic: strings.Repeat("t", 230)}, kerr.InvalidTopicException.Code},
	} {
		if got := h.alterDir(test.to, test.tp); got != test.code {
			t.Errorf("%s to %q: got %d, expected %d", test.tp, test.to, got, test.code)
		}
	}
	if got := h.places(tp); got != here {
		t.Errorf("got %s, expected %s", got, here)
	}
	for i, dir := range []string{"more", "more", "data", "more", "data"} {
		later := base.TopicPartition{Topic: fmt.Sprint("later", i)}
		h.alterDir(dir, later)
		h.create(later.Topic, 1)
		if got := h.places(later); got != dir {
			t.Errorf("%s was wanted in %s before it was made, and is in %s", later, dir, got)
		}
	}
}

// TestMovesEnd cancels moves in their middle: by another wish, by deletion, by a clean stop, which begins it anew.
func TestMovesEnd(t *testing.T) {
	h, _ := twoDirs(t, nil)
	h.create("t", 1)
	tp := base.TopicPartition{Topic: "t"}
	here := h.places(tp)
	there := map[string]string{"data": "more", "more": "data"}[here]
	h.putValue("t", 0, "v")
	h.quiet = true
	h.alterDir(there, tp)
	h.alterDir(here, tp)
	h.runTasks()
	if got := h.places(tp); got != here {
		t.Errorf("after a move was called off: got %s, expected %s", got, here)
	}
	h.alterDir(there, tp)
	h.alterDir(here, tp)
	h.alterDir(there, tp)
	h.runTasks()
	if got := h.places(tp); got != there {
		t.Errorf("after a move was called off and wanted again: got %s, expected %s", got, there)
	}
	h.alterDir(here, tp)
	begun := h.tasks[len(h.tasks)-1].(*moveTask)
	if err := begun.begin(); err != nil {
		t.Fatal(err)
	}
	h.tasks = nil
	h.kill()
	h.advance(time.Second)
	h.runTasks()
	if got := h.places(tp); got != here {
		t.Errorf("after a kill in the middle of a move: got %s, expected %s", got, here)
	}
	h.alterDir(there, tp)
	h.quiet = false
	del := kmsg.NewPtrDeleteTopicsRequest()
	del.TopicNames = []string{"t"}
	ask[*kmsg.DeleteTopicsResponse](h, 5, del)
	h.create("t", 1)
	h.advance(time.Minute)
	for _, dir := range []string{"data", "more"} {
		entries, _ := h.mem.List(dir)
		for _, e := range entries {
			if strings.HasPrefix(e.Name, "t-0.") {
				t.Errorf("%s/%s is left", dir, e.Name)
			}
		}
	}
}

// TestFailingDirTakesItsPartitionsOffline fails the writes of one log directory: its partitions answer
// KAFKA_STORAGE_ERROR, also those that nobody wrote to, new ones are made elsewhere, and the others live on.
func TestFailingDirTakesItsPartitionsOffline(t *testing.T) {
	broken := false
	h, _ := twoDirs(t, func(op vfs.Op) vfs.Decision {
		if broken && op.Kind.Changes() && strings.HasPrefix(op.Name, "more/") {
			return vfs.Decision{Err: errors.New("input/output error")}
		}
		return vfs.Decision{}
	})
	h.create("t", 4)
	var here, there []int32
	for i := range int32(4) {
		if h.places(base.TopicPartition{Topic: "t", Partition: i}) == "more" {
			there = append(there, i)
		} else {
			here = append(here, i)
		}
	}
	if len(here) != 2 || len(there) != 2 {
		t.Fatalf("got %v and %v, expected two partitions in each directory", here, there)
	}
	broken = true
	res := h.produceCode("t", there[0])
	if res != kerr.KafkaStorageError.Code {
		t.Fatalf("produce to a failing directory: got %d", res)
	}
	for i := range int32(4) {
		want := int16(0)
		if slices.Contains(there, i) {
			want = kerr.KafkaStorageError.Code
		}
		if got := h.produceCode("t", i); got != want {
			t.Errorf("produce to t-%d: got %d, expected %d", i, got, want)
		}
	}
	if got := h.places(base.TopicPartition{Topic: "t", Partition: there[1]}); got != "more:56 " {
		t.Errorf("got %q, expected the directory's error", got)
	}
	if got := h.alterDir("more", base.TopicPartition{Topic: "t", Partition: here[0]}); got != 56 {
		t.Errorf("move to a failed directory: got %d, expected 56", got)
	}
	h.create("new", 3)
	for i := range int32(3) {
		if got := h.places(base.TopicPartition{Topic: "new", Partition: i}); got != "datamore:56 " {
			t.Errorf("new-%d: got %q, expected data", i, got)
		}
	}
	h.advance(10 * time.Minute)
	broken = false
	h.closeClients()
	h.runTasks()
	if err := h.b.Close(); err == nil {
		t.Error("a broker with a failed directory closes as if nothing was")
	}
	h.open()
	for i := range int32(4) {
		if got := h.produceCode("t", i); got != 0 {
			t.Errorf("after a restart with a mended disk: t-%d got %d", i, got)
		}
	}
}

func (h *harness) produceCode(topic string, index int32) int16 {
	h.Helper()
	req := produceRequest(base.TopicPartition{Topic: topic, Partition: index}, h.oneBatch("v"))
	req.SetVersion(9)
	c := h.connect()
	defer c.close()
	return c.ask(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
}

// TestPartitionInTwoDirs has a copy of a partition that no move made: which one counts nobody can say, so neither is
// opened or changed, and the others are served.
func TestPartitionInTwoDirs(t *testing.T) {
	h, _ := twoDirs(t, nil)
	h.create("t", 1)
	h.create("u", 1)
	h.putValue("t", 0, "v")
	here := h.places(base.TopicPartition{Topic: "t"})
	there := map[string]string{"data": "more", "more": "data"}[here]
	h.closeClients()
	if err := h.b.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := h.mem.List(here + "/t-0")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := vfs.ReadFile(h.mem, here+"/t-0/"+e.Name)
		if err == nil {
			if err = h.mem.Mkdir(there + "/t-0"); err == nil {
				err = vfs.WriteFileAtomic(h.mem, there+"/t-0/"+e.Name, content)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.open()
	if got := h.produceCode("t", 0); got != 56 {
		t.Errorf("got %d, expected 56", got)
	}
	if got := h.produceCode("u", 0); got != 0 {
		t.Errorf("the other topic: got %d", got)
	}
	why := h.b.topics.partition("t", 0).offline().Error()
	if !strings.Contains(why, "data") || !strings.Contains(why, "more") {
		t.Errorf("got %q, expected both directories named", why)
	}
	h.closeClients()
	if err := errors.Join(h.b.Close(), vfs.RemoveAll(h.mem, there+"/t-0")); err != nil {
		t.Fatal(err)
	}
	h.open()
	if got, err := readAll(h.b.topics.partition("t", 0)); err != nil || len(got) != 1 {
		t.Errorf("after one was taken away: got %v, %v", got, err)
	}
}
