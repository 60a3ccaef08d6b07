package commitlog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

const kafkaData = "../segment/testdata/kafka/"

// golden is a partition directory that Kafka wrote, with what was appended to it and what Kafka answered; see
// core/segment/testdata/README.md.
type golden struct {
	name  string
	cfg   Config
	stamp bool // LogAppendTime
	steps []goldenStep
	times []string
	files map[string][]byte
}

type goldenStep struct {
	set    set
	epoch  base.LeaderEpoch
	now    int64
	code   int
	offset base.Offset
}

func numbers(t *testing.T, fields []string) []int64 {
	t.Helper()
	var all []int64
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		must(t, err)
		all = append(all, n)
	}
	return all
}

func goldens(t *testing.T) []*golden {
	t.Helper()
	paths, err := filepath.Glob(kafkaData + "*.txt")
	must(t, err)
	var all []*golden
	for _, name := range paths {
		content, err := os.ReadFile(name)
		must(t, err)
		g := &golden{name: filepath.Base(name), cfg: testConfig(), files: make(map[string][]byte)}
		g.cfg.SegmentBytes, g.cfg.SegmentMs = 1<<30, 7*24*3600*1000
		for line := range strings.Lines(string(content)) {
			g.line(t, strings.TrimSpace(line))
		}
		if len(g.files) > 0 {
			all = append(all, g)
		}
	}
	return all
}

func (g *golden) line(t *testing.T, line string) {
	t.Helper()
	what, rest, _ := strings.Cut(line, " ")
	switch what {
	case "property":
		g.property(t, rest)
	case "step":
		asked, answer, _ := strings.Cut(rest, " | ")
		fields := strings.Fields(asked)
		n := numbers(t, append(fields[:6:6], strings.Fields(answer)...))
		g.steps = append(g.steps, goldenStep{
			set: set{
				pid: base.ProducerID(max(n[2], 0)), epoch: base.ProducerEpoch(n[3]), seq: int32(n[4]), size: int(n[5]),
				times: numbers(t, strings.Split(fields[6], ",")),
			},
			epoch: base.LeaderEpoch(n[0]), now: n[1], code: int(n[6]), offset: base.Offset(n[7]),
		})
	case "time":
		g.times = append(g.times, rest)
	case "file":
		name, value, _ := strings.Cut(rest, " ")
		content, err := hex.DecodeString(value)
		must(t, err)
		g.files[name] = content
	}
}

func (g *golden) property(t *testing.T, line string) {
	t.Helper()
	name, value, _ := strings.Cut(line, "=")
	if name == "message.timestamp.type" {
		g.stamp = value == "LogAppendTime"
		return
	}
	n := numbers(t, []string{value})[0]
	switch name {
	case "internal.segment.bytes":
		g.cfg.SegmentBytes = int32(n)
	case "segment.ms":
		g.cfg.SegmentMs = n
	case "segment.index.bytes":
		g.cfg.IndexBytes = int32(n)
	case "index.interval.bytes":
		g.cfg.IndexIntervalBytes = int32(n)
	default:
		t.Fatalf("unknown property %s", name)
	}
}

var kafkaTopic = func() base.UUID {
	id, err := base.ParseUUID("Z3JlZ29yR29sZGVuTG9ncw")
	if err != nil {
		panic(err)
	}
	return id
}()

func (g *golden) options(fs vfs.FS) Options {
	o := testOptions(fs)
	o.Config, o.TopicID = g.cfg, kafkaTopic
	return o
}

// codeOf is the code that a log's errors stand for.
func codeOf(err error) int {
	switch {
	case errors.Is(err, ErrOutOfOrderSequence):
		return 45
	case errors.Is(err, ErrStaleProducerEpoch):
		return 47
	case err != nil:
		return -1
	}
	return 0
}

// The same batches at the same times make the same files, byte for byte: segments roll at the same places, indexes,
// producer snapshots and leader epochs are equal; and each batch is taken or refused as Kafka did.
func TestSameFilesAsKafka(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			fs := newFS(t)
			l := open(t, g.options(fs))
			for i, s := range g.steps {
				b := s.set.build(t)
				v, err := batch.Validate(b, batch.Rules{
					LogAppendTime: g.stamp, Now: s.now, AfterMaxMs: never, BeforeMaxMs: never,
				})
				must(t, err)
				got, err := l.Append(v.Batch, s.epoch, s.now)
				if err == nil && got.Base != s.offset || codeOf(err) != s.code {
					t.Fatalf("step %d, %+v: got %+v, %v, Kafka answered %d and offset %d", i, s.set, got, err,
						s.code, s.offset)
				}
			}
			g.askTimes(t, l)
			must(t, l.Close())
			g.compare(t, fs)
		})
	}
}

// compare holds a directory against Kafka's. An empty log has no producer snapshot in Kafka.
func (g *golden) compare(t *testing.T, fs vfs.FS) {
	t.Helper()
	got := tree(t, fs, logDir)
	for _, name := range slices.Sorted(maps.Keys(g.files)) {
		full := path.Join(logDir, name)
		content, ok := got[full]
		delete(got, full)
		if !ok || content != string(g.files[name]) {
			t.Errorf("%s: got %v, %x, Kafka wrote %x", name, ok, content, g.files[name])
		}
	}
	for name, content := range got {
		t.Errorf("%s: %x, Kafka has no such file", name, content)
	}
}

// Kafka's directories are taken up as they are, and recovered from their logs alone, with the same indexes, leader
// epochs and producer state.
func TestKafkasDirectories(t *testing.T) {
	for _, g := range goldens(t) {
		for _, how := range []string{"clean", "unclean", "unclean without indexes", "unclean without epochs"} {
			t.Run(g.name+" "+how, func(t *testing.T) {
				fs := newFS(t)
				end := base.Offset(0)
				for name, content := range g.files {
					b, suffix, _ := segment.ParseName(name)
					if suffix == segment.SnapshotSuffix {
						end = max(end, b)
					}
					if how == "unclean without indexes" && strings.HasSuffix(name, "index") ||
						how == "unclean without epochs" && name == EpochsFile {
						continue
					}
					write(t, fs, path.Join(logDir, name), content)
				}
				o := g.options(fs)
				o.Clean, o.RecoveryPoint = how == "clean", end
				if !o.Clean {
					o.RecoveryPoint = 0
				}
				l, report, err := Open(o)
				if err != nil || report.End != end || report.Start != 0 || report.Cut != nil {
					t.Fatalf("got %+v, %v, expected the end %d", report, err, end)
				}
				g.askTimes(t, l)
				must(t, l.Close())
				if g.name != "empty.txt" {
					g.compareRecovered(t, fs, end)
				}
				audit(t, fs)
			})
		}
	}
}

// compareRecovered holds a directory that was closed again against Kafka's. Snapshots are those at the end and at the
// beginnings of segments.
func (g *golden) compareRecovered(t *testing.T, fs vfs.FS, end base.Offset) {
	t.Helper()
	got := tree(t, fs, logDir)
	for name, want := range g.files {
		content, ok := got[path.Join(logDir, name)]
		b, suffix, _ := segment.ParseName(name)
		if !ok && suffix == segment.SnapshotSuffix && b < end {
			continue
		}
		if !ok || content != string(want) {
			t.Errorf("%s: got %v, %x, Kafka wrote %x", name, ok, content, want)
		}
	}
}

// askTimes asks for the offsets of timestamps as Kafka was asked.
func (g *golden) askTimes(t *testing.T, l *Log) {
	t.Helper()
	for _, line := range g.times {
		asked, want, _ := strings.Cut(line, " | ")
		target := numbers(t, []string{asked})[0]
		var found segment.TimestampOffset
		var ok bool
		var err error
		if target == -3 {
			found, ok, err = l.LargestTimestamp()
		} else {
			found, ok, err = l.OffsetForTime(target, l.End())
		}
		got := "none"
		if ok {
			got = fmt.Sprintf("%d %d %d", found.Timestamp, found.Offset, found.Epoch)
		}
		if err != nil || got != want {
			t.Errorf("timestamp %d: got %s, %v, Kafka found %s", target, got, err, want)
		}
	}
}
