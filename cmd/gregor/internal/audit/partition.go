package audit

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/overlay"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// add notes a problem.
func (p *Partition) add(kind, format string, args ...any) {
	p.Count++
	same := 0
	for _, each := range p.Problems {
		if each.Kind == kind {
			same++
		}
	}
	if same < mostProblems {
		p.Problems = append(p.Problems, Problem{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// note notes something that is as it may be.
func (p *Partition) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// kindOf sorts an error of the packages below.
func kindOf(err error) string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{commitlog.ErrCorruptLog, "corrupt-log"},
		{segment.ErrBadIndex, "bad-index"}, {commitlog.ErrBadSnapshot, "bad-snapshot"},
		{commitlog.ErrBadCheckpoint, "bad-checkpoint"}, {commitlog.ErrNoMetadata, "no-metadata"},
		{batch.ErrCorrupt, "corrupt-batch"}, {batch.ErrShort, "corrupt-batch"}, {segment.ErrCorrupt, "corrupt-batch"},
		{batch.ErrInvalidRecord, "corrupt-batch"},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return "other"
}

// config is how a log is opened whose topic's configuration nobody knows here: with Kafka's defaults.
var config = commitlog.Config{
	SegmentBytes: 1 << 30, SegmentMs: 1<<63 - 1, IndexBytes: 10 << 20, IndexIntervalBytes: 4096, RetentionMs: -1,
	RetentionBytes: -1, FlushMessages: 1<<63 - 1, FlushMs: 1<<63 - 1, ProducerExpirationMs: 86_400_000,
}

// partition checks one partition's directory.
func (a *Auditor) partition(name string) (Partition, error) {
	tp, ok := commitlog.ParsePartitionDir(name)
	if !ok {
		tp.Topic = name // a copy that has another name
	}
	p := Partition{Topic: tp.Topic, Partition: tp.Partition, Dir: name, Problems: []Problem{}}
	fs, dir := a.fs, path.Join(a.root, name)
	if !a.clean {
		over := overlay.New(fs)
		ok, err := a.recover(over, dir, tp, &p)
		if err != nil || !ok {
			return p, errors.Join(err, over.Close())
		}
		defer over.Close()
		fs = over
	}
	var read int64
	found, err := commitlog.AuditDir(fs, dir, func(n int64) {
		if a.o.Progress != nil {
			a.o.Progress(n - read)
		}
		read = n
	})
	if err != nil {
		return p, err
	}
	p.Segments, p.Batches, p.Records, p.SizeBytes = found.Segments, found.Batches, found.Records, found.Bytes
	p.Start, p.End = int64(found.Start), int64(found.End)
	p.take(found.Problems)
	if gaps := p.Records != p.End-p.Start; gaps || a.o.Deep {
		err = a.walk(fs, dir, &p)
	}
	return p, err
}

// take notes what an audit found. Index entries that lead behind a damage in their own segment say nothing new.
func (p *Partition) take(problems []error) {
	damaged, behind := "", 0
	for _, problem := range problems {
		kind, text := kindOf(problem), problem.Error()
		segment, _, _ := strings.Cut(text, ":")
		if kind == "corrupt-batch" {
			damaged = segment
		}
		if kind == "bad-index" && segment == damaged {
			behind++
			continue
		}
		p.add(kind, "%s", text)
	}
	if behind > 0 {
		p.note("%d entries of indexes lead behind the damage", behind)
	}
}

// recover does on an overlay what a start of the broker would do. It reports false if that would refuse the log, or set
// it aside.
func (a *Auditor) recover(fs vfs.FS, dir string, tp base.TopicPartition, p *Partition) (bool, error) {
	id, err := commitlog.ReadMetadata(fs, dir)
	if errors.Is(err, commitlog.ErrNoMetadata) {
		p.note("it was never synced (%v): the next start sets it aside and begins anew", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	recovery, _ := commitlog.LookupOffset(a.recovery, tp)
	start, _ := commitlog.LookupOffset(a.starts, tp)
	log, report, err := commitlog.Open(commitlog.Options{
		FS: fs, Dir: dir, TopicID: id, Config: config, Residents: segment.NewResidents(1), Wall: a.o.Wall,
		RecoveryPoint: recovery, LogStart: start,
	})
	if errors.Is(err, commitlog.ErrCorruptLog) || errors.Is(err, batch.ErrOldMagic) {
		p.add(kindOf(err), "%v", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if report.Cut != nil {
		p.note("the next start cuts off what an unclean stop left: %v", report.Cut)
	}
	if log.End() < recovery {
		p.add("corrupt-log", "the log ends at offset %d, but all below %d was synced", log.End(), recovery)
	}
	return true, log.Close()
}
