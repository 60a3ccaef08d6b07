package broker

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// call is one request being served by one Step.
type call struct {
	b      *Broker
	now    base.Instant
	out    *Effects
	conn   *Conn
	seq    uint64
	header wire.RequestHeader
	body   []byte
	stats  *apiStats // of the request's API, nil for none that is served
}

// api is an API that this broker serves: the versions it advertises and how it serves them.
type api struct {
	key      int16
	min, max int16
	// least is the lowest version that is served, where it is above the lowest that is advertised.
	least int16
	// raw serves a request whose body it reads itself.
	raw func(*call)
	// decoded serves a request that kmsg decoded. A nil response means that one follows later.
	decoded func(*call, kmsg.Request) kmsg.Response
	stats   *apiStats
}

// apiTable holds the APIs that are served and advertised, by key: what is not served is not advertised.
type apiTable [wire.MaxKey + 1]*api

func newAPITable() *apiTable {
	table := new(apiTable)
	for _, a := range servedAPIs() {
		a.least, a.stats = max(a.least, a.min), newAPIStats(a.key)
		table[a.key] = &a
	}
	return table
}

func servedAPIs() []api {
	return []api{
		{key: 0, min: 0, max: 13, least: leastProduce, raw: (*call).produce},
		{key: 1, min: 4, max: 18, raw: (*call).fetch},
		{key: 2, min: 1, max: 11, decoded: (*call).listOffsets},
		{key: 3, min: 0, max: 13, decoded: (*call).metadata},
		{key: 8, min: 2, max: 10, decoded: (*call).offsetCommit},
		{key: 9, min: 1, max: 10, decoded: (*call).offsetFetch},
		{key: 10, min: 0, max: 6, decoded: (*call).findCoordinator},
		{key: 11, min: 0, max: 9, decoded: (*call).joinGroup},
		{key: 12, min: 0, max: 4, decoded: (*call).heartbeat},
		{key: 13, min: 0, max: 5, decoded: (*call).leaveGroup},
		{key: 14, min: 0, max: 5, decoded: (*call).syncGroup},
		{key: 15, min: 0, max: 6, decoded: (*call).describeGroups},
		{key: 16, min: 0, max: 5, decoded: (*call).listGroups},
		{key: 18, min: 0, max: 4, decoded: (*call).apiVersions},
		{key: 19, min: 2, max: 7, decoded: (*call).createTopics},
		{key: 20, min: 1, max: 6, decoded: (*call).deleteTopics},
		{key: 21, min: 0, max: 2, decoded: (*call).deleteRecords},
		{key: 22, min: 0, max: 5, decoded: (*call).initProducerID},
		{key: 23, min: 2, max: 4, decoded: (*call).offsetForLeaderEpoch},
		{key: 32, min: 1, max: 4, decoded: (*call).describeConfigs},
		{key: 33, min: 0, max: 2, decoded: (*call).alterConfigs},
		{key: 34, min: 1, max: 2, decoded: (*call).alterReplicaLogDirs},
		{key: 35, min: 1, max: 5, decoded: (*call).describeLogDirs},
		{key: 37, min: 0, max: 3, decoded: (*call).createPartitions},
		{key: 42, min: 0, max: 2, decoded: (*call).deleteGroups},
		{key: 43, min: 0, max: 2, decoded: (*call).electLeaders},
		{key: 44, min: 0, max: 1, decoded: (*call).incrementalAlterConfigs},
		{key: 45, min: 0, max: 1, decoded: (*call).alterReassignments},
		{key: 46, min: 0, max: 0, decoded: (*call).listReassignments},
		{key: 47, min: 0, max: 0, decoded: (*call).offsetDelete},
		{key: 55, min: 0, max: 2, decoded: (*call).describeQuorum},
		{key: 57, min: 0, max: 2, decoded: (*call).updateFeatures},
		{key: 60, min: 0, max: 2, decoded: (*call).describeCluster},
		{key: 61, min: 0, max: 0, decoded: (*call).describeProducers},
		{key: 74, min: 0, max: 1, decoded: (*call).listConfigResources},
		{key: 75, min: 0, max: 0, decoded: (*call).describeTopicPartitions},
	}
}

// lookup finds the API for a request.
func (t *apiTable) lookup(key, version int16) *api {
	if key < 0 || key > wire.MaxKey {
		return nil
	}
	a := t[key]
	if a == nil || version < a.least || version > a.max {
		return nil
	}
	return a
}

// stats returns the counters of an API, nil for one that is not served.
func (t *apiTable) stats(key int16) *apiStats {
	if key < 0 || key > wire.MaxKey || t[key] == nil {
		return nil
	}
	return t[key].stats
}

// calls are reused: no call outlives serve. What is answered later keeps a pending reply, never its call.
var calls = sync.Pool{New: func() any { return new(call) }}

// serve answers one request frame.
func (b *Broker) serve(now base.Instant, conn *Conn, frame []byte, out *Effects) {
	c := calls.Get().(*call)
	defer func() {
		*c = call{}
		calls.Put(c)
	}()
	*c = call{b: b, now: now, out: out, conn: conn}
	var err error
	if c.header, c.body, err = wire.ParseHeader(frame); err == nil {
		c.stats = b.apis.stats(c.header.Key)
	}
	var ok bool
	if c.seq, ok = conn.begin(c.stats, now.Mono); !ok {
		return // sent behind a request for which the connection is being closed
	}
	c.stats.begin(conn.share, wire.LengthSize+len(frame))
	if err != nil {
		c.reject(err)
		return
	}
	a := b.apis.lookup(c.header.Key, c.header.Version)
	switch {
	case a == nil && c.header.Key == int16(kmsg.ApiVersions):
		c.unknownApiVersions()
	case a == nil:
		// Answering in a version that the client did not ask for would only put it out of step (as in Kafka).
		c.reject(fmt.Errorf("unsupported API key %d version %d", c.header.Key, c.header.Version))
	case a.raw != nil:
		a.raw(c)
	default:
		c.decode(a)
	}
}

// decode has kmsg decode a request, within the bounds of its shape, and serves it.
func (c *call) decode(a *api) {
	body, err := wire.CheckRequest(a.key, c.header.Version, c.body)
	if err != nil {
		c.reject(err)
		return
	}
	req := kmsg.RequestForKey(a.key)
	req.SetVersion(c.header.Version)
	if err := req.ReadFrom(body); err != nil {
		c.reject(fmt.Errorf("%w: %w", wire.ErrMalformed, err))
		return
	}
	if res := a.decoded(c, req); res != nil {
		c.reply(res)
	}
}

// reply sends a response that kmsg encodes.
func (c *call) reply(res kmsg.Response) {
	c.pending().reply(res, c.out)
}

// reject closes a connection that sent what nobody can answer.
func (c *call) reject(cause error) {
	c.b.stats.rejected.Add(1)
	c.b.log.Debug("connection closed", "peer", c.conn.peer, "cause", cause.Error())
	c.hangUp()
}

// hangUp ends the connection in place of a reply: requests before this one still get theirs, those that the client sent
// behind it are not served.
func (c *call) hangUp() {
	c.conn.refuseMore()
	c.conn.complete(c.seq, nil, c.out)
}

// mostReplied is how many bytes a response may have; beyond it the connection is closed instead.
const mostReplied = 1 << 30

// pending is a request whose response comes from a later step.
type pending struct {
	conn   *Conn
	seq    uint64
	header wire.RequestHeader
	stats  *apiStats
}

// pending returns what is needed to answer the request later. It points to nothing of the frame.
func (c *call) pending() pending {
	h := c.header
	h.ClientID = nil
	return pending{conn: c.conn, seq: c.seq, header: h, stats: c.stats}
}

func (p pending) reply(res kmsg.Response, out *Effects) {
	p.stats.failures(res)
	res.SetVersion(p.header.Version)
	r := wire.NewReply(p.header)
	r.Append(res.AppendTo)
	if r.BufferSize() > mostReplied { // what answers are made of is bounded as they are made; this is the last resort
		r.Release()
		p.conn.refuseMore()
		p.conn.complete(p.seq, nil, out)
		return
	}
	r.Finish()
	p.conn.complete(p.seq, r, out)
}
