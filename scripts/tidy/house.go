package tidy

import (
	"slices"
	"strings"
)

// folder is one top-level folder of the house that holds Go code.
type folder struct {
	name string
	// level orders the folders: a folder imports only folders of a lower level. Folders of one level do not know of
	// each other.
	level int
	// packages are the folder's packages by rank, each importing only those before it; "" is the folder itself.
	packages []string
	// open says that the folder may hold further packages, which have no rank.
	open bool
}

// house is the whole house, from the ground up.
var house = []folder{
	{name: "base", level: 0, packages: []string{""}},
	{name: "replication", level: 1, packages: []string{"isr", "follower", "meta", "quorum"}},
	{name: "core", level: 2, packages: []string{
		"env", "config", "vfs", "batch", "wire", "segment", "commitlog", "group", "txn", "auth", "broker", "server",
	}},
	{name: "netsim", level: 3, packages: []string{"clock", "disk", "link", "world", "scenario"}},
	{name: "gregortest", level: 4, packages: []string{""}},
	{name: "bench", level: 5, packages: []string{"result", "limit", "load", "peer", "matrix", "study"}},
	{name: "consistency", level: 5, packages: []string{"history", "workload", "model", "anomaly", "checker"}},
	{name: "fuzz", level: 5, packages: []string{""}},
	{name: "reports", level: 6, packages: []string{""}},
	{name: "cmd", level: 7, packages: []string{"gregor"}, open: true},
	{name: "scripts", level: 8, open: true},
}

// plain are the top-level folders that hold no Go packages of the module.
var plain = []string{".ci", "contrib", "docs", "testdata"}

// lookup finds the top-level folder of a package's path in the module.
func lookup(dir string) (folder, bool) {
	top, _, _ := strings.Cut(dir, "/")
	at := slices.IndexFunc(house, func(f folder) bool { return f.name == top })
	if at < 0 {
		return folder{}, false
	}
	return house[at], true
}

// rank returns the place of a package among its folder's packages, or -1.
func (f folder) rank(dir string) int {
	return slices.Index(f.packages, strings.TrimPrefix(strings.TrimPrefix(dir, f.name), "/"))
}

// below reports whether the file belongs to the half of the house that the simulator runs: everything below the real
// driver but for env, which holds the clock and chance, and the operating system's half of vfs. Tests are their own
// drivers and may do what a driver does.
func (f *File) below() bool {
	switch f.Dir() {
	case "core/env", "core/server":
		return false
	case "core/vfs":
		return !f.Test() && !strings.HasPrefix(f.Path, "core/vfs/os")
	}
	return !f.Test() && slices.Contains(simulated, f.Top())
}

// simulated are the folders that run inside the simulator, and that build for js/wasm.
var simulated = []string{"base", "replication", "core", "netsim"}
