package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Module is the repository's module path, with which every import of its own packages begins.
const Module = "github.com/gregor-log/gregor"

// Repo is the repository as the rules see it: every file, and the syntax of every Go file that the go command would
// build. A Repo does not change after Load.
type Repo struct {
	// Fset holds the positions of all syntax trees.
	Fset *token.FileSet
	// Files are ordered by path.
	Files []*File
}

// File is one file of the repository.
type File struct {
	// Path is slash-separated and relative to the repository's root.
	Path string
	// Data is the content. It is nil for what lies in a testdata folder, which is data and not the repository's voice.
	Data []byte
	// Go is the syntax tree with comments, or nil for what is not Go, lies in testdata or does not parse.
	Go *ast.File
	// Err says why a Go file does not parse.
	Err error
}

// Load reads the repository whose root is fsys. It leaves out .git and the folders that .gitignore names in the form
// "/name/", which hold what is built from the rest.
func Load(fsys fs.FS) (*Repo, error) {
	ignored, err := ignoredFolders(fsys)
	if err != nil {
		return nil, err
	}
	repo := &Repo{Fset: token.NewFileSet()}
	walk := func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(ignored, name):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		file := &File{Path: name}
		repo.Files = append(repo.Files, file)
		if file.within("testdata") || !entry.Type().IsRegular() {
			return nil
		}
		if file.Data, err = fs.ReadFile(fsys, name); err != nil {
			return err
		}
		if strings.HasSuffix(name, ".go") {
			file.parse(repo.Fset)
		}
		return nil
	}
	if err := fs.WalkDir(fsys, ".", walk); err != nil {
		return nil, fmt.Errorf("read the repository: %w", err)
	}
	return repo, nil
}

// ignoredFolders returns the folders that Load leaves out.
func ignoredFolders(fsys fs.FS) ([]string, error) {
	folders := []string{".git"}
	data, err := fs.ReadFile(fsys, ".gitignore")
	if err != nil {
		return nil, fmt.Errorf("read which folders are not the repository's: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/") && strings.HasSuffix(line, "/") {
			folders = append(folders, strings.Trim(line, "/"))
		}
	}
	return folders, nil
}

func (f *File) parse(fset *token.FileSet) {
	tree, err := parser.ParseFile(fset, f.Path, f.Data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		f.Err = err
		return
	}
	f.Go = tree
}

// Dir returns the file's folder, "." for the root: for a Go file, its package's path in the module.
func (f *File) Dir() string {
	return path.Dir(f.Path)
}

// Top returns the top-level folder, "" for a file of the root.
func (f *File) Top() string {
	top, _, found := strings.Cut(f.Path, "/")
	if !found {
		return ""
	}
	return top
}

// Test reports whether the file belongs to a package's tests.
func (f *File) Test() bool {
	return strings.HasSuffix(f.Path, "_test.go")
}

// Text reports whether the file's content is known and is text.
func (f *File) Text() bool {
	return f.Data != nil && utf8.Valid(f.Data) && !bytes.ContainsRune(f.Data, 0)
}

// within reports whether one of the file's folders has the name.
func (f *File) within(folder string) bool {
	return slices.Contains(strings.Split(f.Dir(), "/"), folder)
}

// lines calls visit with each line's number, counted from 1, and its text without the line end.
func (f *File) lines(visit func(number int, text string)) {
	number := 0
	for line := range strings.Lines(string(f.Data)) {
		number++
		visit(number, strings.TrimRight(line, "\r\n"))
	}
}

// source visits every Go file that parses.
func (r *Repo) source(visit func(*File)) {
	for _, file := range r.Files {
		if file.Go != nil {
			visit(file)
		}
	}
}

// imported is one import of a Go file.
type imported struct {
	spec *ast.ImportSpec
	path string // the whole import path
	own  string // the folder in this repository, "" for a package of another module
}

// imports returns the file's imports in their order.
func (f *File) imports() []imported {
	var list []imported
	for _, spec := range f.Go.Imports {
		whole, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has checked it
		}
		entry := imported{spec: spec, path: whole}
		if whole == Module {
			entry.own = "."
		} else if rest, ok := strings.CutPrefix(whole, Module+"/"); ok {
			entry.own = rest
		}
		list = append(list, entry)
	}
	return list
}

// checkParse finds Go files that do not parse: the other rules cannot see into them.
func checkParse(repo *Repo) []Finding {
	found := findings{repo: repo}
	for _, file := range repo.Files {
		if file.Err != nil {
			found.line(file.Path, 0, "does not parse: %v", file.Err)
		}
	}
	return found.list
}
