// Package checker judges a history: did the broker keep what it acknowledged, in the order in which it acknowledged it,
// and did every reader see one and the same log?
//
// There are two opinions. The first is a sweep over offsets and over time, O(n log n) in the operations and records,
// which decides whole logs: an acknowledged offset is a witness of the order, so nothing has to be searched. The
// second is Porcupine with the model of package model, on bounded windows. Where both look at the same operations they
// must agree; if they do not, one of them is wrong, and the harness has failed (verdict "harness-failed").
//
// # What is judged
//
// The log of one partition is a list of records that only grows at its end. An append that was acknowledged is in it at
// the offset told; one that failed definitely is not and never will be; one of unknown outcome is or is not, and may
// appear at any time after it was called. Reads are of committed records, so what one reader saw, no other may see
// otherwise later. Fetches may lag behind (a Kafka fetch is not linearizable: a new leader's high watermark may), which
// is counted and not judged; with one replica a session's fetches never go back, and the end of the log that
// ListOffsets tells is exact. An operation takes place at some instant of its closed interval [start, end]; that of an
// append of unknown outcome has no end, except that it is over once a read has shown its records.
//
// # Loss that is allowed
//
// A durability class ([Contract]) says which faults may lose what was acknowledged: page-cache survives the kill of a
// process and not the loss of power, fsync survives both. A fault that the class does not survive is a cut: it divides
// the log's life into incarnations. At a cut a log keeps some prefix, whole batches of it, and goes on from there, so
// that offsets above are used again by other records. The length of the prefix is not known; the sweep learns about it
// from the records themselves: a record written before a cut and read after it proves that all below it survived.
//
//   - Below the prefix nothing may change: a record there has its value in both incarnations, and no new append gets an
//     offset there. A hole in what survived, or a change below a survivor, is a violation.
//   - Above it anything acknowledged before the cut may be gone, and is counted, not judged.
//   - An operation that was under way at a cut belongs to the incarnation before or after; it is judged only by what
//     holds in either case, and proves nothing about others.
//   - What was acknowledged after the last cut must be there at the end.
//
// With a class that survives every fault of the history there is no cut and the whole of it is judged as one.
//
// # Findings
//
// Names are those of Jepsen's Kafka tests and of the literature where they exist. X and Y are operations on one
// partition in one incarnation; "before" means that one's interval ended before the other's began.
//
//	lost-ack               an acknowledged record is missing from final reads that began after its acknowledgement:
//	                       they end below it, pass over it, or begin above it although nothing trims the log
//	lost-write             the final reads end below an offset that an earlier read had shown (Jepsen: lost-write)
//	inconsistent-offsets   two values at one offset: two reads, a read and an acknowledgement, or two acknowledgements
//	                       (Jepsen); across a cut only below the prefix that survived
//	aborted-read           a read shows a record whose append had definitely failed (Adya's G1a)
//	garbage-read           a read shows a record that nothing appended to this partition, or before it was appended
//	read-beyond-committed  a fetch shows a record at or above the high watermark of the same answer
//	reordered-acks         an append got a smaller offset than an operation before it had shown to be taken
//	nonmonotonic-send      two appends of one idempotent producer lie in another order than their sequence numbers
//	                       (Jepsen)
//	duplicate              a record lies at two offsets (Jepsen), unless its producer is not idempotent and resends
//	torn-append            the records of one append are not next to each other, or a log ends amid them
//	offset-gap             a fetch passes over an offset, or acknowledged offsets leave a hole that the appends of
//	                       unknown outcome cannot fill (not in topics with compaction or control records)
//	nonmonotonic-read      one process fetches and is told a high watermark below what it had seen (one replica)
//	stale-end              ListOffsets tells an end below what an operation before it had shown (one replica)
//	not-linearizable       Porcupine alone finds no order: the unknown appends do not fill a hole exactly, or nothing
//	                       explains what was told of a group's offset
//
// What a group has committed of one partition is a register. Here Porcupine is the first opinion, since no answer to a
// commit tells its place, and a sweep finds names for most of what it can find:
//
//	lost-commit            no offset is told, although a commit was acknowledged before, and nothing deleted it
//	stale-offset           an offset is told that had been overwritten before the question was asked
//	garbage-offset         an offset is told that nobody committed, or not yet: above all a plausible 0
//	altered-offset         another offset is told than its commit had
//	aborted-offset         an offset is told whose commit had definitely failed
//
// Final reads are the fetches and ends marked final; if a partition has none, the fetches that began after every append
// had ended and after the last kill or power loss.
//
// # Verdict
//
// "violation" if anything was found. Otherwise "inconclusive", never "ok", if nothing was acknowledged, if acknowledged
// records were not read at the end (a loss could not show), or if Porcupine left a window undecided.
package checker

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// ErrReused reports a value that two operations append: the workload is broken, nothing can be said of the broker.
var ErrReused = errors.New("checker: value appended twice")

// Options of a check. The zero value takes the contract from the history's class and every limit's default.
type Options struct {
	// Contract says which faults may lose what; nil means that of the header's class.
	Contract *Contract
	// Window bounds Porcupine's windows.
	Window model.Limits
	// Budget bounds the time for all windows together, by default 2 minutes; windows beyond it are undecided.
	Budget time.Duration
	// MaxFindings bounds the findings of one name that are kept, by default 20; all are counted.
	MaxFindings int
	// MaxLine bounds a line of the file, by default history.DefaultMaxLine.
	MaxLine int
	// Progress is told how many of the history's operations have been judged; nil means nobody listens.
	Progress func(done, total int)
}

// Verify reads a history and judges it. An error means that there is no judgement: the file is not a history, its class
// is not known, or it appends a value twice.
func Verify(r io.Reader, options Options) (*Report, error) {
	h, err := history.Load(r, options.MaxLine)
	if err != nil {
		return nil, err
	}
	return Check(h, options)
}

// Check judges a history in memory, which it does not change.
func Check(h *history.History, options Options) (*Report, error) {
	j, err := newJudge(h, options)
	if err != nil {
		return nil, err
	}
	if err := j.indexValues(); err != nil {
		return nil, err
	}
	done := 0
	for _, p := range j.partitions() {
		p.sweep((*view).secondOpinion)
		done += len(p.ops)
		if options.Progress != nil {
			options.Progress(done, len(h.Entries))
		}
	}
	for _, s := range j.shelves() {
		if err := s.sweep(); err != nil {
			return nil, err
		}
	}
	j.conclude()
	return j.report, nil
}

// judge is the state of one check.
type judge struct {
	h        *history.History
	options  Options
	contract Contract
	// cuts are the times of the faults that may lose data, ascending. Incarnation i lies between cuts i-1 and i.
	cuts []int64
	// quiet is the time of the last kill or power loss, -1 if there was none.
	quiet int64
	// writers and index say for each value which entry appends it, plus 1, and as the how-manieth record.
	writers, index []uint32
	// seen are the values that final reads show.
	seen bitset
	// places say for each entry where and when it took effect, as far as is known.
	places []place
	// kept says for each cut how much of the current partition is proven to have survived it: all offsets below. shared
	// counts for each incarnation the findings that Porcupine must see too.
	kept     []int64
	shared   []int
	deadline time.Time
	report   *Report
}

// place is what is known of an entry beyond what it says itself.
type place struct {
	// base is the offset of an append's first record, -1 if not known.
	base int64
	// ret is when it was over at the latest, model.Never if that is not known.
	ret int64
	// lo and hi are the first and the last incarnation in which it may have taken effect.
	lo, hi int32
	// shown is the first incarnation in which a read shows it at base, -1 if none does.
	shown int32
}

// certain reports whether the incarnation of the entry is known.
func (p *place) certain() bool { return p.lo == p.hi }

func newJudge(h *history.History, options Options) (*judge, error) {
	contract, err := options.contract(&h.Header)
	if err != nil {
		return nil, err
	}
	if options.MaxFindings <= 0 {
		options.MaxFindings = 20
	}
	if options.Budget <= 0 {
		options.Budget = 2 * time.Minute
	}
	j := &judge{
		h: h, options: options, contract: contract, deadline: time.Now().Add(options.Budget),
		writers: make([]uint32, h.Identities.Len()), index: make([]uint32, h.Identities.Len()),
		seen: newBitset(h.Identities.Len()), places: make([]place, len(h.Entries)), report: newReport(h, contract),
	}
	j.cuts, j.quiet = contract.cuts(h.Events)
	j.kept, j.shared = make([]int64, len(j.cuts)), make([]int, len(j.cuts)+1)
	j.report.Counts.Cuts = len(j.cuts)
	return j, nil
}

// last returns the last incarnation.
func (j *judge) last() int32 { return int32(len(j.cuts)) }

// committing reports whether the entry is an append whose acknowledgement promises that it stays, at a known offset.
func (j *judge) committing(e *history.Entry) bool {
	return j.acked(e) && e.Offset >= 0
}

// acked reports whether the entry is an append whose acknowledgement promises that it stays.
func (j *judge) acked(e *history.Entry) bool {
	return e.Kind == history.Append && e.Outcome == history.OK && e.Acks != 0 && (e.Acks == -1 || !j.contract.AcksAll)
}

// indexValues finds each value's append, and each entry's incarnations.
func (j *judge) indexValues() error {
	for i := range j.h.Entries {
		e := &j.h.Entries[i]
		j.places[i] = j.placeOf(e)
		j.report.Counts.add(j, e)
		if e.Kind != history.Append {
			continue
		}
		for n, value := range j.h.ValuesOf(j.h.RunsOf(e)[0]) {
			if other := j.writers[value]; other != 0 {
				return fmt.Errorf("%w: %q in lines %d and %d", ErrReused, j.h.Identities.Text(value),
					j.h.Entries[other-1].Line, e.Line)
			}
			j.writers[value], j.index[value] = uint32(i)+1, uint32(n)
		}
	}
	return nil
}

// placeOf says what an entry alone tells.
func (j *judge) placeOf(e *history.Entry) place {
	p := place{base: -1, ret: e.End, lo: incarnation(j.cuts, e.Start, false), shown: -1}
	p.hi = incarnation(j.cuts, e.End, true)
	if e.Kind == history.Commit && e.Outcome == history.Unknown {
		p.ret, p.hi = model.Never, j.last()
	}
	if e.Kind == history.Append && e.Outcome != history.Fail && !j.acked(e) {
		p.ret, p.hi = model.Never, j.last()
	}
	if j.committing(e) {
		p.base = e.Offset
	}
	return p
}

// incarnation returns the number of cuts before a time, or up to and with it.
func incarnation(cuts []int64, at int64, with bool) int32 {
	return int32(sort.Search(len(cuts), func(i int) bool { return cuts[i] > at || (cuts[i] == at && !with) }))
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (b bitset) add(n uint32)      { b[n/64] |= 1 << (n % 64) }
func (b bitset) has(n uint32) bool { return b[n/64]&(1<<(n%64)) != 0 }
