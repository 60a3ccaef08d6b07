// Compat runs other people's clients, as they are, against gregor and against Apache Kafka 4.3.1 in the same run, and
// compares what they print: kcat (librdkafka), Kafka's own Java tools, Connect, Streams, and franz-go. It compares the
// log directories that both brokers write, byte for byte, has Kafka's DumpLogSegments read gregor's, and lets each
// broker serve the partitions, and coordinate the groups, that the other wrote, after a clean stop and after SIGKILL.
//
//	go run ./scripts/compat              everything; the table, docs/compatibility.md, and the table in README.md
//	go run ./scripts/compat -run kcat    only the checks whose client or subject match a regular expression
//
// It wants kcat, and a JDK for Java 17 or later. Kafka's jars come from the folder that KAFKA_LIBS names, or are had
// through Maven once, into out/compat/libs. Whatever else it writes is below out/compat: the directories of both
// brokers, their logs, and transcripts/*.txt, which have each command with both answers.
//
// # How it compares
//
// The commands stand in scripts (commands/*.txt, see script.go). Each is run against both brokers, which are fresh and
// have the same cluster id, node id and properties. In what they print, addresses, directories, topic ids and
// the present time are masked; all that is left must be the same. What differs on purpose is in the table of known.go
// with its reason; a difference that did not show in a full run is an error too. The exit code is 0 if all is well, 1
// if a check failed and 4 if the comparison could not be made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/markers"
)

// timeLimit ends a run in which something hangs.
const timeLimit = 15 * time.Minute

// world is one run: two fresh brokers and what is known of them.
type world struct {
	// out is the folder for all that is written.
	out string
	// binary is gregor's program.
	binary        string
	gregor, kafka *side
	rep           *report
	// met counts how often each known difference showed.
	met map[string]int
	// lock guards what both sides write at once.
	lock sync.Mutex
	// apis is what the brokers advertise, for the page.
	apis []apiRow
}

func main() {
	only := flag.String("run", "", "regular expression of the checks to run; empty for all, and the page")
	out := flag.String("out", "out/compat", "folder for all that is written; what it has is removed, but for the jars")
	docs := flag.String("docs", "docs/compatibility.md", "page to write after a full run")
	begin, end := markers.Lines(blockName)
	readme := flag.String("readme", "README.md", "file in which a full run replaces what stands between the lines\n"+
		begin+" and "+end)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	failed, err := run(ctx, *only, *out, *docs, *readme)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(4)
	case failed > 0:
		os.Exit(1)
	}
}

// run makes the comparison and returns how many checks failed; an error if it could not be made.
func run(ctx context.Context, only, out, docs, readme string) (failed int, err error) {
	began := time.Now()
	filter, err := regexp.Compile(only)
	if err != nil {
		return 0, fmt.Errorf("-run: %w", err)
	}
	w, err := newWorld(ctx, out, filter)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := w.startBoth(ctx); err != nil {
		return 0, err
	}
	if err := w.checkAll(ctx); err != nil {
		return 0, err
	}
	if only == "" {
		w.checkKnown()
	}
	w.rep.print(os.Stdout)
	fmt.Printf("\n%d checks, %d failed, %.0f s; both answers to each command are in %s\n",
		len(w.rep.rows), w.rep.failed(), time.Since(began).Seconds(), filepath.Join(out, "transcripts"))
	if only == "" {
		if err := w.writePages(ctx, docs, readme); err != nil {
			return 0, err
		}
	}
	return w.rep.failed(), nil
}

// writePages writes the page and the README's block.
func (w *world) writePages(ctx context.Context, docs, readme string) error {
	p, err := newPage(ctx, w)
	if err != nil {
		return err
	}
	if err := p.write(docs); err != nil {
		return err
	}
	fmt.Println("wrote", docs)
	written, err := markers.Write(readme, blockName, p.block())
	if written && err == nil {
		fmt.Println("wrote the table in", readme)
	}
	return err
}

// checkAll makes the checks in the order in which they build on each other: clients first, on brokers that run; then
// directories, for which the brokers are stopped, killed and started.
func (w *world) checkAll(ctx context.Context) error {
	if err := w.seed(ctx); err != nil {
		return err
	}
	w.checkAPIs(ctx)
	for _, name := range []string{"kcat", "tools", "groups"} {
		if err := w.play(ctx, name); err != nil {
			return err
		}
	}
	w.rep.concurrently(ctx,
		append(w.codecChecks(), w.franzChecks()...),
		[]check{w.connectCheck()},
		append([]check{w.streamsCheck()}, w.logDirsChecks()...))
	if err := w.play(ctx, "apps"); err != nil {
		return err
	}
	return w.checkDirectories(ctx)
}
