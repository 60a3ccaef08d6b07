package history

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/gregor-log/gregor/base"
)

// History is a whole history in memory, compact: fixed-size entries that refer to interned partitions and values.
// Nothing of it may be changed by those who read it.
type History struct {
	// Header is the run's facts.
	Header Header
	// Partitions are the topic partitions in the order in which they first appear.
	Partitions []base.TopicPartition
	// Groups are the groups' names in the order in which they first appear.
	Groups []string
	// Entries are the operations in the order of the file.
	Entries []Entry
	// Runs are the records of all entries; Entry.Runs cuts out those of one.
	Runs []Run
	// Values are ids of values, which a Run cuts.
	Values []uint32
	// Events are the events in the order of time; those of one instant stay in the file's order.
	Events []Event
	// Identities gives the text of a value's id.
	Identities Interner

	partitionIDs map[base.TopicPartition]uint32
	groupIDs     map[string]uint32
}

// Entry is one operation. The fields are those of [Op].
type Entry struct {
	Start, End              int64
	Offset                  int64
	HighWatermark, LogStart int64
	ProducerID              base.ProducerID
	Process                 int32
	Node                    base.NodeID
	Sequence                int32
	// Partition is an index into History.Partitions.
	Partition uint32
	// Group is an index into History.Groups, of a commit or committed.
	Group uint32
	// Line is the operation's line in the file, or its number, counted from 1, if there is no file.
	Line uint32
	// FirstRun and NumRuns cut the entry's records out of History.Runs.
	FirstRun, NumRuns uint32
	ProducerEpoch     base.ProducerEpoch
	Acks              int16
	Kind              Kind
	Outcome           Outcome
	Final             bool
}

// Run is a list of records at consecutive offsets.
type Run struct {
	// Base is the offset of the first record; for an append, the base offset or -1.
	Base int64
	// First and Count cut the records out of History.Values. Count is at least 1.
	First, Count uint32
}

// Last returns the offset of the run's last record.
func (r Run) Last() int64 { return r.Base + int64(r.Count) - 1 }

// New returns an empty history.
func New(header Header) *History {
	return &History{
		Header: header, partitionIDs: make(map[base.TopicPartition]uint32), groupIDs: make(map[string]uint32),
	}
}

// Load reads a whole history. No line may be longer than maxLine bytes; 0 means DefaultMaxLine. Errors name the line.
func Load(r io.Reader, maxLine int) (*History, error) {
	reader, err := NewReader(r, maxLine)
	if err != nil {
		return nil, err
	}
	h := New(reader.Header())
	for {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			h.Sort()
			return h, nil
		}
		if err != nil {
			return nil, err
		}
		if line.Op == nil {
			h.Events = append(h.Events, line.Event)
			continue
		}
		if err := h.add(line.Op, uint32(min(line.Number, math.MaxUint32))); err != nil {
			return nil, fmt.Errorf("line %d: %w", line.Number, err)
		}
	}
}

// AddOp adds one operation. It copies what it needs of op.
func (h *History) AddOp(op *Op) error {
	if err := op.Check(); err != nil {
		return err
	}
	return h.add(op, uint32(len(h.Entries)+1))
}

// AddEvent adds one event.
func (h *History) AddEvent(e Event) error {
	if err := e.check(); err != nil {
		return err
	}
	h.Events = append(h.Events, e)
	h.Sort()
	return nil
}

// Sort puts the events in the order of time.
func (h *History) Sort() {
	slices.SortStableFunc(h.Events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
}

// RunsOf returns the records of an entry.
func (h *History) RunsOf(e *Entry) []Run {
	return h.Runs[e.FirstRun : e.FirstRun+e.NumRuns]
}

// ValuesOf returns the value ids of a run.
func (h *History) ValuesOf(r Run) []uint32 {
	return h.Values[r.First : r.First+r.Count]
}

// add takes over a checked operation.
func (h *History) add(op *Op, line uint32) error {
	count := op.Values.Len()
	const most = math.MaxUint32 - 1
	if len(h.Entries) >= most || len(h.Runs)+count >= most || len(h.Values)+count >= most {
		return fmt.Errorf("%w: %d operations, %d values", ErrTooLarge, len(h.Entries), len(h.Values))
	}
	entry := Entry{
		Start: op.Start, End: op.End, Offset: op.Offset, HighWatermark: op.HighWatermark, LogStart: op.LogStart,
		ProducerID: op.ProducerID, Process: op.Process, Node: op.Node, Sequence: op.Sequence, Line: line,
		ProducerEpoch: op.ProducerEpoch, Acks: op.Acks, Kind: op.Kind, Outcome: op.Outcome, Final: op.Final,
		Partition: h.partition(base.TopicPartition{Topic: op.Topic, Partition: op.Partition}),
		Group:     h.group(op.Group),
		FirstRun:  uint32(len(h.Runs)),
	}
	for i := range count {
		id, err := h.Identities.ID(op.Values.At(i))
		if err != nil {
			return err
		}
		switch {
		case i == 0 && op.Kind != Fetch:
			h.Runs = append(h.Runs, Run{Base: op.Offset, First: uint32(len(h.Values))})
		case op.Kind == Fetch && (i == 0 || op.Offsets[i] != op.Offsets[i-1]+1):
			h.Runs = append(h.Runs, Run{Base: op.Offsets[i], First: uint32(len(h.Values))})
		}
		h.Values = append(h.Values, id)
		h.Runs[len(h.Runs)-1].Count++
	}
	entry.NumRuns = uint32(len(h.Runs)) - entry.FirstRun
	h.Entries = append(h.Entries, entry)
	return nil
}

// group returns the index of a group, 0 for no name.
func (h *History) group(name string) uint32 {
	if name == "" {
		return 0
	}
	if id, ok := h.groupIDs[name]; ok {
		return id
	}
	id := uint32(len(h.Groups))
	h.groupIDs[name] = id
	h.Groups = append(h.Groups, name)
	return id
}

func (h *History) partition(tp base.TopicPartition) uint32 {
	id, ok := h.partitionIDs[tp]
	if !ok {
		id = uint32(len(h.Partitions))
		h.partitionIDs[tp] = id
		h.Partitions = append(h.Partitions, tp)
	}
	return id
}
