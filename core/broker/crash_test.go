package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// The crash test runs a small mixed workload once and stops the world before every single call to the file system: the
// process is killed there (also in the middle of a write), and the power is lost there, with each choice of what the
// disk had kept. On what is left a new broker is opened, and what the durability class promises is checked. The world
// then goes on as if nothing had happened.

// crashRun is the workload and what it was promised.
type crashRun struct {
	t      *testing.T
	class  string // "page-cache" or "fsync", and " on two disks" for two log directories
	disk   *vfs.Mem
	faults *vfs.Faults
	fs     vfs.FS // what the broker sees
	b      *Broker
	conn   *Conn
	now    base.Instant
	out    Effects
	tasks  []Task
	corr   int32

	// promised is what was acknowledged so far.
	promised promises
	// written is every value that was ever sent, by partition and offset, acknowledged or not.
	written map[base.TopicPartition]map[base.Offset]string

	// groups is set where the workload is about groups.
	groups *groupsCrash

	stopped  bool   // recovering: do not stop again
	sparse   uint64 // where set, the power is lost in one of so many ways at each point, in turn
	points   int
	outcomes map[string]int
	failure  error // the first broken promise
}

// promises is what a client was told. It is copied at each point.
type promises struct {
	last    *sentBatch // of the idempotent producer
	acked   []ackedRecord
	topics  []string
	deleted []string
	configs map[string]string // topic to retention.ms
}

type sentBatch struct {
	sent batch.Batch
	base base.Offset
}

type ackedRecord struct {
	tp     base.TopicPartition
	offset base.Offset
	value  string
}

const (
	crashDir  = "/data/logs"
	crashDir2 = "/data/more"
)

func TestCrashEverywhere(t *testing.T) {
	for _, class := range []string{"page-cache", "fsync"} {
		t.Run(class, func(t *testing.T) {
			r := newCrashRun(t, class, func(fs vfs.FS) vfs.FS { return fs })
			r.workload()
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

// A disk that only pretends to sync must be found out: otherwise the test above proves nothing.
func TestCrashEverywhereFindsLies(t *testing.T) {
	for _, lie := range []struct {
		name  string
		class string
		wrap  func(vfs.FS) vfs.FS
	}{
		{"files are not synced", "fsync", func(fs vfs.FS) vfs.FS { return lyingFS{FS: fs, files: true} }},
		{"names are not synced", "fsync", func(fs vfs.FS) vfs.FS { return lyingFS{FS: fs, names: true} }},
		{"names are not synced, metadata promised", "page-cache", func(fs vfs.FS) vfs.FS {
			return lyingFS{FS: fs, names: true}
		}},
		{"logs are not synced", "fsync", func(fs vfs.FS) vfs.FS {
			return lyingFS{FS: fs, files: true, suffix: ".log"}
		}},
		{"time indexes are not synced", "fsync", func(fs vfs.FS) vfs.FS {
			return lyingFS{FS: fs, files: true, suffix: ".timeindex"}
		}},
		{"every fifth write is lost", "page-cache", func(fs vfs.FS) vfs.FS {
			return lyingFS{FS: fs, lose: new(int), losing: "one-0"}
		}},
	} {
		t.Run(lie.name, func(t *testing.T) {
			r := newCrashRun(t, lie.class, lie.wrap)
			r.untilFound(r.workload)
			if r.failure == nil {
				t.Fatalf("nothing was found in %d crash points", r.points)
			}
			t.Logf("after %d crash points: %.300s", r.points, r.failure)
		})
	}
}

// lyingFS is a file system that reports success for what it does not do.
type lyingFS struct {
	vfs.FS
	files, names bool
	suffix       string // lie about files with this suffix alone
	lose         *int   // counts writes to the logs of losing; every fifth is lost
	losing       string // a partition
}

func (l lyingFS) SyncDir(dir string) error {
	if l.names {
		return nil
	}
	return l.FS.SyncDir(dir)
}

func (l lyingFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := l.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	lying := lyingFile{File: f, sync: l.files && strings.HasSuffix(name, l.suffix)}
	if l.lose != nil && strings.Contains(name, l.losing) && strings.HasSuffix(name, ".log") {
		lying.lose = l.lose
	}
	return lying, nil
}

type lyingFile struct {
	vfs.File
	sync bool
	lose *int
}

func (f lyingFile) Sync() error {
	if f.sync {
		return nil
	}
	return f.File.Sync()
}

func (f lyingFile) WriteAt(p []byte, off int64) (int, error) {
	if f.lose != nil {
		if *f.lose++; *f.lose%5 == 0 {
			return len(p), nil
		}
	}
	return f.File.WriteAt(p, off)
}

func newCrashRun(t *testing.T, class string, wrap func(vfs.FS) vfs.FS) *crashRun {
	r := &crashRun{
		t: t, class: class, disk: vfs.NewMem(vfs.MemOptions{Crashable: true}),
		written:  make(map[base.TopicPartition]map[base.Offset]string),
		outcomes: make(map[string]int),
	}
	r.promised.configs = make(map[string]string)
	r.faults = vfs.NewFaults(r.disk, nil)
	r.fs = wrap(r.faults)
	return r
}

func crashConfig(t *testing.T, class string) *config.Broker {
	class, more, _ := strings.Cut(class, " on ")
	dirs := crashDir
	if more != "" {
		dirs += "," + crashDir2
	}
	pairs := []config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:9092"}, {Name: "log.dirs", Value: dirs},
		{Name: "log.index.interval.bytes", Value: "200"}, {Name: "log.segment.delete.delay.ms", Value: "1"},
		{Name: "log.retention.check.interval.ms", Value: "1000"}, {Name: "log.initial.task.delay.ms", Value: "1000"},
		{Name: "log.flush.offset.checkpoint.interval.ms", Value: "1000"},
		{Name: "log.flush.start.offset.checkpoint.interval.ms", Value: "1000"},
		{Name: "replica.high.watermark.checkpoint.interval.ms", Value: "1000"},
		{Name: "offsets.topic.num.partitions", Value: "1"}, {Name: "group.initial.rebalance.delay.ms", Value: "0"},
		{Name: "gregor.group.gather.ms", Value: "0"},
	}
	if class == "fsync" {
		pairs = append(pairs, config.KV{Name: "log.flush.interval.messages", Value: "1"})
	}
	cfg, _, err := config.ParseBroker(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// foundOut ends a workload on a disk that lies: the broker has noticed, but a crash had shown the lie before.
type foundOut struct{}

// untilFound runs a workload on a disk that lies.
func (r *crashRun) untilFound(workload func()) {
	defer func() {
		if found := recover(); found != nil && found != (foundOut{}) {
			panic(found)
		}
	}()
	workload()
}

// fatalf ends the test, unless it has found already what it was looking for.
func (r *crashRun) fatalf(format string, args ...any) {
	r.t.Helper()
	if r.failure != nil {
		panic(foundOut{})
	}
	r.t.Fatalf(format, args...)
}

// openCrashed opens a broker; the tasks that it begins with are in out.
func openCrashed(t *testing.T, class string, fs vfs.FS, now base.Instant, log io.Writer,
	out *Effects) (*Broker, error) {
	return Open(Options{
		FS: fs, Config: crashConfig(t, class),
		Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "h", Port: 9092}},
		Rand:       env.NewSeeded(7, "crash"), Log: slog.New(slog.NewTextHandler(log, nil)), Now: now, OpenFiles: 4,
		Parallel: func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		},
	}, out)
}

// send hands a request to the broker and runs tasks until it is answered.
func (r *crashRun) send(req kmsg.Request, version int16) kmsg.Response {
	req.SetVersion(version)
	return r.sendAll(req)[0]
}

// sendAll hands requests to the broker before any task runs, and then runs tasks until all are answered.
func (r *crashRun) sendAll(requests ...kmsg.Request) []kmsg.Response {
	first := r.corr + 1
	for _, req := range requests {
		r.corr++
		r.b.Step(r.now, Input{Kind: Frame, Conn: r.conn, Frame: requestFrame(req, r.corr)}, &r.out)
		r.collect()
	}
	var answers []kmsg.Response
	for {
		for _, reply := range r.conn.Take(nil) {
			if len(answers) == len(requests) {
				r.t.Fatalf("got more replies than the %d expected", len(requests))
			}
			n := len(answers)
			answers = append(answers, decodeReply(r.t, requests[n], reply, first+int32(n)))
		}
		if len(answers) == len(requests) {
			return answers
		}
		if len(r.tasks) == 0 {
			r.t.Fatalf("%s: no reply and no task", kmsg.NameForKey(requests[len(answers)].Key()))
		}
		r.runTask()
	}
}

// collect takes the tasks of the last step.
func (r *crashRun) collect() {
	r.tasks = append(r.tasks, r.out.Tasks...)
	r.out.Reset()
}

func (r *crashRun) runTask() {
	task := r.tasks[0]
	r.tasks = r.tasks[1:]
	task.Run()
	r.b.Step(r.now, Input{Kind: TaskDone, Task: task}, &r.out)
	r.collect()
}

// pass lets time go by: deadlines come and every task runs.
func (r *crashRun) pass(ms int64) {
	r.now.Wall += ms
	r.now.Mono = r.now.Mono.AddMillis(ms)
	r.b.Step(r.now, Input{Kind: Deadline}, &r.out)
	r.collect()
	for len(r.tasks) > 0 {
		r.runTask()
	}
}

func (r *crashRun) open() {
	b, err := openCrashed(r.t, r.class, r.fs, r.now, io.Discard, &r.out)
	if err != nil {
		r.t.Fatal(err)
	}
	r.b = b
	r.collect()
	r.conn = NewConn(b.Listener("PLAINTEXT"), "client")
}

// workload is the run: topics, plain and idempotent producers, rolls, retention, DeleteRecords, a change of
// configuration, a topic that is deleted and made again, checkpoints, a clean restart and an unclean one.
func (r *crashRun) workload() {
	r.now = base.Instant{Mono: 1, Wall: 1_700_000_000_000}
	r.faults.SetHook(r.hook)
	r.open()
	r.create("one", map[string]string{"internal.segment.bytes": "1000"})
	r.create("two", map[string]string{"internal.segment.bytes": "700", "retention.bytes": "1500"})
	p := base.TopicPartition{Topic: "one"}
	q := base.TopicPartition{Topic: "two"}
	for i := range int32(6) {
		r.produce(p, 5, 1, i, "plain", 100)
		r.produce(q, -1, 3, -1, "many", 60)
	}
	gone := base.TopicPartition{Topic: "gone"}
	r.create("gone", nil)
	r.produce(gone, -1, 5, -1, "lost", 50)
	r.alter("one", "86400000")
	r.pass(1500)
	r.deleteRecords(p, 4)
	for i := range int32(4) {
		r.produce(p, 5, 2, 6+2*i, "more", 150)
	}
	r.deleteRecords(gone, 4)
	r.replace("gone")
	r.produce(gone, -1, 2, -1, "again", 50)
	r.pass(1500)
	if err := r.b.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
	for i := range int32(2) {
		r.produce(p, 5, 1, 14+i, "after", 100)
		r.produce(q, -1, 2, -1, "after", 100)
	}
	r.remove("gone")
	r.pass(1500)
	if err := r.b.Abandon(); err != nil {
		r.t.Fatal(err)
	}
	r.tasks = nil
	r.open()
	r.produce(p, 5, 1, 16, "last", 100)
	r.pass(1500)
	if err := r.b.Close(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *crashRun) create(name string, configs map[string]string) {
	r.created(name, r.send(createRequest(name, configs), 7))
}

func createRequest(name string, configs map[string]string) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version = 7
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
	for _, key := range slices.Sorted(maps.Keys(configs)) {
		value := configs[key]
		t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: key, Value: &value})
	}
	req.Topics = append(req.Topics, t)
	return req
}

func (r *crashRun) created(name string, res kmsg.Response) {
	if t := res.(*kmsg.CreateTopicsResponse).Topics[0]; t.ErrorCode != 0 {
		r.t.Fatalf("create %s: code %d, %v", name, t.ErrorCode, *t.ErrorMessage)
	}
	r.promised.topics = append(r.promised.topics, name)
}

func (r *crashRun) remove(name string) {
	r.removed(name, r.send(r.removeRequest(name), 5))
	r.promised.deleted = append(r.promised.deleted, name)
}

func (r *crashRun) removeRequest(name string) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TopicNames = 5, []string{name}
	// From here on the topic may be gone, though nobody has been told.
	r.promised.topics = slices.DeleteFunc(slices.Clone(r.promised.topics), func(t string) bool { return t == name })
	r.promised.acked = slices.DeleteFunc(slices.Clone(r.promised.acked), func(a ackedRecord) bool {
		return a.tp.Topic == name
	})
	return req
}

func (r *crashRun) removed(name string, res kmsg.Response) {
	if code := res.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode; code != 0 {
		r.t.Fatalf("delete %s: code %d", name, code)
	}
	delete(r.written, base.TopicPartition{Topic: name}) // none of it may ever be seen again
}

// replace deletes a topic and makes it again, both in one sync of the metadata log.
func (r *crashRun) replace(name string) {
	answers := r.sendAll(r.removeRequest(name), createRequest(name, nil))
	r.removed(name, answers[0])
	r.created(name, answers[1])
}

func (r *crashRun) alter(topic, retention string) {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	set := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	set.Name, set.Value = "retention.ms", &retention
	resource.Configs = append(resource.Configs, set)
	req.Resources = append(req.Resources, resource)
	res := r.send(req, 1).(*kmsg.IncrementalAlterConfigsResponse)
	if code := res.Resources[0].ErrorCode; code != 0 {
		r.t.Fatalf("alter: code %d", code)
	}
	r.promised.configs = map[string]string{topic: retention}
}

func (r *crashRun) deleteRecords(tp base.TopicPartition, before base.Offset) {
	req := kmsg.NewPtrDeleteRecordsRequest()
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = tp.Topic
	t.Partitions = append(t.Partitions, kmsg.DeleteRecordsRequestTopicPartition{
		Partition: tp.Partition, Offset: int64(before),
	})
	req.Topics = append(req.Topics, t)
	// What lies before may be gone from now on.
	r.forget(tp, before)
	if code := r.send(req, 2).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		r.t.Fatalf("delete records: code %d", code)
	}
}

func (r *crashRun) forget(tp base.TopicPartition, before base.Offset) {
	r.promised.acked = slices.DeleteFunc(slices.Clone(r.promised.acked), func(a ackedRecord) bool {
		return a.tp == tp && a.offset < before
	})
}

// produce sends one batch of count records; a producer id of -1 is none.
func (r *crashRun) produce(tp base.TopicPartition, producer base.ProducerID, count, sequence int32, text string,
	size int) {
	var builder batch.Builder
	options := batch.NewOptions()
	if producer >= 0 {
		options.ProducerID, options.ProducerEpoch, options.BaseSequence = producer, 0, sequence
	}
	builder.Reset(options)
	next := base.Offset(len(r.written[tp]))
	for i := range count {
		value := fmt.Sprintf("%s %s %d %s", tp, text, next+base.Offset(i), strings.Repeat("x", size))
		builder.Append(r.now.Wall, nil, []byte(value))
		r.note(tp, next+base.Offset(i), value)
	}
	built, err := builder.Build()
	if err != nil {
		r.t.Fatal(err)
	}
	sent := slices.Clone(built)
	res := r.send(produceRequest(tp, built), 9).(*kmsg.ProduceResponse)
	got := res.Topics[0].Partitions[0]
	if got.ErrorCode != 0 || base.Offset(got.BaseOffset) != next {
		r.fatalf("produce to %s: code %d, offset %d, expected %d", tp, got.ErrorCode, got.BaseOffset, next)
	}
	if producer >= 0 {
		r.promised.last = &sentBatch{sent: sent, base: next}
	}
	for i := range count {
		o := next + base.Offset(i)
		r.promised.acked = append(r.promised.acked, ackedRecord{tp: tp, offset: o, value: r.written[tp][o]})
	}
	r.forget(tp, base.Offset(got.LogStartOffset))
}

func (r *crashRun) note(tp base.TopicPartition, o base.Offset, value string) {
	if r.written[tp] == nil {
		r.written[tp] = make(map[base.Offset]string)
	}
	r.written[tp][o] = value
}

// hook stops the world before a call.
func (r *crashRun) hook(op vfs.Op) vfs.Decision {
	if r.stopped {
		return vfs.Decision{}
	}
	r.stopped = true
	defer func() { r.stopped = false }()
	if !op.Kind.Changes() {
		return vfs.Decision{} // the disk is what it was before the last call
	}
	if r.groups != nil && strings.Contains(op.Name, MetadataPartition.Topic) {
		return vfs.Decision{} // the other workload has those
	}
	r.crash("kill", op, r.disk.CrashClone(vfs.KeepAll), true)
	if op.Kind == vfs.OpWrite && op.Len > 1 {
		r.crash("kill inside a write", op, r.tornWrite(op), true)
	}
	for i, c := range powerChoices(uint64(op.Seq)) {
		if r.sparse > 0 && (uint64(op.Seq)+uint64(i))%r.sparse != 0 {
			continue
		}
		r.crash("power loss, "+c.name, op, r.disk.CrashClone(c.choice), false)
	}
	return vfs.Decision{}
}

// tornWrite is the disk after a kill when half of the write was done.
func (r *crashRun) tornWrite(op vfs.Op) *vfs.Mem {
	clone := r.disk.CrashClone(vfs.KeepAll)
	f, err := clone.Open(op.Name, vfs.Create)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, op.Len/2), op.Off); err != nil {
		r.t.Fatal(err)
	}
	return clone
}

type powerChoice struct {
	name   string
	choice vfs.Choice
}

// powerChoices are the ways in which a disk may have kept a part of what was not synced.
func powerChoices(seed uint64) []powerChoice {
	return []powerChoice{
		{"all lost", vfs.LoseAll},
		{"all kept", vfs.KeepAll},
		{"names kept", vfs.KeepNames},
		{"content kept", vfs.KeepContent},
		{"last write torn to nothing but its length", vfs.TearLast(0, true)},
		{"last write torn after a sector", vfs.TearLast(1, false)},
		{"last write torn after a sector, length kept", vfs.TearLast(1, true)},
		{"oldest change lost", vfs.LoseFirst(1)},
		{"three oldest changes lost", vfs.LoseFirst(3)},
		{"oldest change kept", vfs.KeepFirst(1)},
		{"half, at random", vfs.Random(env.NewSeeded(seed, "half").Uint64, 500)},
		{"most, at random", vfs.Random(env.NewSeeded(seed, "most").Uint64, 900)},
	}
}

// crash opens a broker on what a crash has left and checks what was promised.
func (r *crashRun) crash(how string, op vfs.Op, disk *vfs.Mem, killed bool) {
	if r.failure != nil {
		return
	}
	r.points++
	var log bytes.Buffer
	if err := r.recover(disk, killed, &log); err != nil {
		r.failure = fmt.Errorf("%s before call %d (%v %s): %w\n%s", how, op.Seq, op.Kind, op.Name, err, log.String())
	}
	r.outcomes[strings.SplitN(how, ",", 2)[0]]++
}

// recover opens a broker on a disk, checks it, uses it, closes it and checks the files.
func (r *crashRun) recover(disk *vfs.Mem, killed bool, log io.Writer) error {
	var out Effects
	b, err := openCrashed(r.t, r.class, disk, r.now, log, &out)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if r.groups != nil {
		return r.groups.judge(b, out.Tasks, killed)
	}
	if err := r.survey(b, killed); err != nil {
		return err
	}
	if err := r.resend(b, killed); err != nil {
		return err
	}
	if err := b.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := checkFiles(disk); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	return nil
}

// resend sends the last acknowledged batch of the idempotent producer once more: it must be known. Then it appends one
// of no producer, which must get the log's end.
func (r *crashRun) resend(b *Broker, killed bool) error {
	p := b.topics.partition("one", 0)
	if p == nil || r.promised.last == nil {
		return nil
	}
	end := p.log.End()
	if killed || strings.HasPrefix(r.class, "fsync") {
		again := slices.Clone(r.promised.last.sent)
		got, err := p.log.Append(again, p.mu.leaderEpoch, r.now.Wall)
		if err != nil || !got.Duplicate || got.Base != r.promised.last.base {
			return fmt.Errorf("sent again, offset %d: got %+v, %v", r.promised.last.base, got, err)
		}
	}
	var builder batch.Builder
	builder.Reset(batch.NewOptions())
	builder.Append(r.now.Wall, nil, []byte("after recovery"))
	built, err := builder.Build()
	if err != nil {
		return err
	}
	got, err := p.log.Append(built, p.mu.leaderEpoch, r.now.Wall)
	if err != nil || got.Base != end {
		return fmt.Errorf("append after recovery: got %+v, %v, expected offset %d", got, err, end)
	}
	return nil
}

// survey checks a recovered broker against the promises.
func (r *crashRun) survey(b *Broker, killed bool) error {
	image := b.Image()
	for _, name := range r.promised.topics {
		if image.Topic(name) == nil {
			return fmt.Errorf("topic %s was acknowledged and is gone", name)
		}
	}
	for _, name := range r.promised.deleted {
		if image.Topic(name) != nil {
			return fmt.Errorf("topic %s was deleted and is back", name)
		}
	}
	for topic, retention := range r.promised.configs {
		if got := b.topicConfig(image, topic).RetentionMs; fmt.Sprint(got) != retention {
			return fmt.Errorf("retention.ms of %s: got %d, expected %s", topic, got, retention)
		}
	}
	found := make(map[base.TopicPartition]map[base.Offset]string)
	for _, p := range b.partitions() {
		if err := p.offline(); err != nil {
			return fmt.Errorf("%s is offline: %w", p.tp, err)
		}
		records, err := readAll(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.tp, err)
		}
		for o, value := range records {
			if r.written[p.tp][o] != value {
				return fmt.Errorf("%s at %d: got %q, expected %q", p.tp, o, value, r.written[p.tp][o])
			}
		}
		found[p.tp] = records
	}
	if !killed && strings.HasPrefix(r.class, "page-cache") {
		return nil // this class promises nothing when the power goes
	}
	for _, a := range r.promised.acked {
		if a.tp.Topic == "two" && expired(b, a) {
			continue
		}
		if got, ok := found[a.tp][a.offset]; !ok || got != a.value {
			return fmt.Errorf("%s at %d: %.30q was acknowledged and is lost", a.tp, a.offset, a.value)
		}
	}
	return nil
}

// expired says that retention.bytes may have deleted a record of topic two: it lies before the log's start, and what is
// left is not less than retention keeps (but for a last batch that was not acknowledged).
func expired(b *Broker, a ackedRecord) bool {
	p := b.topics.partition(a.tp.Topic, a.tp.Partition)
	return a.offset < p.log.Start() && p.log.Size() >= 1500-400
}

// readAll reads a partition from its start to its high watermark; offsets must be dense.
func readAll(p *partition) (map[base.Offset]string, error) {
	records := make(map[base.Offset]string)
	start, high := p.log.Start(), p.highWatermark()
	if high != p.log.End() {
		return nil, fmt.Errorf("high watermark %d, log end %d", high, p.log.End())
	}
	for next := start; next < high; {
		found, err := p.log.Read(next, 1<<20, high, true)
		if err != nil {
			return nil, err
		}
		raw := make([]byte, found.Span.Length)
		_, err = found.Span.File.ReadAt(raw, found.Span.Offset)
		found.Span.Release()
		if err != nil && !errors.Is(err, io.EOF) || len(raw) == 0 {
			return nil, fmt.Errorf("read at %d: %d bytes, %w", next, len(raw), err)
		}
		for len(raw) > 0 {
			b, rest, err := batch.Parse(raw)
			if err == nil {
				err = b.CheckCRC()
			}
			if err != nil {
				return nil, fmt.Errorf("batch at %d: %w", next, err)
			}
			it := b.Records(batch.DefaultMaxInflated)
			for it.Next() {
				if rec := it.Record(); rec.Offset >= next {
					if rec.Offset != next {
						return nil, fmt.Errorf("got offset %d, expected %d", rec.Offset, next)
					}
					records[next] = string(rec.Value)
					next++
				}
			}
			raw = rest
		}
	}
	return records, nil
}

// requestFrame encodes a request without its length.
func requestFrame(req kmsg.Request, corr int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("crash")).AppendRequest(nil, req, corr)[4:]
}

func decodeReply(t *testing.T, req kmsg.Request, reply *wire.Reply, corr int32) kmsg.Response {
	t.Helper()
	var raw []byte
	for i := range reply.Parts() {
		p, span := reply.Part(i)
		if span != nil {
			p = make([]byte, span.Length)
			if _, err := span.File.ReadAt(p, span.Offset); err != nil {
				t.Fatal(err)
			}
		}
		raw = append(raw, p...)
	}
	reply.Release()
	if got := int32(binary.BigEndian.Uint32(raw[4:])); got != corr {
		t.Fatalf("got correlation id %d, expected %d", got, corr)
	}
	body := raw[8:]
	if req.IsFlexible() && req.Key() != 18 {
		body = body[1:]
	}
	res := req.ResponseKind()
	res.SetVersion(req.GetVersion())
	if err := res.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	return res
}

func produceRequest(tp base.TopicPartition, b batch.Batch) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = tp.Topic
	t.Partitions = append(t.Partitions, kmsg.ProduceRequestTopicPartition{
		Partition: tp.Partition, Records: b,
	})
	req.Topics = append(req.Topics, t)
	return req
}

// checkFiles audits every partition directory of a disk after a clean stop.
func checkFiles(disk vfs.FS) error {
	err := checkDir(disk, crashDir)
	if again := checkDir(disk, crashDir2); !errors.Is(again, vfs.ErrNotExist) {
		err = errors.Join(err, again)
	}
	return err
}

func checkDir(disk vfs.FS, dir string) error {
	entries, err := disk.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := commitlog.ParsePartitionDir(e.Name); !ok || !e.Dir {
			continue
		}
		a, err := commitlog.AuditDir(disk, path.Join(dir, e.Name), nil)
		if err := errors.Join(append(a.Problems, err)...); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}
