package tidy

import (
	"fmt"
	"slices"
	"strings"
)

// MaxBrokerModules is how many modules the broker may link.
const MaxBrokerModules = 18

// Broker returns the package patterns of the broker: what runs in production, without command line and harness. Only
// folders that the repository has are in it.
func (r *Repo) Broker() []string {
	return r.patterns("base", "replication", "core")
}

// Simulated returns the package patterns of what the simulator runs, all of which build for js/wasm.
func (r *Repo) Simulated() []string {
	return r.patterns(simulated...)
}

func (r *Repo) patterns(folders ...string) []string {
	var patterns []string
	for _, name := range folders {
		if slices.ContainsFunc(r.Files, func(f *File) bool { return f.Top() == name && f.Go != nil }) {
			patterns = append(patterns, "./"+name+"/...")
		}
	}
	return patterns
}

// Linked returns the modules, as "path version", that packages link on linux/amd64, gregor's own not counted, ordered
// by path. The patterns are as for the go command, run in the current folder: "./core/..." or an import path.
func Linked(patterns ...string) ([]string, error) {
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"
	out, err := goCommand(platforms[0], append([]string{"list", "-deps", "-f", format, "--"}, patterns...)...)
	if err != nil {
		return nil, fmt.Errorf("list the modules linked by %v: %w", patterns, err)
	}
	modules := slices.Sorted(strings.Lines(out))
	for i, module := range modules {
		modules[i] = strings.TrimSpace(module)
	}
	modules = slices.DeleteFunc(modules, func(module string) bool { return module == "" })
	return slices.Compact(modules), nil
}

// TooMany returns a finding if there are more modules than allowed.
func TooMany(modules []string, allowed int) []Finding {
	if len(modules) <= allowed {
		return nil
	}
	text := fmt.Sprintf("the broker links %d modules, at most %d are allowed:\n\t%s",
		len(modules), allowed, strings.Join(modules, "\n\t"))
	return []Finding{{Path: "go.mod", Text: text}}
}
