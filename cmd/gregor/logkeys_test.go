package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logMethods are the methods of slog.Logger that write a line, with the place of the first key among their arguments.
var logMethods = map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "Log": 3, "With": 0}

// loggers are how the broker's code calls its loggers.
var loggers = regexp.MustCompile(`(?i)(log|storage|grouping|logger)$`)

// logKeys collects the keys of all lines that a broker may log, each with the place of one of them.
type logKeys struct {
	*testing.T
	files *token.FileSet
	found map[string]string
}

// visit looks at one function: calls of loggers, and lists of keys and values that are handed to one later.
func (k *logKeys) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.CallExpr:
		sel, ok := node.Fun.(*ast.SelectorExpr)
		if !ok || !loggers.MatchString(nameOf(sel.X)) {
			return true
		}
		if first, ok := logMethods[sel.Sel.Name]; ok && len(node.Args) > first {
			k.pairs(node.Args[first:])
		}
	case *ast.CompositeLit:
		if list, ok := node.Type.(*ast.ArrayType); ok && nameOf(list.Elt) == "any" && textOf(node.Elts) != "" {
			k.pairs(node.Elts)
		}
	}
	return true
}

// pairs takes keys and values in turn, also those that are appended to a list of them.
func (k *logKeys) pairs(args []ast.Expr) {
	if call, ok := args[0].(*ast.CallExpr); ok && nameOf(call.Fun) == "append" {
		args = call.Args[1:]
	}
	for i := 0; i < len(args); i += 2 {
		at := k.files.Position(args[i].Pos()).String()
		text := textOf(args[i:])
		if text == "" {
			if _, list := args[i].(*ast.Ident); !list {
				k.Errorf("%s: a key is no constant", at)
			}
			return
		}
		k.found[text] = at
	}
}

// nameOf returns the last name of an expression.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// textOf returns the text of the first expression, if it is one.
func textOf(args []ast.Expr) string {
	if len(args) == 0 {
		return ""
	}
	lit, ok := args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

// scan reads the source files of a folder that become part of a broker.
func (k *logKeys) scan(root string) {
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(k.files, name, nil, 0)
		if err == nil {
			ast.Inspect(file, k.visit)
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
}

// Lines of the log are for programs too: their keys are in one form, and all of them are on the page.
func TestLogKeys(t *testing.T) {
	k := &logKeys{T: t, files: token.NewFileSet(), found: make(map[string]string)}
	for _, root := range []string{"../../core", "../../replication", "."} {
		k.scan(root)
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- keys -->\n")
	table, _, _ := strings.Cut(rest, "<!-- end of keys -->")
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, m[1])
		if k.found[m[1]] == "" {
			t.Errorf("%s is on the page, and no line has it", m[1])
		}
	}
	for key, at := range k.found {
		if !slices.Contains(listed, key) {
			t.Errorf("%s: the key %q is not on the page", at, key)
		}
	}
	if len(k.found) < 30 {
		t.Errorf("got %d keys: they are called otherwise than this test thinks", len(k.found))
	}
}
