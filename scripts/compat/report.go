package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// row is one check of the table.
type row struct {
	// client is who did it, what is what it did.
	client, what string
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
	body         func(context.Context) error
}

// wants reports that a check is to be made.
func (r *report) wants(client, what string) bool {
	return r.filter.MatchString(client + ": " + what)
}

// check makes one check, if it is wanted, and adds its row.
func (r *report) check(ctx context.Context, client, what string, body func(context.Context) error) {
	r.concurrently(ctx, []check{{client, what, body}})
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
	made := row{client: c.client, what: c.what, err: c.body(ctx)}
	made.took = time.Since(began)
	text := fmt.Sprintf("%-6s %5.1f s  %s: %s\n", made.verdict(), made.took.Seconds(), c.client, c.what)
	if made.err != nil {
		text += indent(cut(made.err.Error(), 4000)) + "\n"
	}
	fmt.Fprint(os.Stderr, text)
	return made
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

// print writes the table, and after it what is wrong.
func (r *report) print(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tWHAT\tVERDICT\tSECONDS")
	for _, row := range r.rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\n", row.client, row.what, row.verdict(), row.took.Seconds())
	}
	_ = table.Flush() // to standard output: nobody is left to tell
	for _, row := range r.rows {
		if row.err != nil {
			fmt.Fprintf(to, "\n%s: %s\n%s\n", row.client, row.what, indent(cut(row.err.Error(), 20_000)))
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
	var parts []string
	for _, edit := range edits(a, b) {
		parts = append(parts, edit)
	}
	return fmt.Errorf("gregor (-) and Kafka (+) differ:\n%s", strings.Join(parts, "\n"))
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
