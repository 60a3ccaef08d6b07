package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// OffsetFetch (API key 9): versions 1-10. Version 2 may ask for all topics and has an error of the whole response, 7
// asks for stable offsets only (KIP-447), 8 for several groups (KIP-709), 10 names topics by id (KIP-848).

const (
	offsetFetchGroups = 8  // the version from which several groups are asked for
	offsetFetchIDs    = 10 // the version from which topics are named by id
)

func (c *call) offsetFetch(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.OffsetFetchRequest)
	groups := req.Groups
	if req.Version < offsetFetchGroups {
		groups = []kmsg.OffsetFetchRequestGroup{oneGroup(req)}
	}
	reply, image, b := c.pending(), c.b.Image(), c.b
	results := make([]kmsg.OffsetFetchResponseGroup, len(groups))
	g := gather(len(groups), func(out *Effects) { reply.reply(fetchedOffsets(req, results), out) })
	told := 0
	for i := range groups {
		asked := &groups[i]
		missing := c.resolveOffsets(image, asked)
		take := func(found kmsg.OffsetFetchResponseGroup, out *Effects) {
			if found.ErrorCode == noCode {
				found.Topics = append(found.Topics, missing...)
				nameOffsets(image, req.Version, &found)
			}
			g.locked(func() {
				if told += sizeOfOffsets(&found); told > mostDescribed {
					found = kmsg.OffsetFetchResponseGroup{Group: asked.Group, ErrorCode: kerr.InvalidRequest.Code}
				}
				results[i] = found
			})
			g.done(out)
		}
		s, code := b.groups.shardOf(asked.Group)
		if code != noCode {
			take(kmsg.OffsetFetchResponseGroup{Group: asked.Group, ErrorCode: code}, c.out)
			continue
		}
		s.work(b, c.now, c.out, func(now base.Instant, out *Effects) {
			if code := s.unavailable(); code != noCode {
				take(kmsg.OffsetFetchResponseGroup{Group: asked.Group, ErrorCode: code}, out)
				return
			}
			take(s.machine.Fetch(now, *asked, req.RequireStable), out)
		})
	}
	g.done(c.out)
	return nil
}

// sizeOfOffsets returns about how many bytes an answer about a group is: partitions may be named again and again, and
// each may have much text committed with its offset.
func sizeOfOffsets(g *kmsg.OffsetFetchResponseGroup) int {
	n := len(g.Group)
	for _, t := range g.Topics {
		for i := range t.Partitions {
			n += 24
			if text := t.Partitions[i].Metadata; text != nil {
				n += len(*text)
			}
		}
	}
	return n
}

// oneGroup returns the group of a request of the versions that ask for one.
func oneGroup(req *kmsg.OffsetFetchRequest) kmsg.OffsetFetchRequestGroup {
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = req.Group
	if req.Topics == nil && req.Version >= 2 {
		return g // all topics
	}
	g.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	for _, t := range req.Topics {
		g.Topics = append(g.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	return g
}

// resolveOffsets puts names to the topics that are asked for by id. It takes those that there are not out of the
// request and returns what is answered for them.
func (c *call) resolveOffsets(image *meta.Image,
	asked *kmsg.OffsetFetchRequestGroup) []kmsg.OffsetFetchResponseGroupTopic {
	if c.header.Version < offsetFetchIDs {
		return nil
	}
	if asked.Topics == nil {
		return nil
	}
	var missing []kmsg.OffsetFetchResponseGroupTopic
	known := []kmsg.OffsetFetchRequestGroupTopic{}
	for _, t := range asked.Topics {
		if found := image.TopicByID(t.TopicID); found != nil {
			t.Topic = found.Name
			known = append(known, t)
			continue
		}
		told := kmsg.NewOffsetFetchResponseGroupTopic()
		told.TopicID = t.TopicID
		for _, index := range t.Partitions {
			told.Partitions = append(told.Partitions, noOffset(index, unknownTopicID))
		}
		missing = append(missing, told)
	}
	asked.Topics = known
	return missing
}

// noOffset answers for a partition without an offset to tell.
func noOffset(index int32, code int16) kmsg.OffsetFetchResponseGroupTopicPartition {
	p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode = index, -1, -1, new(string), code
	return p
}

// nameOffsets puts ids to the topics of an answer, where the version wants them. Those that are gone are left out.
func nameOffsets(image *meta.Image, version int16, found *kmsg.OffsetFetchResponseGroup) {
	if version < offsetFetchIDs {
		return
	}
	kept := found.Topics[:0]
	for _, t := range found.Topics {
		if t.Topic == "" { // asked for by an id that there is not
			kept = append(kept, t)
		} else if m := image.Topic(t.Topic); m != nil {
			t.TopicID = m.ID
			kept = append(kept, t)
		}
	}
	found.Topics = kept
}

// fetchedOffsets makes the response of a version.
func fetchedOffsets(req *kmsg.OffsetFetchRequest, results []kmsg.OffsetFetchResponseGroup) kmsg.Response {
	res := kmsg.NewPtrOffsetFetchResponse()
	if req.Version >= offsetFetchGroups {
		res.Groups = results
		return res
	}
	found := results[0]
	res.ErrorCode = found.ErrorCode
	if found.ErrorCode != noCode && req.Version < 2 { // which has no place for an error of the whole
		for _, t := range oneGroup(req).Topics {
			told := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
			for _, index := range t.Partitions {
				told.Partitions = append(told.Partitions, noOffset(index, found.ErrorCode))
			}
			found.Topics = append(found.Topics, told)
		}
	}
	for _, t := range found.Topics {
		told := kmsg.NewOffsetFetchResponseTopic()
		told.Topic = t.Topic
		for _, p := range t.Partitions {
			told.Partitions = append(told.Partitions, kmsg.OffsetFetchResponseTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata,
				ErrorCode: p.ErrorCode,
			})
		}
		res.Topics = append(res.Topics, told)
	}
	return res
}
