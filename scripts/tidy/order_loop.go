package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// loop decides whether one loop over a map does the same whatever the order of its rounds.
//
// It walks the body once and notes three things by path (a variable, a chain of its fields, or an element): what is
// written and by which kind of write, what is read, and what is returned. The order cannot be seen if no path is
// written in two ways, nothing that is written is read, and each kind of write gives the same in any order.
//
// The weak point is aliasing: two paths that lead to one place are taken for two places.
type loop struct {
	info *types.Info
	stmt *ast.RangeStmt
	key  types.Object // nil if the loop names no key
	over string       // the path of the map

	writes   map[string]kind
	consts   map[string]string // by path: the one constant that is written
	reads    []string
	sorted   map[string]bool // by path appended to: whether keys alone are appended
	returned []string

	problem string // the first reason why the order may be seen
	at      token.Pos
}

// kind is a kind of write that gives the same result in any order, as long as it is the only kind at its path.
type kind string

const (
	adding    kind = "added to"
	setting   kind = "set by |="
	clearing  kind = "cleared by &="
	flipping  kind = "flipped by ^="
	minimum   kind = "set to a minimum"
	maximum   kind = "set to a maximum"
	constant  kind = "set to a constant"
	deleting  kind = "deleted from"
	appending kind = "appended to"
	keyed     kind = "written at the loop's key" // each round has an element of its own, so any number of ways will do
)

func newLoop(info *types.Info, stmt *ast.RangeStmt) *loop {
	l := &loop{
		info: info, stmt: stmt, at: stmt.Pos(),
		writes: make(map[string]kind), consts: make(map[string]string), sorted: make(map[string]bool),
	}
	if name, ok := stmt.Key.(*ast.Ident); ok && stmt.Tok == token.DEFINE {
		l.key = info.Defs[name]
	}
	return l
}

// fail notes the first problem.
func (l *loop) fail(at token.Pos, format string, args ...any) {
	if l.problem == "" {
		l.problem, l.at = fmt.Sprintf(format, args...), at
	}
}

// judge decides the loop; after are the statements that follow it.
func (l *loop) judge(after []ast.Stmt) {
	if l.stmt.Tok == token.ASSIGN {
		l.fail(l.stmt.Pos(), "its variables keep the last round's values")
	}
	l.over = l.path(l.stmt.X)
	l.block(l.stmt.Body, false)
	for _, path := range sortedKeys(l.writes) {
		l.judgeWrite(path)
	}
	for _, value := range l.returned {
		if value != l.returned[0] || len(l.writes) > 0 {
			l.fail(l.stmt.Pos(), "what it returns, or what it did before, depends on which key comes first")
		}
	}
	l.judgeAppends(after)
}

func (l *loop) judgeWrite(path string) {
	for _, read := range l.reads {
		if overlap(path, read) && !(path == read && l.writes[path] == keyed) {
			l.fail(l.stmt.Pos(), "%s is both read and %s", display(path), l.writes[path])
		}
	}
	for _, other := range sortedKeys(l.writes) {
		if other != path && overlap(path, other) {
			l.fail(l.stmt.Pos(), "%s is written in more ways than one", display(path))
		}
	}
	if l.over != "" && overlap(path, l.over) && path != l.over+keyElement {
		l.fail(l.stmt.Pos(), "the map itself is %s at another key than the loop's", l.writes[path])
	}
}

// judgeAppends wants each slice that was appended to sorted by the statements that follow the loop at once: by the
// values' own order, or, if keys alone were appended, by any comparison.
func (l *loop) judgeAppends(after []ast.Stmt) {
	done := make(map[string]bool)
	for _, stmt := range after {
		what, natural := l.sort(stmt)
		if what == nil {
			break
		}
		if path := l.path(what); natural || l.sorted[path] {
			done[path] = true
		}
	}
	for _, path := range sortedKeys(l.sorted) {
		if !done[path] {
			l.fail(l.stmt.Pos(), "%s is appended to, and not sorted right after (by slices.Sort, or by a "+
				"comparison if the loop's key alone is appended)", display(path))
		}
	}
}

// sort returns what a statement sorts, nil if it is no call that sorts, and whether equal elements cannot be told
// apart afterwards.
func (l *loop) sort(stmt ast.Stmt) (what ast.Expr, natural bool) {
	expr, ok := stmt.(*ast.ExprStmt)
	if !ok {
		return nil, false
	}
	call, ok := expr.X.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil, false
	}
	switch function(l.info, call) {
	case "slices.Sort", "sort.Strings", "sort.Ints":
		return call.Args[0], true
	case "slices.SortFunc", "sort.Slice":
		return call.Args[0], false
	}
	return nil, false
}

// keyElement is what a path ends with for the element at the loop's own key.
const keyElement = "[key]"

// path returns a name for a place in memory: "variable@position.field[key]". An element at any other index than the
// loop's key stands for the whole that it is an element of. It returns "" for what it cannot name.
func (l *loop) path(expr ast.Expr) string {
	path, _ := l.place(expr)
	return path
}

// place returns a path, and whether it names the expression's place alone and can be followed further.
func (l *loop) place(expr ast.Expr) (path string, exact bool) {
	switch expr := ast.Unparen(expr).(type) {
	case *ast.Ident:
		if object := l.object(expr); object != nil {
			return fmt.Sprintf("%s@%d", object.Name(), object.Pos()), true
		}
	case *ast.StarExpr:
		return l.place(expr.X)
	case *ast.SelectorExpr:
		if name, ok := expr.X.(*ast.Ident); ok {
			if _, ok := l.info.Uses[name].(*types.PkgName); ok {
				return l.place(expr.Sel)
			}
		}
		path, exact = l.place(expr.X)
		if exact {
			path += "." + expr.Sel.Name
		}
		return path, exact
	case *ast.IndexExpr:
		path, exact = l.place(expr.X)
		if exact && l.isKey(expr.Index) {
			return path + keyElement, true
		}
		return path, false
	}
	return "", false
}

// object returns the variable that an identifier stands for.
func (l *loop) object(name *ast.Ident) types.Object {
	if object := l.info.Defs[name]; object != nil {
		return object
	}
	return l.info.Uses[name]
}

// isKey reports whether an expression is the loop's key variable.
func (l *loop) isKey(expr ast.Expr) bool {
	name, ok := ast.Unparen(expr).(*ast.Ident)
	return ok && l.key != nil && l.info.Uses[name] == l.key
}

// local reports whether a variable is made anew in each round.
func (l *loop) local(object types.Object) bool {
	return object != nil && l.stmt.Pos() <= object.Pos() && object.Pos() < l.stmt.End()
}

// overlap reports whether one path lies within the other.
func overlap(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, ok := strings.CutPrefix(b, a)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// display returns a path as the source has it.
func display(path string) string {
	name, rest, _ := strings.Cut(path, "@")
	return name + strings.TrimLeft(rest, "0123456789")
}

// write notes a write of some kind to a place.
func (l *loop) write(to ast.Expr, how kind) {
	l.readIndexes(to)
	if name, ok := ast.Unparen(to).(*ast.Ident); ok && l.key != nil && l.object(name) == l.key {
		l.fail(to.Pos(), "the loop's key is changed")
		return
	}
	if l.localPlace(to) {
		return
	}
	path := l.path(to)
	if path == "" {
		l.fail(to.Pos(), "a write to a place that cannot be followed")
		return
	}
	if strings.HasSuffix(path, keyElement) && how != appending {
		how = keyed
	}
	if before, ok := l.writes[path]; ok && before != how {
		l.fail(to.Pos(), "%s is both %s and %s", display(path), before, how)
	}
	l.writes[path] = how
}

// readIndexes notes the reads within a place that is written: m[f(x)] reads x.
func (l *loop) readIndexes(to ast.Expr) {
	switch to := ast.Unparen(to).(type) {
	case *ast.IndexExpr:
		l.expressions(to.Index)
		l.readIndexes(to.X)
	case *ast.SelectorExpr:
		l.readIndexes(to.X)
	case *ast.StarExpr:
		l.readIndexes(to.X)
	}
}

// writeConstant notes that a place is set to a value that is the same in each round.
func (l *loop) writeConstant(to, value ast.Expr) {
	l.write(to, constant)
	path, text := l.path(to), types.ExprString(value)
	if before, ok := l.consts[path]; ok && before != text && l.writes[path] == constant {
		l.fail(to.Pos(), "%s is set to %s and to %s", display(path), before, text)
	}
	l.consts[path] = text
}

// pureFunctions are functions outside of the repository that neither change nor remember anything, by package; "*"
// stands for all functions of the package.
var pureFunctions = map[string][]string{
	"bytes": {"*"}, "cmp": {"*"}, "errors": {"Is", "New"}, "fmt": {"Errorf", "Sprint", "Sprintf"},
	"maps": {"Clone", "Equal"}, "math": {"*"}, "math/bits": {"*"}, "path": {"*"},
	"slices":  {"BinarySearch", "Clone", "Compare", "Contains", "Equal", "Index", "Max", "Min"},
	"strconv": {"*"}, "strings": {"*"}, "unicode": {"*"}, "unicode/utf8": {"*"},
}

// pure reports whether a call changes nothing: a conversion, a builtin without effect, one of pureFunctions, or
// anything of base and of package time, which hold values only (time's clock is banned by another rule).
func (l *loop) pure(call *ast.CallExpr) bool {
	if l.info.Types[call.Fun].IsType() {
		return true
	}
	name := callee(call)
	if name == nil {
		return false
	}
	switch object := l.info.Uses[name].(type) {
	case *types.Builtin:
		return slices.Contains([]string{"cap", "complex", "imag", "len", "make", "max", "min", "new", "real"},
			object.Name())
	case *types.Func:
		if object.Pkg() == nil {
			return false
		}
		switch path := object.Pkg().Path(); path {
		case Module + "/base", "time":
			return true
		default:
			names := pureFunctions[path]
			return object.Signature().Recv() == nil && len(names) > 0 &&
				(names[0] == "*" || slices.Contains(names, object.Name()))
		}
	}
	return false
}
