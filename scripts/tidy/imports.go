package tidy

import (
	"slices"
	"strings"
)

// allowedModules are the import paths of other modules that base, replication and core may name, each with the
// packages below it, and the folders that may name them (every one of the three, if none is given).
var allowedModules = []struct {
	path    string
	folders []string
}{
	{"github.com/twmb/franz-go/pkg/kmsg", nil},
	{"github.com/twmb/franz-go/pkg/kerr", nil},
	{"go.etcd.io/raft/v3", nil},
	{"github.com/klauspost/compress", nil},
	{"github.com/pierrec/lz4/v4", nil},
	{"golang.org/x/sys", nil},
	{"github.com/prometheus/client_golang", []string{"core/auth", "core/server"}},
	{"github.com/xdg-go/scram", []string{"core/auth", "core/server"}},
}

// allowedInTests are the modules that their tests may name besides.
var allowedInTests = []string{
	"github.com/cockroachdb/datadriven",
	"github.com/google/gofuzz",
	"github.com/twmb/franz-go/pkg/kadm",
	"github.com/twmb/franz-go/pkg/kgo",
	"github.com/twmb/franz-go/pkg/kversion",
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}

// checkImports finds modules that the broker's own code may not name. What those modules import in their turn is
// counted by Linked.
func checkImports(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		for _, imp := range file.imports() {
			if imp.path == "C" {
				found.at(file, imp.spec.Pos(), "imports C: gregor is built without cgo")
			}
			if !slices.Contains([]string{"base", "replication", "core"}, file.Top()) {
				continue
			}
			if imp.own == "" && !standard(imp.path) && !allowedModule(file, imp.path) {
				found.at(file, imp.spec.Pos(), "%s may not import %s", file.Dir(), imp.path)
			}
		}
	})
	return found.list
}

// standard reports whether the import path is the standard library's: its first part has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func allowedModule(file *File, path string) bool {
	for _, module := range allowedModules {
		if inside(path, module.path) {
			return len(module.folders) == 0 || slices.Contains(module.folders, file.Dir())
		}
	}
	return file.Test() && slices.ContainsFunc(allowedInTests, func(m string) bool { return inside(path, m) })
}

// inside reports whether path is root or lies below it.
func inside(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
