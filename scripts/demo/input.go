package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// input is the text that goes through the broker: files below one folder, in the order of their paths.
type input struct {
	root string
	// what says which files were taken, for people.
	what  string
	files []*file
	// lines and bytes are sums; longest is the longest line in bytes, and where it is.
	lines, bytes int64
	longest      int
	longestAt    string
	// empty counts the files without a byte, noEnd those whose last line lacks a newline.
	empty, noEnd int
	byPath       map[string]*file
}

// file is what the first look at a file found; whatever comes back is held against it.
type file struct {
	// path is relative to the root, with slashes: the records' key.
	path string
	key  []byte
	size int64
	// lines is the number of records; an empty file has one. longest is the longest in bytes. first is the number of
	// the file's first record among those of all files.
	lines, longest int
	first          int64
	sum            [sha256.Size]byte
}

// maxLine bounds a line: a record batch must fit into one request.
const maxLine = 64 << 20

// Errors of the input.
var (
	errNoFiles = errors.New("no files to load")
	errTooLong = errors.New("line too long")
	errChanged = errors.New("file changed while the demo ran")
)

// scan reads all files once. goOnly takes .go files alone, anything else all regular files. Names that begin with a dot
// are left out, as are links and the folder without.
func scan(ctx context.Context, root, without string, goOnly bool, progress func(files int)) (*input, error) {
	in := &input{root: root, what: "every regular file", byPath: make(map[string]*file)}
	if goOnly {
		in.what = "every .go file"
	}
	var paths []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (name == without || strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), "."):
			if !goOnly || strings.HasSuffix(name, ".go") {
				paths = append(paths, name)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for i, name := range paths {
		if err := in.look(name); err != nil {
			return nil, err
		}
		progress(i + 1)
	}
	if len(in.files) == 0 {
		return nil, fmt.Errorf("%w: %s in %s", errNoFiles, in.what, root)
	}
	return in, ctx.Err()
}

// look reads one file for the first time.
func (in *input) look(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(in.root, name)
	if err != nil {
		return err
	}
	f := &file{path: filepath.ToSlash(relative), size: int64(len(text)), first: in.lines, sum: sha256.Sum256(text)}
	f.key = []byte(f.path)
	for line := range lines(text) {
		f.lines++
		if len(line) > maxLine {
			return fmt.Errorf("%w: %s line %d has %d bytes, expected at most %d", errTooLong, f.path, f.lines,
				len(line), maxLine)
		}
		f.longest = max(f.longest, len(line))
		if len(line) > in.longest {
			in.longest, in.longestAt = len(line), fmt.Sprintf("%s line %d", f.path, f.lines)
		}
	}
	switch {
	case len(text) == 0:
		in.empty++
	case text[len(text)-1] != '\n':
		in.noEnd++
	}
	in.files = append(in.files, f)
	in.byPath[f.path] = f
	in.lines += int64(f.lines)
	in.bytes += f.size
	return nil
}

// read reads a file again, and makes sure that it is still the same.
func (in *input) read(f *file) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(in.root, filepath.FromSlash(f.path)))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); sum != f.sum {
		return nil, fmt.Errorf("%w: %s", errChanged, f.path)
	}
	return text, nil
}

// largest returns the files with the most lines.
func (in *input) largest(n int) []*file {
	sorted := slices.SortedFunc(slices.Values(in.files), func(a, b *file) int {
		return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(a.path, b.path))
	})
	return sorted[:min(n, len(sorted))]
}
