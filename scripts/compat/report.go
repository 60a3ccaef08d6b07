package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// row is one check of the table.
type row struct {
	// client is who did it, what is what it did.
	client, what string
	// commands is how many commands of a script it compared; 0 for checks of other kinds.
	commands int
	// err is nil if all was well.
	err  error
	took time.Duration
}

// report collects the table's rows, and shows each as it comes.
type report struct {
	// filter says which checks are wanted.
	filter *regexp.Regexp
	rows   []row
}

// check is one check to be made.
type check struct {
	client, what string
	// commands is as in row.
	commands int
	body     func(context.Context) error
}

// wants reports that a check is to be made.
func (r *report) wants(client, what string) bool {
	return r.filter.MatchString(client + ": " + what)
}

// check makes one check, if it is wanted, and adds its row.
func (r *report) check(ctx context.Context, client, what string, body func(context.Context) error) {
	r.concurrently(ctx, []check{{client: client, what: what, body: body}})
}

// concurrently makes the checks of each list one after another, and all lists at the same time. The rows come in the
// order of the lists.
func (r *report) concurrently(ctx context.Context, lists ...[]check) {
	rows := make([][]row, len(lists))
	var group sync.WaitGroup
	for i, list := range lists {
		group.Go(func() {
			for _, c := range list {
				if r.wants(c.client, c.what) {
					rows[i] = append(rows[i], c.run(ctx))
				}
			}
		})
	}
	group.Wait()
	for _, list := range rows {
		r.rows = append(r.rows, list...)
	}
}

func (c check) run(ctx context.Context) row {
	began := time.Now()
	made := row{client: c.client, what: c.what, commands: c.commands, err: c.body(ctx)}
	made.took = time.Since(began)
	text := fmt.Sprintf("%-6s %5.1f s  %s: %s\n", made.verdict(), made.took.Seconds(), c.client, c.what)
	if made.err != nil {
		text += indent(cut(made.err.Error(), 4000)) + "\n"
	}
	fmt.Fprint(os.Stderr, text)
	return made
}

// say tells what is being done, beside the rows.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "...             "+format+"\n", args...)
}

// failed counts the checks that failed.
func (r *report) failed() int {
	n := 0
	for _, row := range r.rows {
		if row.err != nil {
			n++
		}
	}
	return n
}

// tally sums up the rows of one client.
type tally struct {
	client                   string
	checks, commands, failed int
	took                     time.Duration
}

// tallies sums up the rows by client, in the order in which the clients came first, and all of them.
func (r *report) tallies() (each []tally, all tally) {
	all.client = "all"
	for _, row := range r.rows {
		at := slices.IndexFunc(each, func(t tally) bool { return t.client == row.client })
		if at < 0 {
			at = len(each)
			each = append(each, tally{client: row.client})
		}
		each[at].add(row)
		all.add(row)
	}
	return each, all
}

func (t *tally) add(r row) {
	t.checks++
	t.commands += r.commands
	t.took += r.took
	if r.err != nil {
		t.failed++
	}
}

// verdict is that of all rows together.
func (t tally) verdict() string {
	if t.failed > 0 {
		return fmt.Sprintf("%d FAILED", t.failed)
	}
	return "ok"
}

// count is a number for a table: none is a dash.
func count(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// print writes the table, a line for each client, and after it what is wrong.
func (r *report) print(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tCHECKS\tCOMMANDS COMPARED\tVERDICT\tSECONDS")
	each, all := r.tallies()
	for _, t := range append(each, all) {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%.1f\n",
			t.client, t.checks, count(t.commands), t.verdict(), t.took.Seconds())
	}
	_ = table.Flush() // to standard output: nobody is left to tell
	for _, row := range r.rows {
		if row.err != nil {
			fmt.Fprintf(to, "\nFAILED %s: %s\n%s\n", row.client, row.what, indent(cut(row.err.Error(), 20_000)))
		}
	}
}

func (r row) verdict() string {
	if r.err != nil {
		return "FAILED"
	}
	return "ok"
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

// cut shortens a text to n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n] + fmt.Sprintf("... (%d bytes more)", len(text)-n)
}

// diff compares two texts by lines and tells where they part: nil, or an error with what got has in excess ("-") and
// what it lacks ("+").
func diff(got, want string) error {
	if got == want {
		return nil
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	return fmt.Errorf("gregor (-) and Kafka (+) differ:\n%s", strings.Join(edits(a, b), "\n"))
}

// edits lists the lines that only a ("- ") or only b ("+ ") has, by their longest common subsequence. Common ends are
// taken off first; what is left beyond a few thousand lines is only compared line by line.
func edits(a, b []string) []string {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	const most = 3000
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return walk(a, b, common)
}

func walk(a, b []string, common [][]int) []string {
	var found []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && cmp.Compare(common[i+1][j], common[i][j+1]) >= 0:
			found = append(found, "- "+a[i])
			i++
		default:
			found = append(found, "+ "+b[j])
			j++
		}
	}
	return found
}
