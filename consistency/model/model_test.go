package model

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// apnd, end and open make operations; the interval is [call, ret].
func apnd(offset int64, count uint32, call, ret int64) Op {
	return Op{Kind: Append, Offset: offset, Count: count, Call: call, Return: ret}
}

func end(offset, call, ret int64) Op {
	return Op{Kind: End, Offset: offset, Call: call, Return: ret}
}

func open(count uint32, call int64) Op {
	return Op{Kind: Open, Count: count, Call: call, Return: Never}
}

func maybe(offset int64, count uint32, call int64) Op {
	return Op{Kind: Maybe, Offset: offset, Count: count, Call: call, Return: Never}
}

// judge cuts a log into windows of the given size and gives the opinion of all of them together.
func judge(log Log, limits Limits) Result {
	log.Ops = slices.Clone(log.Ops)
	windows := Cut(&log, limits)
	result := Legal
	for i := range windows {
		if r := windows[i].Check(0); r > result || r == Illegal {
			result = r
		}
		if result == Illegal {
			return Illegal
		}
	}
	if len(Inversions(windows)) > 0 {
		return Illegal
	}
	return result
}

func TestSpecification(t *testing.T) {
	for name, row := range map[string]struct {
		ops  []Op
		want Result
	}{
		"nothing":                  {nil, Legal},
		"one after the other":      {[]Op{apnd(0, 2, 1, 2), apnd(2, 3, 3, 4), end(5, 5, 6)}, Legal},
		"concurrent, swapped":      {[]Op{apnd(3, 3, 1, 9), apnd(0, 3, 2, 8)}, Legal},
		"touching intervals":       {[]Op{apnd(3, 3, 1, 5), apnd(0, 3, 5, 8)}, Legal},
		"reordered":                {[]Op{apnd(3, 3, 1, 5), apnd(0, 3, 6, 8)}, Illegal},
		"first not at the start":   {[]Op{apnd(1, 1, 1, 2)}, Illegal},
		"hole":                     {[]Op{apnd(0, 2, 1, 2), apnd(3, 3, 3, 4)}, Illegal},
		"hole filled by unknown":   {[]Op{apnd(0, 2, 1, 2), open(1, 1), apnd(3, 3, 3, 4)}, Legal},
		"hole filled by two":       {[]Op{apnd(0, 2, 1, 2), open(1, 1), open(2, 1), apnd(5, 3, 3, 4)}, Legal},
		"unknown of another size":  {[]Op{apnd(0, 2, 1, 2), open(2, 1), apnd(3, 3, 3, 4)}, Illegal},
		"unknown came too late":    {[]Op{apnd(0, 2, 1, 2), open(1, 5), apnd(3, 3, 3, 4)}, Illegal},
		"unknown used twice":       {[]Op{open(1, 1), apnd(1, 1, 3, 4), apnd(3, 1, 3, 4)}, Illegal},
		"unknown never applied":    {[]Op{open(1, 1), apnd(0, 1, 3, 4), end(1, 5, 6)}, Legal},
		"unknown at the end":       {[]Op{open(4, 1), apnd(0, 1, 3, 4), end(5, 5, 6)}, Legal},
		"overlap":                  {[]Op{apnd(0, 2, 1, 2), apnd(1, 2, 1, 2)}, Illegal},
		"same offset":              {[]Op{apnd(0, 1, 1, 2), apnd(0, 1, 1, 2)}, Illegal},
		"stale end":                {[]Op{apnd(0, 1, 1, 2), end(0, 3, 4)}, Illegal},
		"end while appending":      {[]Op{apnd(0, 1, 1, 5), end(0, 3, 4)}, Legal},
		"end too far":              {[]Op{apnd(0, 1, 1, 5), end(2, 3, 4)}, Illegal},
		"end inside a batch":       {[]Op{apnd(0, 3, 1, 5), end(2, 3, 4)}, Illegal},
		"ends go back":             {[]Op{apnd(0, 1, 1, 9), end(1, 3, 4), end(0, 5, 6)}, Illegal},
		"ends of one offset":       {[]Op{end(0, 5, 6), end(0, 1, 2), apnd(0, 1, 3, 9)}, Legal},
		"maybe fills the hole":     {[]Op{maybe(0, 2, 1), apnd(2, 1, 2, 3)}, Legal},
		"maybe does not fill":      {[]Op{maybe(0, 1, 1), apnd(2, 1, 2, 3)}, Illegal},
		"maybe not applied":        {[]Op{apnd(0, 1, 1, 2), maybe(1, 3, 1), apnd(1, 1, 3, 4)}, Legal},
		"maybe overlaps":           {[]Op{maybe(0, 3, 1), apnd(0, 1, 1, 2), apnd(1, 1, 3, 4)}, Legal},
		"maybe at the end":         {[]Op{apnd(0, 1, 1, 2), maybe(1, 3, 1)}, Legal},
		"maybe far away":           {[]Op{apnd(0, 1, 1, 2), maybe(9, 3, 1), end(1, 3, 4)}, Legal},
		"maybe one of two":         {[]Op{maybe(0, 2, 1), maybe(0, 3, 1), apnd(3, 1, 2, 3)}, Legal},
		"maybe and unknown":        {[]Op{maybe(0, 2, 1), open(3, 1), apnd(5, 1, 2, 3)}, Legal},
		"too many unknown":         {append(slices.Repeat([]Op{open(1, 1)}, 13), apnd(1, 1, 2, 3)), Undecided},
		"many unknown, no hole":    {append(slices.Repeat([]Op{open(1, 1)}, 60), apnd(0, 1, 2, 3)), Legal},
		"many unknown, none fits":  {append(slices.Repeat([]Op{open(2, 1)}, 60), apnd(1, 1, 2, 3)), Illegal},
		"unknown with a long tail": {[]Op{apnd(0, 1, 1, 2), open(1, 1), end(1, 3, 4), end(2, 5, 6)}, Legal},
	} {
		for _, size := range []int{1, 2, 100} {
			want := row.want
			if name == "unknown used twice" && size == 1 {
				want = Legal // Two windows both use it: the one thing that cutting cannot see.
			}
			if got := judge(Log{Ops: row.ops}, Limits{Ops: size}); got != want {
				t.Errorf("%s, windows of %d: got %s, expected %s", name, size, got, want)
			}
		}
	}
}

func TestStart(t *testing.T) {
	log := Log{Start: 40, Ops: []Op{apnd(40, 1, 1, 2), end(41, 3, 4)}}
	if got := judge(log, Limits{}); got != Legal {
		t.Errorf("got %s, expected legal", got)
	}
	log.Start = 39
	if got := judge(log, Limits{}); got != Illegal {
		t.Errorf("start too low: got %s, expected illegal", got)
	}
}

func TestReadComparesTheRecords(t *testing.T) {
	content := [][]uint32{{1, 2}, {3}, {4, 5, 6}, {7}}
	log := func(seen ...Piece) Log {
		l := Log{Seen: seen, SeenCall: 100, SeenReturn: 110}
		at := int64(0)
		for i, ids := range content {
			op := apnd(at, uint32(len(ids)), int64(i), int64(i))
			op.Content = ContentOf(ids)
			l.Ops = append(l.Ops, op)
			at += int64(len(ids))
		}
		return l
	}
	for name, row := range map[string]struct {
		log  Log
		want Result
	}{
		"the same":        {log(Piece{0, []uint32{1, 2, 3, 4, 5, 6, 7}}), Legal},
		"in pieces":       {log(Piece{0, []uint32{1, 2, 3}}, Piece{3, []uint32{4, 5, 6, 7}}), Legal},
		"one changed":     {log(Piece{0, []uint32{1, 2, 9, 4, 5, 6, 7}}), Illegal},
		"two swapped":     {log(Piece{0, []uint32{1, 2, 4, 3, 5, 6, 7}}), Illegal},
		"read more":       {log(Piece{0, []uint32{1, 2, 3, 4, 5, 6, 7, 8}}), Legal},
		"last changed":    {log(Piece{0, []uint32{1, 2, 3, 4, 5, 6}}, Piece{6, []uint32{8}}), Illegal},
		"read not of all": {log(Piece{1, []uint32{2, 3, 4, 5, 6, 7}}), Legal},
		"nothing read":    {log(), Legal},
	} {
		for _, size := range []int{1, 2, 3, 100} {
			if got := judge(row.log, Limits{Ops: size}); got != row.want {
				t.Errorf("%s, windows of %d: got %s, expected %s", name, size, got, row.want)
			}
		}
	}
}

func TestContentIsTheSameInAnyParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		ids := make([]uint32, rng.IntN(20))
		for i := range ids {
			ids[i] = rng.Uint32N(5)
		}
		whole, parts := ContentOf(ids), Content{}
		for rest := ids; ; {
			n := rng.IntN(len(rest) + 1)
			parts = parts.Then(ContentOf(rest[:n]))
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
		if parts != whole {
			t.Fatalf("%v: got %v in parts, %v whole", ids, parts, whole)
		}
	}
	if ContentOf([]uint32{1, 2}) == ContentOf([]uint32{2, 1}) || ContentOf([]uint32{0}) == ContentOf([]uint32{0, 0}) {
		t.Error("order or length does not matter")
	}
}

// randomLog draws a small log that often is legal and often is not.
func randomLog(rng *rand.Rand) Log {
	var log Log
	next, now := int64(0), int64(0)
	for range 3 + rng.IntN(5) {
		now += 1 + rng.Int64N(3)
		call, ret := now-rng.Int64N(6), now+rng.Int64N(6)
		count := uint32(1 + rng.IntN(2))
		switch rng.IntN(6) {
		case 0:
			log.Ops = append(log.Ops, open(count, call))
			if rng.IntN(2) == 0 {
				next += int64(count)
			}
		case 1:
			log.Ops = append(log.Ops, maybe(next, count, call))
			if rng.IntN(2) == 0 {
				next += int64(count)
			}
		case 2, 3:
			log.Ops = append(log.Ops, end(next, call, ret))
		default:
			log.Ops = append(log.Ops, apnd(next, count, call, ret))
			next += int64(count)
		}
	}
	for range rng.IntN(3) {
		op := &log.Ops[rng.IntN(len(log.Ops))]
		op.Offset = max(0, op.Offset+rng.Int64N(3)-1)
		op.Call, op.Return = op.Call+4, max(op.Return, op.Return+4)
	}
	rng.Shuffle(len(log.Ops), func(i, j int) { log.Ops[i], log.Ops[j] = log.Ops[j], log.Ops[i] })
	return log
}

// tryAll is the dumb twin: it tries every order of the operations that respects time.
func tryAll(next int64, ops []Op) bool {
	rest := false
	for i := range ops {
		rest = rest || ops[i].Return != Never
	}
	if !rest {
		return true
	}
	for i, op := range ops {
		if slices.ContainsFunc(ops, func(other Op) bool { return other.Return < op.Call }) {
			continue
		}
		others := slices.Delete(slices.Clone(ops), i, i+1)
		applied := next + int64(op.Count)
		switch op.Kind {
		case Append, Maybe:
			if op.Offset == next && tryAll(applied, others) {
				return true
			}
		case Open:
			if tryAll(applied, others) {
				return true
			}
		case End:
			if op.Offset == next && tryAll(next, others) {
				return true
			}
		}
		if (op.Kind == Open || op.Kind == Maybe) && tryAll(next, others) {
			return true
		}
	}
	return false
}

// TestAgainstAllOrders compares the opinion on whole logs, and on logs in windows, with trying every order.
func TestAgainstAllOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	counts := [2]int{}
	for range 3000 {
		log := randomLog(rng)
		want := Illegal
		if tryAll(0, log.Ops) {
			want = Legal
		}
		counts[want-Legal]++
		if got := judge(log, Limits{Ops: 100}); got != want {
			t.Fatalf("%v: got %s, expected %s", log.Ops, got, want)
		}
		opens := slices.ContainsFunc(log.Ops, func(op Op) bool { return op.Kind == Open })
		for _, size := range []int{1, 2, 3} {
			got := judge(log, Limits{Ops: size})
			// One Open in two windows may hide that it is used twice, and nothing else.
			if got != want && (want == Legal || !opens) {
				t.Fatalf("%v in windows of %d: got %s, expected %s", log.Ops, size, got, want)
			}
		}
	}
	if counts[0] < 500 || counts[1] < 500 {
		t.Errorf("%d legal and %d illegal logs are too few to compare", counts[0], counts[1])
	}
}

func TestUndecidedWhenTheSearchDoesNotEnd(t *testing.T) {
	log := Log{}
	for i := range uint32(40) {
		log.Ops = append(log.Ops, open(1<<(i%20), 1))
	}
	log.Ops = append(log.Ops, apnd(1<<21, 1, 2, 3), apnd(1<<21, 1, 2, 3))
	windows := Cut(&log, Limits{Open: 100})
	if got := windows[0].Check(time.Millisecond); got != Undecided {
		t.Errorf("got %s, expected undecided", got)
	}
}

func TestInversionNamesThePair(t *testing.T) {
	log := Log{Ops: []Op{apnd(0, 1, 10, 11), apnd(1, 1, 1, 2), apnd(2, 1, 20, 21)}}
	windows := Cut(&log, Limits{Ops: 1})
	found := Inversions(windows)
	if len(found) != 1 || found[0].Earlier.Offset != 0 || found[0].Later.Offset != 1 {
		t.Fatalf("got %+v, expected the pair of offsets 0 and 1", found)
	}
	if found[0].EarlierWindow != 0 || found[0].LaterWindow != 1 {
		t.Errorf("got windows %d and %d", found[0].EarlierWindow, found[0].LaterWindow)
	}
}

func TestHTML(t *testing.T) {
	log := Log{Name: "orders-0", Ops: []Op{apnd(0, 1, 10, 20), apnd(1, 1, 15, 30), open(2, 12), apnd(4, 1, 31, 40)}}
	log.Ops[3].Line = 77
	windows := Cut(&log, Limits{Ops: 2})
	var page strings.Builder
	notes := []Note{
		{Row: "node 1", From: 16, To: -1, Text: "power loss"}, {Row: "findings", From: 31, Text: "hole", Bad: true},
	}
	if err := WriteHTML(&page, windows, notes, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<html", "append 1 records at 4", "power loss", "node 1", "findings", "orders-0, process 0, line 77",
		"append 2 records, outcome unknown", "window begins at 2",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func BenchmarkWindow(b *testing.B) {
	log := Log{}
	for i := range int64(400) {
		log.Ops = append(log.Ops, apnd(i, 1, 10*i, 10*i+80))
	}
	windows := Cut(&log, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		if windows[0].Check(0) != Legal {
			b.Fatal("illegal")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/400, "ns/operation")
}
