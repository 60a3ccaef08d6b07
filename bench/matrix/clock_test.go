//go:build linux

package matrix_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wall finds in a file what takes a time from the wall clock, or the reading of the monotonic clock from a time: a
// duration between two such times changes when the clock is set. The creation times of records are no durations, as
// long as nobody subtracts them.
func wall(f *ast.File) (found []string) {
	calls := func(n ast.Node, names ...string) string {
		if call, ok := n.(*ast.CallExpr); ok {
			if s, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains(names, s.Sel.Name) {
				return s.Sel.Name
			}
		}
		return ""
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if name := calls(n, "UnixNano", "UnixMicro", "Unix", "AppendFormat", "MarshalText"); name != "" {
			found = append(found, name)
		}
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "CLOCK_REALTIME") {
			found = append(found, s.Sel.Name)
		}
		if name := calls(n, "Round", "Truncate"); name != "" {
			if zero, ok := n.(*ast.CallExpr).Args[0].(*ast.BasicLit); ok && zero.Value == "0" {
				found = append(found, name)
			}
		}
		if b, ok := n.(*ast.BinaryExpr); ok && b.Op == token.SUB {
			if name := calls(b.X, "UnixMilli") + calls(b.Y, "UnixMilli"); name != "" {
				found = append(found, name)
			}
		}
		return true
	})
	return found
}

// TestClockThatSteps: all durations of the load, the raw loops, the rows and the studies are differences of readings of
// the monotonic clock, which time.Now takes too. So a clock that is set meanwhile changes no figure.
func TestClockThatSteps(t *testing.T) {
	files := 0
	for _, dir := range []string{"limit", "load", "matrix", "peer", "study"} {
		names, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files++
			for _, what := range wall(f) {
				t.Errorf("%s: %s takes a time from the wall clock", name, what)
			}
		}
	}
	if files < 50 {
		t.Errorf("looked at %d files, expected all of the harness", files)
	}
	for _, bad := range []string{
		"began.UnixNano()", "time.Now().Round(0)", "time.Now().UnixMilli() - began", "now - began.UnixMilli()",
		"unix.ClockGettime(unix.CLOCK_REALTIME, &t)",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package p; var _ = "+bad, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(wall(f)) != 1 {
			t.Errorf("%s: got %v", bad, wall(f))
		}
	}
}
