// Command conformance runs the test suites of Kafka's clients, as they stand, against gregor.
//
// Each suite gets a fresh broker with the settings that it wants, is fetched and built once into the folder -cache, and
// is run. Its baseline, in the folder of that name, has the cases that Apache Kafka 4.3.1 passes. later.txt names those
// of what gregor does not have yet; every other one must pass, and one that a suite skips has not.
//
//	go run ./scripts/conformance                               all, and the tables in the README and in reports
//	go run ./scripts/conformance -suite kgo,librdkafka         some suites
//	go run ./scripts/conformance -suite kgo -case Group        some cases
//	go run ./scripts/conformance -all -against 127.0.0.1:9092  every case, against any broker
//
// What a suite prints is in the folder -out, below its name:
//
//	output.log      all of it
//	cases.tsv       case, verdict and seconds, of every case that ran
//	failed/*.txt    what each failed case printed
//	broker/         the broker's properties and log
//
// The exit code is 0 if all cases passed, 1 if one did not, 2 for a wrong command line, and 4 if a suite could not be
// run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// options are the command line.
type options struct {
	suites         []*suite
	pattern        *regexp.Regexp
	all, list      bool
	against        string
	out, cache     string
	binary         string
	report, readme string
	// whole says that every case that must pass is run, against gregor.
	whole bool
}

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	case o.list:
		err = o.printList()
	}
	if err == nil && !o.list {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = o.run(ctx)
	}
	switch {
	case errors.Is(err, errFailed):
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(4)
	}
}

// errFailed reports cases that did not pass.
var errFailed = errors.New("cases failed")

// parse reads the command line.
func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	names := f.String("suite", "", "suites to run, `NAME,...` (default all)")
	pattern := f.String("case", "", "regular `expression` of the cases to run (default all)")
	f.BoolVar(&o.all, "all", false, "run the cases that are listed as later too; they need not pass")
	f.BoolVar(&o.list, "list", false, "list the suites with how many cases they have, and run none")
	f.StringVar(&o.against, "against", "", "`HOST:PORT` of a running broker to test instead of gregor")
	f.StringVar(&o.out, "out", "out/conformance", "`folder` for what the suites print; it is emptied")
	f.StringVar(&o.cache, "cache", "bin/conformance", "`folder` for what is fetched and built, kept between runs")
	f.StringVar(&o.binary, "gregor", "", "gregor's binary (default: built from the checkout)")
	f.StringVar(&o.report, "report", "reports/conformance.md", "page that a whole run writes")
	f.StringVar(&o.readme, "readme", "README.md", "file with the table that a whole run writes")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.pattern, err = regexp.Compile(*pattern); err != nil {
		return nil, fmt.Errorf("-case: %w", err)
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("got arguments %q, expected flags alone", f.Args())
	}
	o.whole = *names == "" && *pattern == "" && o.against == ""
	o.suites, err = named(*names)
	return o, err
}

// named returns the suites of these names, all for "".
func named(names string) ([]*suite, error) {
	if names == "" {
		return suites, nil
	}
	var found []*suite
	for name := range strings.SplitSeq(names, ",") {
		at := slices.IndexFunc(suites, func(s *suite) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("-suite: got %q, expected some of those that -list lists", name)
		}
		found = append(found, suites[at])
	}
	return found, nil
}

func (o *options) printList() error {
	for _, s := range o.suites {
		w, err := choose(s.name, o.pattern, o.all)
		if err != nil {
			return err
		}
		fmt.Printf("%-18s  %-42s %-15s %3d cases to pass, %3d later\n", s.name, s.title, s.version,
			len(w.cases), len(w.later))
	}
	return nil
}

// run runs the suites one after another; one that cannot be run does not keep the others from it.
func (o *options) run(ctx context.Context) error {
	var err error
	if o.out, err = filepath.Abs(o.out); err != nil {
		return err
	}
	if o.cache, err = filepath.Abs(o.cache); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(o.out, 0o755), os.MkdirAll(o.cache, 0o755)); err != nil {
		return err
	}
	if o.binary == "" && o.against == "" {
		o.binary = filepath.Join(o.out, "gregor")
		if err := node.Build(ctx, o.binary); err != nil {
			return err
		}
	}
	var scores []score
	var errs []error
	for _, s := range o.suites {
		sc, err := o.suite(ctx, s)
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
			fmt.Fprintln(os.Stderr, err)
			errs = append(errs, err)
			continue
		}
		sc.print(os.Stderr)
		scores = append(scores, sc)
	}
	fmt.Print(table(scores))
	if o.whole && len(errs) == 0 {
		if err := o.writePages(scores); err != nil {
			return err
		}
	}
	return errors.Join(append(errs, verdictOf(scores))...)
}

// verdictOf returns errFailed if a case did not pass.
func verdictOf(scores []score) error {
	failures := 0
	for i := range scores {
		failures += scores[i].failed
	}
	if failures > 0 {
		return fmt.Errorf("%w: %d", errFailed, failures)
	}
	return nil
}

// suite runs one suite on a broker of its own.
func (o *options) suite(ctx context.Context, s *suite) (score, error) {
	w, err := choose(s.name, o.pattern, o.all)
	if err != nil {
		return score{}, err
	}
	j := &job{suite: s, wanted: w, out: filepath.Join(o.out, s.name), cache: o.cache}
	for _, program := range s.programs() {
		if _, err := exec.LookPath(program); err != nil {
			return score{}, fmt.Errorf("%s is needed (Debian: apt-get install %s): %w", program, s.needs[program], err)
		}
	}
	err = errors.Join(os.RemoveAll(j.out), os.MkdirAll(filepath.Join(j.out, "failed"), 0o755))
	if err != nil {
		return score{}, err
	}
	if j.log, err = os.Create(filepath.Join(j.out, "output.log")); err != nil {
		return score{}, err
	}
	defer j.log.Close()
	if len(w.cases) == 0 {
		sc := w.judge(nil)
		sc.suite = s
		return sc, nil
	}
	end, err := o.broker(ctx, j)
	if err != nil {
		return score{}, err
	}
	began := time.Now()
	outcomes, err := s.run(ctx, j)
	if err := errors.Join(err, end()); err != nil {
		return score{}, err
	}
	sc := w.judge(outcomes)
	sc.suite, sc.seconds = s, time.Since(began).Seconds()
	return sc, j.keep(outcomes, &sc)
}
