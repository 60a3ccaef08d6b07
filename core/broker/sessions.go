package broker

import (
	"container/list"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// Fetch sessions (KIP-227): a client that polls the same partitions again and again names them once; later requests say
// what changed, and responses leave out partitions with nothing new.
//
//	session id, epoch   the request
//	0, -1               has no session and wants none
//	0, 0                wants a new session
//	n, 0                ends session n and wants a new one
//	n, e                is number e of session n: partitions named are added or changed, forgotten ones removed
//	n, -1               ends session n and wants none

const (
	finalSessionEpoch   = -1
	initialSessionEpoch = 0
	// sessionIdle is how long a session must rest before a new one may take its place.
	sessionIdle = 120 * time.Second
)

// sessionKey names a partition in a session: by topic name below Fetch version 13, by topic id from there on.
type sessionKey struct {
	name  string
	id    base.UUID
	index int32
}

func (k sessionKey) sameTopic(other sessionKey) bool {
	return k.name == other.name && k.id == other.id
}

// sessionPartition is what a session remembers of a partition: what the client asked and what it was told last.
type sessionPartition struct {
	item     fetchItem
	high     base.Offset
	logStart base.Offset
}

// fetchSession is one session.
type fetchSession struct {
	id   int32
	byID bool

	mu struct {
		sync.Mutex
		epoch int32
		// order lists the *sessionPartition; those that returned records move to the end, so that none starves.
		order *list.List
		byKey map[sessionKey]*list.Element
	}
}

// sessions is the broker's cache of fetch sessions.
type sessions struct {
	limit int
	mu    struct {
		sync.Mutex
		byID map[int32]*list.Element
		// order lists the *sessionEntry, the one used last at the end.
		order *list.List
	}
}

type sessionEntry struct {
	session *fetchSession
	used    base.Mono
}

func (s *sessions) init(limit int) {
	s.limit = limit
	s.mu.byID = make(map[int32]*list.Element)
	s.mu.order = list.New()
}

// fetchContext is the part that a session plays in one request.
type fetchContext struct {
	session *fetchSession
	// fresh says that the session is to be made when the response is known.
	fresh bool
	byID  bool
}

// begin finds the session that a request belongs to and fills op's items. It returns the code of a request whose
// session is unknown or out of step.
func (s *sessions) begin(b *Broker, now base.Instant, req *wire.FetchRequest, op *fetchOp) int16 {
	op.session.byID = wire.FetchByID(req.Version)
	if req.SessionEpoch == initialSessionEpoch || req.SessionEpoch == finalSessionEpoch {
		if req.SessionID != 0 {
			s.remove(req.SessionID)
		}
		op.session.fresh = req.SessionEpoch == initialSessionEpoch && req.Version >= 7
		for i := range req.Partitions {
			op.items = append(op.items, b.fetchItem(&req.Partitions[i], op.session.byID))
		}
		return noCode
	}
	session := s.touch(req.SessionID, now.Mono)
	if session == nil {
		return kerr.FetchSessionIDNotFound.Code
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	if session.mu.epoch != req.SessionEpoch {
		return kerr.InvalidFetchSessionEpoch.Code
	}
	if session.byID != op.session.byID {
		return kerr.FetchSessionTopicIDError.Code
	}
	session.update(b, req)
	if session.mu.order.Len() == 0 {
		s.remove(session.id)
		return noCode
	}
	session.mu.epoch = nextSessionEpoch(session.mu.epoch)
	op.session.session = session
	for e := session.mu.order.Front(); e != nil; e = e.Next() {
		item := e.Value.(*sessionPartition).item
		b.resolve(&item, session.byID)
		op.items = append(op.items, item)
	}
	return noCode
}

// nextSessionEpoch counts 1, 2, ... and wraps to 1.
func nextSessionEpoch(epoch int32) int32 {
	if epoch == 1<<31-1 {
		return 1
	}
	return epoch + 1
}

// fetchItem takes one partition of a request up. Negative epochs, whichever, stand for none.
func (b *Broker) fetchItem(p *wire.FetchPartition, byID bool) fetchItem {
	item := fetchItem{
		sessionKey:  sessionKey{id: p.TopicID, index: p.Index},
		leaderEpoch: max(p.LeaderEpoch, base.NoEpoch), fetchedEpoch: max(p.FetchedEpoch, base.NoEpoch),
		offset: p.Offset, maxBytes: int64(p.MaxBytes),
	}
	t := b.topics.byNameOrID(p.Topic, p.TopicID)
	if t != nil && !byID {
		item.name = t.name
	} else if !byID {
		item.name = string(p.Topic)
	}
	item.place(t, byID)
	return item
}

// resolve looks up the partition of an item that a session kept.
func (b *Broker) resolve(item *fetchItem, byID bool) {
	item.place(b.topics.find(item.name, item.id), byID)
}

// place finds an item's partition in its topic, or the code of one that does not exist.
func (item *fetchItem) place(t *topic, byID bool) {
	item.partition, item.code = nil, noCode
	if t != nil {
		item.partition = t.partition(item.index)
	}
	switch {
	case item.partition != nil:
	case t == nil && byID:
		item.code = unknownTopicID
	default:
		item.code = unknownTopic
	}
}

// update applies what a request says of its session's partitions. The session's lock is held.
func (s *fetchSession) update(b *Broker, req *wire.FetchRequest) {
	for i := range req.Partitions {
		item := b.fetchItem(&req.Partitions[i], s.byID)
		if e, ok := s.mu.byKey[item.sessionKey]; ok {
			e.Value.(*sessionPartition).item = item
			continue
		}
		s.add(&sessionPartition{item: item, high: base.NoOffset, logStart: base.NoOffset})
	}
	for i := range req.Forgotten {
		key := b.fetchItem(&req.Forgotten[i], s.byID).sessionKey
		if e, ok := s.mu.byKey[key]; ok {
			s.mu.order.Remove(e)
			delete(s.mu.byKey, key)
		}
	}
}

func (s *fetchSession) add(p *sessionPartition) {
	s.mu.byKey[p.item.sessionKey] = s.mu.order.PushBack(p)
}

// touch returns a session and notes its use.
func (s *sessions) touch(id int32, now base.Mono) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.mu.byID[id]
	if !ok {
		return nil
	}
	s.mu.order.MoveToBack(e)
	entry := e.Value.(*sessionEntry)
	entry.used = now
	return entry.session
}

func (s *sessions) remove(id int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.mu.byID[id]; ok {
		s.mu.order.Remove(e)
		delete(s.mu.byID, id)
	}
}

// create makes room for a session and gives it an id. Without room there is none, and the client goes on without.
func (s *sessions) create(b *Broker, now base.Mono, byID bool) *fetchSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.byID) >= s.limit {
		oldest := s.mu.order.Front()
		if oldest == nil || now.Sub(oldest.Value.(*sessionEntry).used) < sessionIdle {
			return nil
		}
		s.mu.order.Remove(oldest)
		delete(s.mu.byID, oldest.Value.(*sessionEntry).session.id)
	}
	id := int32(0)
	for taken := true; taken || id == 0; _, taken = s.mu.byID[id] {
		id = int32(b.rand.Uint64() >> 33)
	}
	session := &fetchSession{id: id, byID: byID}
	session.mu.epoch = nextSessionEpoch(initialSessionEpoch)
	session.mu.order = list.New()
	session.mu.byKey = make(map[sessionKey]*list.Element)
	s.mu.byID[id] = s.mu.order.PushBack(&sessionEntry{session: session, used: now})
	return session
}

// id is the session id of the response.
func (c *fetchContext) id() int32 {
	if c.session == nil {
		return 0
	}
	return c.session.id
}

// commit notes in the session what the response tells and returns the items that it holds, in order.
func (c *fetchContext) commit(b *Broker, now base.Instant, op *fetchOp) []int {
	included := op.included[:0]
	defer func() { op.included = included }()
	if c.session == nil {
		if c.fresh {
			c.session = b.sessions.create(b, now.Mono, c.byID)
		}
		for i := range op.items {
			included = append(included, i)
			if c.session != nil {
				c.session.note(op.items[i], &op.results[i])
			}
		}
		return included
	}
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range op.items {
		e, ok := s.mu.byKey[op.items[i].sessionKey]
		if !ok {
			op.results[i].Records.Release() // forgotten while the request waited
			continue
		}
		if e.Value.(*sessionPartition).news(&op.results[i]) {
			included = append(included, i)
			if op.results[i].Records.Length > 0 {
				s.mu.order.MoveToBack(e)
			}
		}
	}
	return included
}

// note adds a partition to a session that is being made.
func (s *fetchSession) note(item fetchItem, r *wire.FetchResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.mu.byKey[item.sessionKey]; ok {
		return
	}
	p := &sessionPartition{item: item}
	p.news(r)
	s.add(p)
}

// news reports whether a result tells the client anything new, and remembers it as told.
func (p *sessionPartition) news(r *wire.FetchResult) bool {
	told := r.Records.Length > 0 || r.HighWatermark != p.high || r.LogStart != p.logStart || r.HasDiverging ||
		r.ErrorCode != noCode
	p.high, p.logStart = r.HighWatermark, r.LogStart
	if r.ErrorCode != noCode {
		p.high = base.NoOffset // so that the recovery of the partition is news again
	}
	return told
}
