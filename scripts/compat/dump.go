package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// complaint is what DumpLogSegments prints about files that are not right.
var complaint = regexp.MustCompile(
	`(?i)mismatch|non-consecutive|found|corrupt|invalid bytes|unknown file|isvalid: false|exception|doesn't exist|` +
		`could not|error|failed`)

// segmentStart is what DumpLogSegments says in depth of every segment but a log's first, those of Kafka too: it begins
// to count at -1.
var segmentStart = regexp.MustCompile(`(?m)^Non-consecutive offsets in .*\n  -1 is followed by \d+\n`)

// pass is one run of DumpLogSegments over all files of some kinds.
type pass struct {
	name string
	// files says which, by the end of their names.
	files   []string
	options []string
}

var passes = []pass{
	{"every record of every log", []string{".log"}, []string{"--deep-iteration"}},
	{"indexes against logs", []string{".index"}, nil},
	{"indexes against logs, alone", []string{".index"}, []string{"--verify-index-only"}},
	{"time indexes against logs", []string{".timeindex"}, nil},
	{"sanity of indexes", []string{".index", ".timeindex"}, []string{"--index-sanity-check"}},
	{"producer snapshots", []string{".snapshot"}, nil},
}

// checkDump has DumpLogSegments read gregor's directory.
func (w *world) checkDump(ctx context.Context, when string) {
	what := "logs in depth, indexes, time indexes, producer snapshots, cluster metadata; " + when
	w.rep.check(ctx, "DumpLogSegments", what, func(ctx context.Context) error {
		var errs []error
		for _, p := range passes {
			files, err := findFiles(w.gregor.dir, p.files)
			if err == nil {
				err = w.dump(ctx, files, p.options...)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
			}
		}
		metadata := filepath.Join(w.gregor.dir, "__cluster_metadata-0", fmt.Sprintf("%020d.log", 0))
		if err := w.dump(ctx, []string{metadata}, "--cluster-metadata-decoder", "--deep-iteration"); err != nil {
			errs = append(errs, fmt.Errorf("cluster metadata: %w", err))
		}
		return errors.Join(errs...)
	})
}

// dump runs DumpLogSegments over files. Nothing that it does not like may be in what it prints, and all files must be.
func (w *world) dump(ctx context.Context, files []string, options ...string) error {
	args := append([]string{"--files", strings.Join(files, ",")}, options...)
	a, err := w.gregor.tools.run(ctx, "", class("DumpLogSegments"), args...)
	if err != nil {
		return err
	}
	if rest := segmentStart.ReplaceAllString(a.stderr, ""); a.code != 0 || rest != "" {
		return fmt.Errorf("exit code %d\n%s", a.code, cut(rest, 2000))
	}
	var errs []error
	dumped := 0
	at := ""
	for _, line := range strings.Split(a.stdout, "\n") {
		if name, ok := strings.CutPrefix(line, "Dumping "); ok {
			dumped++
			at = name
			continue
		}
		if complaint.MatchString(line) && len(errs) < 5 {
			errs = append(errs, fmt.Errorf("%s: %s", at, cut(line, 300)))
		}
	}
	if dumped != len(files) || dumped == 0 {
		errs = append(errs, fmt.Errorf("got %d files dumped, expected %d", dumped, len(files)))
	}
	return errors.Join(errs...)
}

// findFiles lists the files below a directory whose names end in one of the suffixes.
func findFiles(dir string, suffixes []string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		for _, suffix := range suffixes {
			if err == nil && strings.HasSuffix(name, suffix) {
				found = append(found, name)
			}
		}
		return err
	})
	return found, err
}

// checkDamage damages copies of files and expects complaints: a check that cannot fail says nothing.
func (w *world) checkDamage(ctx context.Context) {
	what := "complains of each kind of file when one is damaged, as it must for the checks above to mean anything"
	w.rep.check(ctx, "DumpLogSegments", what, func(ctx context.Context) error {
		source := filepath.Join(w.gregor.dir, ours+"idempotent-0")
		var errs []error
		for _, p := range passes[:len(passes)-2] {
			errs = append(errs, w.expectComplaint(ctx, source, p))
		}
		errs = append(errs, w.expectComplaint(ctx, source, passes[len(passes)-1]))
		return errors.Join(errs...)
	})
}

// expectComplaint flips a bit near the middle of the first file of a pass that has one, in a copy.
func (w *world) expectComplaint(ctx context.Context, source string, p pass) error {
	copied := filepath.Join(w.out, "copies", strings.ReplaceAll(p.name, " ", "-"))
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		return err
	}
	files, err := findFiles(copied, p.files)
	if err != nil {
		return err
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(content) < 20 {
			continue
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
		if w.dump(ctx, []string{name}, p.options...) == nil {
			return fmt.Errorf("%s: got no complaint about %s, in which a bit is wrong", p.name, filepath.Base(name))
		}
		return nil
	}
	return fmt.Errorf("%s: no file to damage", p.name)
}

var batchCodec = regexp.MustCompile(`(?m)^baseOffset: .* compresscodec: (\w+) `)

// batchCodecs lists the codecs of the batches in a dump, each once.
func batchCodecs(dump string) []string {
	var found []string
	for _, m := range batchCodec.FindAllStringSubmatch(dump, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// checkCodecsOnDisk looks into the logs of what the clients produced with each codec: a client that does not trust a
// broker's versions sends records uncompressed without a word.
func (w *world) checkCodecsOnDisk(ctx context.Context) {
	what := "what kcat, ConsoleProducer and franz-go compressed is stored with their codec"
	w.rep.check(ctx, "DumpLogSegments", what, func(ctx context.Context) error {
		var errs []error
		for _, producer := range []string{"kcat", "consoleproducer", "franz-go"} {
			for _, codec := range codecs {
				file := filepath.Join(w.gregor.dir, producer+"-"+codec+"-0", fmt.Sprintf("%020d.log", 0))
				a, err := w.gregor.tools.run(ctx, "", class("DumpLogSegments"), "--files", file)
				if err := failure(a, err); err != nil {
					return err
				}
				if found := batchCodecs(a.stdout); len(found) != 1 || found[0] != codec {
					errs = append(errs, fmt.Errorf("%s: got codecs %q, expected %s", file, found, codec))
				}
			}
		}
		return errors.Join(errs...)
	})
}
