package meta

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// run is one random sequence: a controller ahead of a log, a broker behind it, and the twin of what the controller
// sees.
type run struct {
	t         *testing.T
	draw      stream
	twin      twin
	ids       int
	control   *Controller
	committed *Image
	log       [][]byte
	flight    []Batch
	// kept are older images with what they said when they were new.
	kept    []keptImage
	refused map[*kerr.Error]int
}

var names = []string{"a", "b", "c-1", "a.b", "a_b", "a.b_c", "a_b.c", "", ".", "..", "...", "no no", "x"}

func pick[T any](r *run, list []T) T { return list[r.draw.below(len(list))] }

// command draws a command and what the twin makes of it.
func (r *run) command() (Command, *kerr.Error) {
	r.ids++
	switch r.draw.below(12) {
	case 0, 1, 2:
		c := CreateTopic{Name: pick(r, names), ID: id(r.ids), Partitions: int32(r.draw.below(7) - 1),
			ReplicationFactor: int16(r.draw.below(6) - 1), Seed: r.draw.next(), Defaults: Defaults{2, 1}}
		for i := range r.draw.below(3) {
			c.Configs = append(c.Configs, ConfigEntry{fmt.Sprint("k", i), fmt.Sprint(r.draw.below(3))})
		}
		return c, r.twin.createTopic(c)
	case 3, 4:
		c := DeleteTopic{Name: pick(r, names[:6])}
		return c, r.twin.deleteTopic(c.Name)
	case 5, 6:
		c := CreatePartitions{Name: pick(r, names[:6]), Count: int32(r.draw.below(12)), Seed: r.draw.next()}
		return c, r.twin.createPartitions(c)
	case 7, 8, 9:
		c := AlterConfigs{Resource: ConfigResource{ResourceTopic, pick(r, names[:6])}}
		if r.draw.below(3) == 0 {
			c.Resource = ConfigResource{ResourceBroker, ""}
		}
		c.Set = append(c.Set, ConfigEntry{fmt.Sprint("k", r.draw.below(5)), fmt.Sprint(r.draw.below(3))})
		c.Delete = append(c.Delete, fmt.Sprint("k", 5+r.draw.below(2)))
		if r.draw.below(2) == 0 {
			c.Set[0].Name, c.Delete[0] = c.Delete[0], c.Set[0].Name
		}
		return c, r.twin.alter(c)
	case 10:
		c := register(base.NodeID(1+r.draw.below(4)), r.draw.below(1000))
		if b := r.control.Image().Broker(c.ID); b != nil && r.draw.below(3) == 0 {
			c.IncarnationID = b.IncarnationID
		}
		c.CleanShutdown, c.Fenced, c.SessionAlive = r.draw.below(2) == 0, r.draw.below(3) == 0, r.draw.below(4) == 0
		return c, r.twin.register(c)
	}
	c := AllocateProducerIDs{BrokerID: 1}
	if b := r.control.Image().Broker(1); b != nil {
		c.BrokerEpoch = b.Epoch
		r.twin.producers += ProducerIDBlock
		return c, nil
	}
	return c, kerr.StaleBrokerEpoch
}

type keptImage struct {
	image *Image
	dump  string
}

// step runs one command and checks everything about it.
func (r *run) step(i int) {
	before := r.control.Image()
	cmd, want := r.command()
	batch, err := r.control.Do(cmd)
	if (err == nil) != (want == nil) || err != nil && err.Code != want {
		r.t.Fatalf("step %d: %+v: got %v, expected %v", i, cmd, err, want)
	}
	if err != nil {
		r.refused[err.Code]++
		return
	}
	now := r.control.Image()
	if err := errors.Join(now.CheckInvariants(), before.CheckSuccessor(now), r.twin.compare(now)); err != nil {
		r.t.Fatalf("step %d: %+v: %v", i, cmd, err)
	}
	if i%10 == 0 {
		r.kept = append(r.kept, keptImage{now, dump(now)})
	}
	if len(batch.Records) > 0 {
		r.flight = append(r.flight, batch)
	}
}

// commit moves the oldest batch into the log, as bytes, and applies what the log says to the broker's image.
func (r *run) commit() {
	batch := r.flight[0]
	r.flight = r.flight[1:]
	records := make([]Record, len(batch.Records))
	for i, rec := range batch.Records {
		raw := encode(r.t, rec)
		r.log = append(r.log, raw)
		var err error
		if records[i], err = DecodeRecord(raw); err != nil {
			r.t.Fatal(err)
		}
	}
	next, delta, err := r.committed.Apply(batch.Last, records...)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := checkDelta(r.committed, next, delta); err != nil {
		r.t.Fatal(err)
	}
	r.committed = next
}

// checkDelta compares two images in full, and the differences with what the delta says.
func checkDelta(before, after *Image, d *Delta) error {
	said := map[base.UUID]string{}
	for _, t := range d.Created {
		said[t.ID] = "created"
	}
	for _, t := range d.Deleted {
		said[t.ID] = "deleted"
	}
	for _, c := range d.Changed {
		said[c.After.ID] = fmt.Sprint("changed ", c.Partitions)
	}
	want := map[base.UUID]string{}
	for t := range after.Topics() {
		old := before.TopicByID(t.ID)
		if old == nil {
			want[t.ID] = "created"
			continue
		}
		var parts []int32
		for i, p := range t.Partitions {
			if i >= len(old.Partitions) || fmt.Sprint(*p) != fmt.Sprint(*old.Partitions[i]) {
				parts = append(parts, p.ID)
			}
		}
		if parts != nil {
			want[t.ID] = fmt.Sprint("changed ", parts)
		}
	}
	for t := range before.Topics() {
		if after.TopicByID(t.ID) == nil {
			want[t.ID] = "deleted"
		}
	}
	if !maps.Equal(said, want) {
		return fmt.Errorf("delta says %v, expected %v", said, want)
	}
	return nil
}

// replay applies the log to an empty image in batches of random sizes.
func (r *run) replay() *Image {
	m := NewImage()
	for rest := r.log; len(rest) > 0; {
		n := 1 + r.draw.below(min(len(rest), 200))
		var records []Record
		for _, raw := range rest[:n] {
			rec, err := DecodeRecord(raw)
			if err != nil {
				r.t.Fatal(err)
			}
			records = append(records, rec)
		}
		next, _, err := m.Apply(Position{m.Position().Offset + base.Offset(n), 1}, records...)
		if err != nil {
			r.t.Fatal(err)
		}
		m, rest = next, rest[n:]
	}
	return m
}

// TestRandomCommands runs random commands ahead of a log that follows at random, and compares: the controller's image
// with the twin after each, then the broker's image, the image replayed from the log's bytes, and that of a snapshot
// with the controller's.
func TestRandomCommands(t *testing.T) {
	refused := map[*kerr.Error]int{}
	for seed := range uint64(12) {
		r := &run{
			t: t, draw: stream(seed), control: NewController(NewImage(), 1), committed: NewImage(), twin: newTwin(),
			refused: refused,
		}
		for i := range 400 {
			r.step(i)
			for len(r.flight) > 0 && r.draw.below(3) == 0 {
				r.commit()
			}
		}
		for len(r.flight) > 0 {
			r.commit()
		}
		for i, old := range r.kept {
			if dump(old.image) != old.dump {
				t.Fatalf("seed %d: image %d said\n%s\nand now\n%s", seed, i, old.dump, dump(old.image))
			}
		}
		want := dump(r.control.Image())
		if got := dump(r.committed); got != want {
			t.Fatalf("seed %d: the broker has\n%s\nexpected\n%s", seed, got, want)
		}
		if got := dump(r.replay()); got != want {
			t.Fatalf("seed %d: the log gives\n%s\nexpected\n%s", seed, got, want)
		}
		records := slices.Collect(r.committed.Records())
		snapshot, _, err := NewImage().Apply(r.committed.Position(), records...)
		if err != nil || dump(snapshot) != want {
			t.Fatalf("seed %d: the snapshot gives %v\n%s\nexpected\n%s", seed, err, dump(snapshot), want)
		}
	}
	if len(refused) < 7 {
		t.Errorf("only %d kinds of refusal: %v", len(refused), refused)
	}
}

// TestRandomRecords applies records that were never decided by anyone: whatever they say, the answer is an image that
// keeps its invariants or an error that leaves the old one.
func TestRandomRecords(t *testing.T) {
	fits := 0
	for seed := range uint64(20) {
		draw := stream(seed)
		m := small(t)
		for range 400 {
			rec := randomRecord(&draw)
			before := m.Position()
			next, _, err := m.Apply(at(m, 1), rec)
			if err == nil {
				m = next
				fits++
				err = m.CheckInvariants()
			} else if errors.Is(err, ErrRecordDoesNotFit) && m.Position() == before {
				err = nil
			}
			if err != nil {
				t.Fatalf("seed %d: %+v: %v", seed, rec, err)
			}
		}
	}
	if fits < 1000 {
		t.Errorf("only %d records fitted", fits)
	}
}

// randomRecord draws a record about few topics and brokers, so that some fit.
func randomRecord(draw *stream) Record {
	nodes := func() []base.NodeID {
		if draw.below(2) == 0 {
			return nil
		}
		list := []base.NodeID{}
		for range draw.below(4) {
			list = append(list, base.NodeID(draw.below(6)-1))
		}
		return list
	}
	topic, node := draw.below(4), base.NodeID(draw.below(4)-1)
	switch draw.below(9) {
	case 0:
		return &TopicRecord{names[draw.below(len(names))], id(topic)}
	case 1:
		p := partition(topic, draw.below(6)-1)
		p.Leader, p.LeaderEpoch = node, base.LeaderEpoch(draw.below(5)-1)
		return p
	case 2, 3, 4:
		p := NewPartitionChange(id(topic), int32(draw.below(5)-1))
		p.ISR, p.ELR, p.Adding = nodes(), nodes(), nodes()
		if draw.below(2) == 0 {
			p.Leader = node
		}
		return p
	case 5:
		return &RemoveTopicRecord{id(topic)}
	case 6:
		return broker(node, BrokerEpoch(draw.below(20)), "", draw.below(2) == 0)
	case 7:
		return &BrokerRegistrationChangeRecord{BrokerID: node, BrokerEpoch: BrokerEpoch(draw.below(20)), Fenced: 1}
	}
	return &ConfigRecord{ConfigResource{ResourceType(2 + 2*draw.below(2)), "t"}, "n", text("v")}
}
