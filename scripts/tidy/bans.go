package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// bannedImports are packages that nothing below the real driver may import, with all below them: each lets in
// something that the simulator does not decide.
var bannedImports = []struct{ path, why string }{
	{"C", "cgo"},
	{"crypto/rand", "chance: draw from an env.Source"},
	{"golang.org/x/sys", "the operating system"},
	{"hash/maphash", "a seed of its own: hash with a fixed function"},
	{"io/ioutil", "files: use vfs"},
	{"log", "the process's own output, with its own clock"},
	{"math/rand", "chance: draw from an env.Source"},
	{"net", "sockets"},
	{"os", "the operating system: files are vfs's"},
	{"plugin", "code from outside"},
	{"syscall", "the operating system"},
}

// bannedNames are names of packages that may be imported otherwise.
var bannedNames = map[string]map[string]string{
	"context": {
		"AfterFunc": "a goroutine", "WithCancel": "a channel", "WithCancelCause": "a channel",
		"WithDeadline": "a timer", "WithDeadlineCause": "a timer",
		"WithTimeout": "a timer", "WithTimeoutCause": "a timer",
	},
	"runtime": {
		"AddCleanup": "a goroutine", "Gosched": "the scheduler", "NumGoroutine": "the scheduler",
		"SetFinalizer": "a goroutine",
	},
	"sync": {
		"Cond": "waiting", "NewCond": "waiting", "WaitGroup": "waiting for goroutines",
		"Map": "a map whose Range has no order",
	},
	"time": {
		"After": "a timer", "AfterFunc": "a timer", "NewTicker": "a timer", "NewTimer": "a timer", "Sleep": "a timer",
		"Tick": "a timer", "Ticker": "a timer", "Timer": "a timer",
		"Now": "the clock: take the instant as an argument", "Since": "the clock", "Until": "the clock",
		"LoadLocation": "the machine's time zones", "Local": "the machine's time zone",
	},
}

// checkBans finds what the simulated half of the house may not hold (see below): goroutines, channels, select, clocks
// and timers, chance, files and sockets. It looks at the syntax of every file, whatever it is built for.
func checkBans(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		if !file.below() {
			return
		}
		names := checkBannedImports(&found, file)
		ast.Inspect(file.Go, func(node ast.Node) bool {
			if what := bannedSyntax(node); what != "" {
				found.at(file, node.Pos(), "%s below the real driver", what)
			}
			if sel, ok := node.(*ast.SelectorExpr); ok {
				checkBannedName(&found, file, names, sel)
			}
			return true
		})
		for _, group := range file.Go.Comments {
			for _, comment := range group.List {
				if strings.HasPrefix(comment.Text, "//go:linkname") {
					found.at(file, comment.Pos(), "go:linkname reaches past every ban")
				}
			}
		}
	})
	return found.list
}

// checkBannedImports finds banned imports and returns the file's names for the packages that it imports.
func checkBannedImports(found *findings, file *File) map[string]string {
	names := make(map[string]string)
	for _, imp := range file.imports() {
		for _, ban := range bannedImports {
			// "log" bans the package and not what lies below it: log/slog has no output until it is given one.
			if imp.path == ban.path || ban.path != "log" && inside(imp.path, ban.path) {
				found.at(file, imp.spec.Pos(), "imports %s below the real driver (%s)", imp.path, ban.why)
			}
		}
		name := path.Base(imp.path)
		if imp.spec.Name != nil {
			name = imp.spec.Name.Name
		}
		if name == "." {
			found.at(file, imp.spec.Pos(), "imports %s with a dot, which hides where its names come from", imp.path)
		}
		names[name] = imp.path
	}
	return names
}

func checkBannedName(found *findings, file *File, names map[string]string, sel *ast.SelectorExpr) {
	if pkg, ok := sel.X.(*ast.Ident); ok {
		if why := bannedNames[names[pkg.Name]][sel.Sel.Name]; why != "" {
			found.at(file, sel.Pos(), "%s.%s below the real driver (%s)", names[pkg.Name], sel.Sel.Name, why)
		}
	}
	switch sel.Sel.Name {
	case "MapKeys", "MapRange": // reflect's two ways around the rule on map order
		found.at(file, sel.Pos(), "%s gives a map's keys in no order", strconv.Quote(sel.Sel.Name))
	}
}

// bannedSyntax names what a node is, if it is banned.
func bannedSyntax(node ast.Node) string {
	switch node := node.(type) {
	case *ast.GoStmt:
		return "a go statement"
	case *ast.SelectStmt:
		return "a select statement"
	case *ast.ChanType:
		return "a channel type"
	case *ast.SendStmt:
		return "a send to a channel"
	case *ast.UnaryExpr:
		if node.Op == token.ARROW {
			return "a receive from a channel"
		}
	}
	return ""
}
