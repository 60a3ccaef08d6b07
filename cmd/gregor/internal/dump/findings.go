package dump

import (
	"cmp"
	"slices"
)

// pair is two numbers that do not fit together.
type pair struct {
	A int64 `json:"got"`
	B int64 `json:"other"`
}

// finding is one kind of mistake in one file.
type finding struct {
	kind, file string
	pairs      []pair
}

// findings are the mistakes that Kafka's tool lists after all files, kind by kind, in its order and words.
type findings struct {
	list []*finding
}

// The kinds of mistakes, in the order in which they are listed, with the words of their lines.
var findingKinds = []struct{ kind, title, line string }{
	{"index_mismatch", "Mismatches in :%s", "  Index offset: %d, log offset: %d"},
	{"time_index_mismatch", "Found timestamp mismatch in :%s", "  Index timestamp: %d, log timestamp: %d"},
	{"time_index_order", "Found out of order timestamp in :%s",
		"  Index timestamp: %d, Previously indexed timestamp: %d"},
	{"time_index_offset", "The following indexed offsets are not found in :%s",
		"Indexed offset: %d, found log offset: %d"},
	{"non_consecutive", "Non-consecutive offsets in %s", "  %d is followed by %d"},
}

// add notes a mistake.
func (f *findings) add(kind, file string, a, b int64) {
	i := slices.IndexFunc(f.list, func(each *finding) bool { return each.kind == kind && each.file == file })
	if i < 0 {
		i = len(f.list)
		f.list = append(f.list, &finding{kind: kind, file: file})
	}
	f.list[i].pairs = append(f.list[i].pairs, pair{a, b})
}

// print lists all mistakes.
func (f *findings) print(d *Dumper) {
	for _, k := range findingKinds {
		for _, each := range f.list {
			if each.kind != k.kind {
				continue
			}
			if k.kind == "index_mismatch" { // Kafka keeps these with the largest offset first
				slices.SortStableFunc(each.pairs, func(a, b pair) int { return cmp.Compare(b.A, a.A) })
			}
			d.line(k.title, each.file)
			for _, p := range each.pairs {
				d.line(k.line, p.A, p.B)
			}
			// The writer's error is Flush's to return.
			_ = d.object(k.kind, each.file, map[string]any{"pairs": each.pairs})
		}
	}
}
