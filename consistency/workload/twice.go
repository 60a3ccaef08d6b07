package workload

import (
	"fmt"
	"runtime"
)

// NotRepeatable is the violation of a run that differs from the one before it.
const NotRepeatable = "not-repeatable"

// RunTwice makes the run of a plan twice, with GOMAXPROCS 1 and then 2, and holds the second against the first: a seed
// and a build give the same trace, always. fresh returns the plan anew, since a run may change it. Where they differ,
// the result is a violation that names the first simulated second whose hash differs. Only the first run writes a
// history and tells what happens. GOMAXPROCS is set back at the end; nothing else may depend on it meanwhile.
func RunTwice(fresh func() (*Plan, error), o Options) (*Result, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	first, err := traced(fresh, o)
	if err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(2)
	again := o
	again.Log, again.History = nil, nil
	if o.History != nil {
		again.History = discard{}
	}
	second, err := traced(fresh, again)
	if err != nil {
		return nil, err
	}
	res := first.result
	at, detail := first.differs(second)
	if detail != "" && res.Violation == nil {
		res.Verdict, res.Why = Violated, ""
		res.Violation = &Violation{Name: NotRepeatable, AtUs: at * 1_000_000, Detail: detail}
	}
	res.Repro += " --twice"
	return res, nil
}

// discard is a history that nobody reads: a run with a history goes on after a violation, and so must the second.
type discard struct{}

// Write forgets p.
func (discard) Write(p []byte) (int, error) { return len(p), nil }

// trace is the hashes of a run at the end of each simulated second.
type trace struct {
	seconds []mark
	result  *Result
}

// mark is the hash and the number of events up to the end of a simulated second.
type mark struct {
	second int64
	hash   string
	events uint64
}

func traced(fresh func() (*Plan, error), o Options) (*trace, error) {
	plan, err := fresh()
	if err != nil {
		return nil, err
	}
	t := &trace{}
	told := o.EachSecond
	o.EachSecond = func(second int64, hash string, events uint64) {
		t.seconds = append(t.seconds, mark{second, hash, events})
		if told != nil {
			told(second, hash, events)
		}
	}
	t.result, err = Run(plan, o)
	return t, err
}

// differs returns the first simulated second at whose end two runs are not the same, and says so; "" if they are.
func (t *trace) differs(other *trace) (second int64, detail string) {
	for i, a := range t.seconds {
		if i == len(other.seconds) {
			return a.second, fmt.Sprintf("second %d: the second run had ended", a.second)
		}
		if b := other.seconds[i]; a != b {
			return a.second, fmt.Sprintf("second %d: got hash %s after %d events with GOMAXPROCS 2, expected %s after "+
				"%d as with GOMAXPROCS 1", a.second, b.hash, b.events, a.hash, a.events)
		}
	}
	if t.result.TraceSHA256 == other.result.TraceSHA256 {
		return 0, ""
	}
	last := int64(len(t.seconds))
	return last, fmt.Sprintf("after second %d: got hash %s with GOMAXPROCS 2, expected %s as with GOMAXPROCS 1", last,
		other.result.TraceSHA256, t.result.TraceSHA256)
}
