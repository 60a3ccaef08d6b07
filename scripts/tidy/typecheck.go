package tidy

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
)

// platform is one way to build the repository.
type platform struct{ goos, goarch string }

// platforms are the two ways that gregor is built. A file that neither builds is a finding, since no rule that needs
// types sees into it.
var platforms = []platform{{"linux", "amd64"}, {"js", "wasm"}}

// checked is one package with its types. Its errors leave the rest usable.
type checked struct {
	types *types.Package
	info  *types.Info
	files []*File
	errs  []error
}

// checker finds the types of the repository's packages, without their tests. Packages of the repository are checked
// from source, so that one which does not compile hides nothing but itself; all others come from the export data
// that the go command's build cache holds.
type checker struct {
	repo     *Repo
	platform platform
	outside  types.Importer
	packages map[string]*checked // by folder; nil while being checked
}

var _ types.Importer = (*checker)(nil)

func newChecker(repo *Repo, on platform) *checker {
	lookup := func(path string) (io.ReadCloser, error) { return exports.open(on, path) }
	return &checker{
		repo:     repo,
		platform: on,
		outside:  importer.ForCompiler(repo.Fset, "gc", lookup),
		packages: make(map[string]*checked),
	}
}

// Import implements types.Importer.
func (c *checker) Import(path string) (*types.Package, error) {
	dir, own := strings.CutPrefix(path, Module+"/")
	if !own {
		return c.outside.Import(path)
	}
	pkg, err := c.check(dir)
	if err != nil {
		return nil, err
	}
	return pkg.types, nil
}

// check returns the package of a folder, with an error only if there is none or if it imports itself.
func (c *checker) check(dir string) (*checked, error) {
	if pkg, ok := c.packages[dir]; ok {
		if pkg == nil {
			return nil, fmt.Errorf("%s imports itself", dir)
		}
		return pkg, nil
	}
	c.packages[dir] = nil
	pkg := &checked{info: &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue),
		Defs:  make(map[*ast.Ident]types.Object),
		Uses:  make(map[*ast.Ident]types.Object),
	}}
	var trees []*ast.File
	c.repo.source(func(file *File) {
		if file.Dir() == dir && !file.Test() && c.builds(file) {
			pkg.files = append(pkg.files, file)
			trees = append(trees, file.Go)
		}
	})
	if len(trees) == 0 {
		return nil, fmt.Errorf("no Go files for %s/%s in %s", c.platform.goos, c.platform.goarch, dir)
	}
	config := types.Config{
		Importer: c,
		Sizes:    types.SizesFor("gc", c.platform.goarch),
		Error:    func(err error) { pkg.errs = append(pkg.errs, err) },
	}
	pkg.types, _ = config.Check(Module+"/"+dir, c.repo.Fset, trees, pkg.info) // every error went to Error
	c.packages[dir] = pkg
	return pkg, nil
}

// builds reports whether the platform builds the file, by its name and its build constraints.
func (c *checker) builds(file *File) bool {
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = c.platform.goos, c.platform.goarch, false
	context.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Data)), nil }
	match, err := context.MatchFile(file.Dir(), path.Base(file.Path))
	return err == nil && match
}

// exports is the process's knowledge of where export data lies.
var exports = exportFiles{files: make(map[platform]map[string]string)}

type exportFiles struct {
	mu    sync.Mutex
	files map[platform]map[string]string // file by import path
}

// open returns the export data of a package outside of the repository. The packages must have been told to find.
func (e *exportFiles) open(on platform, path string) (io.ReadCloser, error) {
	e.mu.Lock()
	file := e.files[on][path]
	e.mu.Unlock()
	if file == "" {
		return nil, fmt.Errorf("no export data for %s", path)
	}
	return os.Open(file)
}

// find asks the go command for the export data of packages and of all that they import, unless it is known already.
func (e *exportFiles) find(on platform, paths []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.files[on] == nil {
		e.files[on] = make(map[string]string)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return e.files[on][path] != "" || path == "unsafe" })
	if len(paths) == 0 {
		return nil
	}
	arguments := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "--"}
	out, err := goCommand(on, append(arguments, paths...)...)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		e.files[on][path] = file
	}
	return nil
}

// goCommand runs the go command for a platform, without cgo, and returns what it prints.
func goCommand(on platform, arguments ...string) (string, error) {
	command := exec.Command("go", arguments...)
	command.Env = append(os.Environ(), "GOOS="+on.goos, "GOARCH="+on.goarch, "CGO_ENABLED=0")
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w\n%s", arguments[0], err, exit.Stderr)
	}
	return string(out), err
}

// typed visits every package that is subject to the bans, once for each platform that builds a file which no platform
// before it built. It adds findings for what does not type-check and for what no platform builds.
func (f *findings) typed(visit func(*checked)) {
	waiting := make(map[string][]*File)
	outside := make(map[string]bool)
	f.repo.source(func(file *File) {
		if file.Test() || !slices.Contains(simulated, file.Top()) {
			return
		}
		for _, imp := range file.imports() {
			if imp.own == "" {
				outside[imp.path] = true
			}
		}
		if file.below() {
			waiting[file.Dir()] = append(waiting[file.Dir()], file)
		}
	})
	for _, on := range platforms {
		if len(waiting) == 0 {
			return
		}
		if err := exports.find(on, sortedKeys(outside)); err != nil {
			f.line(".", 0, "cannot find the types of what the broker imports: %v", err)
			return
		}
		f.typedOn(newChecker(f.repo, on), waiting, visit)
	}
	for _, dir := range sortedKeys(waiting) {
		for _, file := range waiting[dir] {
			f.line(file.Path, 0, "none of the platforms %v builds this file", platforms)
		}
	}
}

// maxTypeErrors is how many errors of one package are told; the compiler tells the rest.
const maxTypeErrors = 3

// typedOn visits the packages with files still waiting, and takes from waiting the files that the platform builds.
func (f *findings) typedOn(types *checker, waiting map[string][]*File, visit func(*checked)) {
	for _, dir := range sortedKeys(waiting) {
		if !slices.ContainsFunc(waiting[dir], types.builds) {
			continue
		}
		pkg, err := types.check(dir)
		if err != nil {
			f.line(dir, 0, "does not type-check: %v", err)
			continue
		}
		for _, err := range pkg.errs[:min(len(pkg.errs), maxTypeErrors)] {
			f.typeError(dir, err)
		}
		waiting[dir] = slices.DeleteFunc(waiting[dir], types.builds)
		if len(waiting[dir]) == 0 {
			delete(waiting, dir)
		}
		visit(pkg)
	}
}

func (f *findings) typeError(dir string, err error) {
	var typeErr types.Error
	if !errors.As(err, &typeErr) {
		f.line(dir, 0, "does not type-check: %v", err)
		return
	}
	at := token.Position{Filename: dir}
	if typeErr.Pos.IsValid() {
		at = typeErr.Fset.Position(typeErr.Pos)
	}
	f.line(at.Filename, at.Line, "does not type-check: %s", typeErr.Msg)
}

// sortedKeys returns a map's keys in their order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
