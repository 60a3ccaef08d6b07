package tidy

import (
	"go/ast"
	"strings"
	"unicode/utf8"
)

// The limits of size. A function is counted from its first line to its closing brace, both included; a line in
// characters, a tab as tabWidth of them.
const (
	maxFunction = 70
	maxColumns  = 120
	tabWidth    = 4
)

// checkSize finds functions and lines that are too long, in tests as elsewhere. Generated code is no exception, since
// there is none.
func checkSize(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		ast.Inspect(file.Go, func(node ast.Node) bool {
			name := ""
			switch node := node.(type) {
			case *ast.FuncDecl:
				name = node.Name.Name
			case *ast.FuncLit:
				name = "a function literal"
			default:
				return true
			}
			first, last := repo.Fset.Position(node.Pos()).Line, repo.Fset.Position(node.End()).Line
			if lines := last - first + 1; lines > maxFunction {
				found.at(file, node.Pos(), "%s has %d lines, at most %d are allowed", name, lines, maxFunction)
			}
			return true
		})
		file.lines(func(number int, text string) {
			columns := utf8.RuneCountInString(text) + (tabWidth-1)*strings.Count(text, "\t")
			if columns > maxColumns {
				found.line(file.Path, number, "%d columns, at most %d are allowed", columns, maxColumns)
			}
		})
	})
	return found.list
}
