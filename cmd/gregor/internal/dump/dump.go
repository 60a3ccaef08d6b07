// Package dump prints the files of a log directory as Kafka's DumpLogSegments prints them, line for line, so that its
// readers and scripts find what they know; and as JSON, one object a line, for those who would rather not cut text. It
// only reads, and shows what is there, be it wrong.
//
//	.log .checkpoint   batches, and with Deep or Data their records
//	.index .timeindex  entries, held against the .log beside them
//	.txnindex          aborted transactions
//	.snapshot          producers
//
// Files that Kafka's tool ignores are printed in the same manner: the checkpoints of a log directory and of a
// partition, partition.metadata and meta.properties. A directory stands for all files in it that have a form here.
package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Options say what to print.
type Options struct {
	// JSON asks for objects instead of Kafka's lines.
	JSON bool
	// Deep shows records, Data their keys and values as well, and Bare nothing else of them.
	Deep, Data, Bare bool
	// Metadata reads values as records of the metadata log; it is on by itself in the metadata log's own directory.
	Metadata bool
	// Offsets reads keys and values as records of __consumer_offsets.
	Offsets bool
	// SanityOnly only checks indexes as a broker does that starts, and VerifyOnly only holds them against the log.
	SanityOnly, VerifyOnly bool
	// MaxBytes ends each .log file after so many bytes; 0 for no limit.
	MaxBytes int64
}

// checkpointSuffix is that of snapshots of the metadata log.
const checkpointSuffix = ".checkpoint"

// metadataDir is the directory of the metadata log.
const metadataDir = "__cluster_metadata-0"

// Dumper prints files.
type Dumper struct {
	fs  vfs.FS
	out *bufio.Writer
	o   Options
	// found are the mistakes that Kafka's tool lists at its end.
	found findings
}

// New returns a dumper that prints to w.
func New(fs vfs.FS, w io.Writer, o Options) *Dumper {
	o.Deep = o.Deep || o.Data || o.Bare
	o.Data = o.Data || o.Bare || o.Metadata || o.Offsets
	o.Deep = o.Deep || o.Data
	return &Dumper{fs: fs, out: bufio.NewWriterSize(w, 1<<16), o: o}
}

// Run prints the files and directories of these names. What cannot be read is an error, after all else is printed.
func (d *Dumper) Run(names []string) error {
	var errs []error
	for _, name := range names {
		files, err := d.expand(name)
		if err != nil {
			errs = append(errs, err)
		}
		for _, file := range files {
			if err := d.file(file); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			}
		}
	}
	d.found.print(d)
	errs = append(errs, d.out.Flush())
	return errors.Join(errs...)
}

// expand returns the files that a name stands for: of a directory those with a form here, and those of the partitions'
// directories in it.
func (d *Dumper) expand(name string) ([]string, error) {
	e, err := d.fs.Stat(name)
	if err != nil || !e.Dir {
		return []string{name}, err
	}
	entries, err := d.fs.List(name)
	if err != nil {
		return nil, err
	}
	var files, dirs []string
	for _, e := range entries {
		_, partition := commitlog.ParsePartitionDir(e.Name)
		switch {
		case e.Dir && partition:
			dirs = append(dirs, path.Join(name, e.Name))
		case !e.Dir && d.printer(path.Join(name, e.Name)) != nil:
			files = append(files, path.Join(name, e.Name))
		}
	}
	for _, dir := range dirs {
		more, err := d.expand(dir)
		if err != nil {
			return files, err
		}
		files = append(files, more...)
	}
	return files, nil
}

// printer returns what prints a file, by its name; nil if nothing does.
func (d *Dumper) printer(name string) func(*Dumper, string) error {
	byName := map[string]func(*Dumper, string) error{
		commitlog.EpochsFile: (*Dumper).epochs, commitlog.RecoveryPointFile: (*Dumper).offsets,
		commitlog.LogStartFile: (*Dumper).offsets, commitlog.HighWatermarkFile: (*Dumper).offsets,
		commitlog.PartitionMetadataFile: (*Dumper).partitionMetadata, commitlog.MetaFile: (*Dumper).meta,
	}
	if p := byName[path.Base(name)]; p != nil {
		return p
	}
	bySuffix := map[string]func(*Dumper, string) error{
		segment.LogSuffix: (*Dumper).log, checkpointSuffix: (*Dumper).log, segment.IndexSuffix: (*Dumper).index,
		segment.TimeIndexSuffix: (*Dumper).timeIndex, segment.TxnIndexSuffix: (*Dumper).txnIndex,
		segment.SnapshotSuffix: (*Dumper).snapshot,
	}
	return bySuffix[path.Ext(name)]
}

// file prints one file.
func (d *Dumper) file(name string) error {
	d.line("Dumping %s", name)
	p := d.printer(name)
	if p == nil {
		d.line("Ignoring unknown file %s", name)
		return d.object("ignored", name, nil)
	}
	return p(d, name)
}

// line prints a line of text, unless JSON is wanted.
func (d *Dumper) line(format string, args ...any) {
	d.text(format+"\n", args...)
}

// text prints text, unless JSON is wanted.
func (d *Dumper) text(format string, args ...any) {
	if !d.o.JSON {
		// An error of the writer sticks, and Flush returns it.
		fmt.Fprintf(d.out, format, args...)
	}
}

// object prints a JSON object about a file, if JSON is wanted: its kind, the file, and the fields of v.
func (d *Dumper) object(kind, file string, v any) error {
	if !d.o.JSON {
		return nil
	}
	head, err := cli.Marshal(struct {
		Kind string `json:"kind"`
		File string `json:"file"`
	}{kind, file})
	if err != nil {
		return err
	}
	if v != nil {
		body, err := cli.Marshal(v)
		if err != nil {
			return err
		}
		head = append(append(head[:len(head)-1], ','), body[1:]...)
	}
	_, err = d.out.Write(append(head, '\n'))
	return err
}

// baseOf returns the offset that a file's name says.
func baseOf(name string) (int64, error) {
	b, _, ok := segment.ParseName(path.Base(name))
	if !ok {
		return 0, fmt.Errorf("got the name %q, expected 20 digits and a suffix", path.Base(name))
	}
	return int64(b), nil
}

// inMetadata reports that a file's values are records of the metadata log.
func (d *Dumper) inMetadata(name string) bool {
	return d.o.Metadata || strings.HasSuffix(name, checkpointSuffix) ||
		path.Base(path.Dir(absolute(name))) == metadataDir
}

// absolute returns a file's absolute name, as Kafka's tool prints it among the mistakes.
func absolute(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return abs
}
