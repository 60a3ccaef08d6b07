package tidy

import (
	"go/ast"
	"slices"
)

// checkTests finds tests that are skipped and tests that sleep: the one proves nothing, the other proves something
// about the machine. It looks for Skip, SkipNow and Skipf on anything that is declared as a *testing.T, B, F or
// testing.TB, in helpers outside of tests as well, and for time.Sleep in tests.
func checkTests(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		names := make(map[string]string)
		for _, imp := range file.imports() {
			names[imp.path] = imp.path
			if imp.spec.Name != nil {
				names[imp.path] = imp.spec.Name.Name
			}
		}
		handles := testHandles(file, names["testing"])
		ast.Inspect(file.Go, func(node ast.Node) bool {
			sel, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			on := lastName(sel.X)
			switch {
			case on == "":
			case slices.Contains([]string{"Skip", "SkipNow", "Skipf"}, sel.Sel.Name) && handles[on]:
				found.at(file, sel.Pos(), "%s.%s: no test is skipped", on, sel.Sel.Name)
			case sel.Sel.Name == "Short" && on == names["testing"]:
				found.at(file, sel.Pos(), "testing.Short: no test is skipped")
			case sel.Sel.Name == "Sleep" && on == names["time"] && file.Test():
				found.at(file, sel.Pos(), "time.Sleep in a test: wait for what is to happen instead")
			}
			return true
		})
	})
	return found.list
}

// testHandles returns the names of all parameters, variables, fields and embedded fields whose type is one of the
// testing package's handles; pkg is the file's name for that package.
func testHandles(file *File, pkg string) map[string]bool {
	handles := make(map[string]bool)
	add := func(kind ast.Expr, names []*ast.Ident) {
		if star, ok := kind.(*ast.StarExpr); ok {
			kind = star.X
		}
		sel, ok := kind.(*ast.SelectorExpr)
		if !ok || lastName(sel.X) != pkg || !slices.Contains([]string{"T", "B", "F", "TB"}, sel.Sel.Name) {
			return
		}
		for _, name := range names {
			handles[name.Name] = true
		}
		if len(names) == 0 {
			handles[sel.Sel.Name] = true
		}
	}
	if pkg == "" {
		return handles
	}
	ast.Inspect(file.Go, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.Field:
			add(node.Type, node.Names)
		case *ast.ValueSpec:
			add(node.Type, node.Names)
		}
		return true
	})
	return handles
}

// lastName returns x for x and for a.b.x, and "" for anything that is no chain of names.
func lastName(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		return expr.Sel.Name
	}
	return ""
}
