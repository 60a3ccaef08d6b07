// Command cover reads a coverage profile of "go test -coverprofile", prints how many statements of each package were
// run, and fails if the share of all of them together is below a threshold:
//
//	go run ./scripts/tidy/cmd/cover -min 85 -below core/ bin/cover.out
//
// A profile of several packages' tests (-coverpkg) tells of a block once for each test binary: a block counts as run if
// one of them ran it.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gregor-log/gregor/scripts/tidy"
)

// errProfile reports a profile that is not in the form that the go command writes.
var errProfile = errors.New("not a coverage profile")

func main() {
	least := flag.Float64("min", 0, "fail if fewer `percent` of the statements were run")
	below := flag.String("below", "", "count only files whose path in the module begins with `prefix`")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: cover [-min percent] [-below prefix] profile")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *below, *least, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cover:", err)
		os.Exit(1)
	}
}

func run(name, below string, least float64, out io.Writer) error {
	profile, err := os.Open(name)
	if err != nil {
		return err
	}
	defer profile.Close()
	blocks, err := read(profile)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return report(blocks, below, least, out)
}

// block is a run of statements, "file:line.column,line.column" in the profile.
type block struct {
	statements int
	ran        bool
}

// read returns the profile's blocks by their place.
func read(profile io.Reader) (map[string]block, error) {
	blocks := make(map[string]block)
	lines := bufio.NewScanner(profile)
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			if !strings.HasPrefix(lines.Text(), "mode: ") {
				return nil, fmt.Errorf("%w: got %q, expected a line \"mode: ...\"", errProfile, lines.Text())
			}
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return nil, fmt.Errorf("%w: line %d has %d fields, expected 3", errProfile, number, len(fields))
		}
		statements, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", errProfile, number, err)
		}
		blocks[fields[0]] = block{statements, blocks[fields[0]].ran || fields[2] != "0"}
	}
	return blocks, lines.Err()
}

// count is how many statements there are, and how many of them were run.
type count struct{ all, ran int }

func (c *count) add(b block) {
	c.all += b.statements
	if b.ran {
		c.ran += b.statements
	}
}

func (c *count) percent() float64 {
	return 100 * float64(c.ran) / float64(c.all)
}

// report prints a line for each package and one for all.
func report(blocks map[string]block, below string, least float64, out io.Writer) error {
	var all count
	packages := make(map[string]*count)
	var names []string
	for place, b := range blocks {
		file, _, _ := strings.Cut(place, ":")
		file, own := strings.CutPrefix(file, tidy.Module+"/")
		if !own || !strings.HasPrefix(file, below) {
			continue
		}
		dir := path.Dir(file)
		if packages[dir] == nil {
			packages[dir] = new(count)
			names = append(names, dir)
		}
		packages[dir].add(b)
		all.add(b)
	}
	if all.all == 0 {
		return fmt.Errorf("no statements below %q in the profile", below)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(out, "%6.1f%% of %6d statements  %s\n", packages[name].percent(), packages[name].all, name)
	}
	fmt.Fprintf(out, "%6.1f%% of %6d statements  in all, at least %.1f%% are wanted\n", all.percent(), all.all, least)
	if all.percent() < least {
		return fmt.Errorf("%.2f%% of the statements were run, expected at least %.1f%%", all.percent(), least)
	}
	return nil
}
