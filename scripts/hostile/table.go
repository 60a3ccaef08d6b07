//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/twmb/franz-go/pkg/kerr"
)

// print writes what became of the frames, the broker and the good client.
func (r *round) print(out io.Writer, goroutines int) {
	a, c := r.attack, &r.attack.total
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "frames\tsent\tanswered\tclosed the connection\tno answer\tbehind a close\t")
	var sum [5]int64
	for k := range kinds {
		row := [5]int64{c.sent[k], c.answered[k], c.closing[k], c.unanswered[k], c.unread[k]}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", names[k], row[0], row[1], row[2], row[3], row[4])
		for i := range sum {
			sum[i] += row[i]
		}
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%d\t%d\t%d\t\n", sum[0], sum[1], sum[2], sum[3], sum[4])
	_ = w.Flush() // to a terminal or a file; there is nobody else to tell
	fmt.Fprintf(out, "\n%d frames looked at in %.1f s, %.0f a second\n", a.read.Load(), r.took.Seconds(),
		float64(a.read.Load())/r.took.Seconds())
	fmt.Fprintf(out, "connections: %d opened, %d closed by the broker, %d by the client\n", a.opened.Load(),
		a.closed.Load(), a.abandoned.Load())
	fmt.Fprintln(out, "\nreplies by error code")
	for _, code := range slices.Sorted(maps.Keys(c.codes)) {
		name := "NONE"
		if err := kerr.TypedErrorForCode(code); err != nil {
			name = err.Message
		}
		fmt.Fprintf(out, "%10d  %s (%d)\n", c.codes[code], name, code)
	}
	u, g := r.usage, r.good
	fmt.Fprintf(out, "\nbroker: memory %d MiB before, %d at most, %d after; files %d, %d, %d; %d goroutines after\n",
		u.before.Resident>>20, u.peak.Resident>>20, u.after.Resident>>20, u.before.Files, u.peak.Files, u.after.Files,
		goroutines)
	fmt.Fprintf(out, "good client: %d records acked, %d read, 0 differences; slowest request %.0f ms\n", g.acked.Load(),
		g.read.Load(), float64(g.slowest.Load())/1e6)
}
