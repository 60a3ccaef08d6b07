package ledger

import "slices"

// span is the offsets from first up to next, which is not among them.
type span struct{ first, next int64 }

// spans is a set of offsets: ascending, with a gap between any two.
type spans []span

// add adds a span, which is not empty, and calls again for each part of it that was there, in order.
func (s *spans) add(add span, again func(span)) {
	// The first span that touches or follows what is added: logs are read forwards, so it is near the end.
	from := len(*s)
	for from > 0 && (*s)[from-1].next >= add.first {
		from--
	}
	to := from
	for ; to < len(*s) && (*s)[to].first <= add.next; to++ {
		there := (*s)[to]
		if common := (span{max(there.first, add.first), min(there.next, add.next)}); common.first < common.next &&
			again != nil {
			again(common)
		}
	}
	whole := add
	if to > from {
		whole = span{min(add.first, (*s)[from].first), max(add.next, (*s)[to-1].next)}
	}
	*s = slices.Replace(*s, from, to, whole)
}

// missing returns the parts of a span that are not there.
func (s spans) missing(in span) []span {
	var found []span
	at := in.first
	for _, there := range s {
		if there.next <= at {
			continue
		}
		if there.first >= in.next {
			break
		}
		if there.first > at {
			found = append(found, span{at, there.first})
		}
		at = there.next
	}
	if at < in.next {
		found = append(found, span{at, in.next})
	}
	return found
}

// size returns the number of offsets.
func (s spans) size() int64 {
	n := int64(0)
	for _, there := range s {
		n += there.next - there.first
	}
	return n
}
