package vfs

import (
	"slices"
	"strings"
	"testing"
)

// crashTable lists everything that may be found after small scripts of crashRun.do, for reading. Each outcome is one
// string, "+" between its lines; "f a*3" is a file f of three a.
var crashTable = []struct {
	name     string
	script   string
	outcomes []string
}{
	{"a synced file without a synced name may vanish",
		"create f; write f 0 3; sync f", []string{"", "f c*3"}},
	{"a synced name may lead to an empty file, or to zeros",
		"create f; syncdir /; write f 0 3", []string{"f", "f \\0*3", "f d*3"}},
	{"a write is torn at sectors of the file, not of itself",
		"create f; syncdir /; truncate f 1024; sync f; write f 500 24",
		[]string{"f \\0*1024", "f \\0*500 f*12 \\0*512", "f \\0*512 f*12 \\0*500", "f \\0*500 f*24 \\0*500"}},
	{"a later write may survive an earlier one",
		"create f; syncdir /; write f 0 2; write f 2 2; sync f; write f 0 2; write f 1 2",
		[]string{"f d*2 e*2", "f g*2 e*2", "f d*1 h*2 e*1", "f g*1 h*2 e*1"}},
	{"a truncation may be lost, and what was written after it kept",
		"create f; syncdir /; write f 0 4; sync f; truncate f 0; write f 0 1",
		[]string{"f d*4", "f", "f g*1 d*3", "f g*1", "f \\0*1"}},
	{"a rename is whole",
		"create f; sync f; syncdir /; rename f g", []string{"f", "g"}},
	{"a replaced file is the old or the new one, never none",
		"create f; write f 0 1; sync f; create f.tmp; write f.tmp 0 2; sync f.tmp; syncdir /; rename f.tmp f",
		[]string{"f c*1+f.tmp f*2", "f f*2"}},
	{"a rename without a sync of the file may leave it empty",
		"create f.tmp; syncdir /; write f.tmp 0 2; rename f.tmp f; syncdir /",
		[]string{"f", "f \\0*2", "f d*2"}},
	{"a removal may be lost, with the synced content",
		"create f; write f 0 1; sync f; syncdir /; remove f", []string{"f c*1", ""}},
	{"a removal means the file, not the name",
		"create f; write f 0 1; sync f; syncdir /; remove f; create f",
		[]string{"f c*1", "", "f"}},
	{"a removal that comes before its rename is none",
		"create f; write f 0 1; sync f; create t; syncdir /; rename t f; remove f",
		[]string{"f c*1+t", "f", ""}},
	{"a rename means the file, not the name",
		"create f; write f 0 1; sync f; syncdir /; remove f; create f; rename f g",
		[]string{"f c*1", "", "f", "g"}},
	{"what lies in a lost directory is lost",
		"mkdir d; create d/f; write d/f 0 1; sync d/f; syncdir d", []string{"", "d/+d/f d*1"}},
	{"a directory that was emptied is gone once its parent is synced",
		"mkdir d; create d/f; syncdir /; syncdir d; remove d/f; remove d; syncdir /", []string{""}},
	{"a sync of one directory of a rename is enough",
		"mkdir d; create f; syncdir /; rename f d/f; syncdir d", []string{"d/+d/f"}},
	{"a directory with names in it is not removed or replaced",
		"mkdir d; create d/f; syncdir /; syncdir d; rename d/f f; remove d; create d",
		[]string{"d/+d/f", "d/+f", "f", "d+f"}},
	{"no directory ends up in itself",
		"mkdir a; mkdir b; syncdir /; rename a b/a; rename b/a c; rename b c/b",
		[]string{"a/+b/", "a/+a/b/", "b/+b/a/", "b/+c/", "c/+c/b/"}},
	{"what a synced rename builds on is durable too",
		"mkdir d; mkdir e; mkdir x; syncdir /; create d/a; remove d/a; create e/a; write e/a 0 1; sync e/a;" +
			"rename e/a d/a; create e/a; rename e/a x/a; syncdir x",
		[]string{"d/+d/a i*1+e/+x/+x/a"}},
}

// TestPowerLossTable compares the table with what Mem leaves and with what the twin allows.
func TestPowerLossTable(t *testing.T) {
	for _, row := range crashTable {
		t.Run(row.name, func(t *testing.T) {
			r := newCrashRun()
			for _, line := range strings.Split(row.script, ";") {
				check(t, r.do(t, line))
			}
			var want []string
			for _, text := range row.outcomes {
				want = append(want, strings.TrimSpace(text))
			}
			slices.Sort(want)
			var got []string
			for text := range r.compare(t) {
				lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
				for i := range lines {
					lines[i] = strings.TrimSpace(lines[i])
				}
				got = append(got, strings.Join(lines, "+"))
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("got      %q\nexpected %q", got, want)
			}
		})
	}
}
