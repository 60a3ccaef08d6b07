package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// DescribeLogDirs (API key 35): versions 1-5. Null asks for all topics. Version 4 tells how full the volumes are
// (KIP-827). A partition that is being moved is told twice: where it is, and, as its future, where it is copied to.
func (c *call) describeLogDirs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeLogDirsRequest)
	res := kmsg.NewPtrDescribeLogDirsResponse()
	wanted := make(map[base.TopicPartition]bool)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			wanted[base.TopicPartition{Topic: t.Topic, Partition: p}] = true
		}
	}
	for _, d := range c.b.allDirs() {
		dir := kmsg.NewDescribeLogDirsResponseDir()
		dir.Dir, dir.TotalBytes, dir.UsableBytes = d.Path(), -1, -1
		if d.failed() != nil {
			dir.ErrorCode = kafkaStorageError
			res.Dirs = append(res.Dirs, dir)
			continue
		}
		if s, ok := d.FS().(vfs.Spacer); ok {
			if total, usable, err := s.Space(d.Path()); err == nil {
				dir.TotalBytes, dir.UsableBytes = total, usable
			}
		}
		for _, p := range c.b.partitions() {
			if p.log != nil && (req.Topics == nil || wanted[p.tp]) {
				addLogDirPartition(&dir, d, p)
			}
		}
		res.Dirs = append(res.Dirs, dir)
	}
	return res
}

// addLogDirPartition adds a partition to a directory's answer, if it is there; the partitions come by topic.
func addLogDirPartition(dir *kmsg.DescribeLogDirsResponseDir, d *logDir, p *partition) {
	found := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
	found.Partition = p.tp.Partition
	move := p.moving()
	switch {
	case p.place.Load() == d:
		found.Size = p.log.Size()
	case move != nil && move.to == d:
		var reached base.Offset
		found.Size, reached = move.copied()
		found.IsFuture, found.OffsetLag = true, int64(max(p.log.End()-reached, 0))
	default:
		return
	}
	if n := len(dir.Topics); n == 0 || dir.Topics[n-1].Topic != p.tp.Topic {
		t := kmsg.NewDescribeLogDirsResponseDirTopic()
		t.Topic = p.tp.Topic
		dir.Topics = append(dir.Topics, t)
	}
	t := &dir.Topics[len(dir.Topics)-1]
	t.Partitions = append(t.Partitions, found)
}

// AlterReplicaLogDirs (API key 34): versions 1-2 (KIP-113). It begins to move partitions between log directories of
// this broker; DescribeLogDirs tells how far they are. Of a partition that does not exist yet the directory is
// remembered. Where a partition is named twice, the last counts and is answered (as in Kafka).
func (c *call) alterReplicaLogDirs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.AlterReplicaLogDirsRequest)
	res := kmsg.NewPtrAlterReplicaLogDirsResponse()
	res.Topics = []kmsg.AlterReplicaLogDirsResponseTopic{}
	wanted := make(map[base.TopicPartition]string)
	var order []base.TopicPartition
	for _, d := range req.Dirs {
		for _, t := range d.Topics {
			for _, index := range t.Partitions {
				tp := base.TopicPartition{Topic: t.Topic, Partition: index}
				if _, ok := wanted[tp]; !ok {
					order = append(order, tp)
				}
				wanted[tp] = d.Dir
			}
		}
	}
	at := make(map[string]int) // of topics in the response
	for _, tp := range order {
		i, ok := at[tp.Topic]
		if !ok {
			i = len(res.Topics)
			at[tp.Topic] = i
			t := kmsg.NewAlterReplicaLogDirsResponseTopic()
			t.Topic = tp.Topic
			res.Topics = append(res.Topics, t)
		}
		p := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
		p.Partition, p.ErrorCode = tp.Partition, c.b.alterDir(c.now, tp, wanted[tp], c.out)
		res.Topics[i].Partitions = append(res.Topics[i].Partitions, p)
	}
	return res
}

// alterDir wants one partition in a directory.
func (b *Broker) alterDir(now base.Instant, tp base.TopicPartition, name string, out *Effects) int16 {
	if _, ok := commitlog.FutureName(tp, base.UUID{}); !ok {
		return kerr.InvalidTopicException.Code
	}
	var to *logDir
	for _, d := range b.allDirs() {
		if d.Path() == name {
			to = d
		}
	}
	if to == nil {
		return kerr.LogDirNotFound.Code
	}
	if to.failed() != nil {
		return kafkaStorageError
	}
	p := b.topics.partition(tp.Topic, tp.Partition)
	if p == nil {
		b.moves.remember(tp, to)
		return unknownTopic
	}
	if p.offline() != nil {
		return kafkaStorageError
	}
	p.moveTo(b, now, to, out)
	return noCode
}
