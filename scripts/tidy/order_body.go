package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// block checks a list of statements. inner says whether an unlabelled break would end something inside of the loop.
func (l *loop) block(body *ast.BlockStmt, inner bool) {
	for _, stmt := range body.List {
		l.statement(stmt, inner)
	}
}

// statement checks one statement of the body. These are the shapes that pass; all expressions in them must be free of
// effects (see expressions), and nothing they read may be written by any round (see judgeWrite):
//
//	delete(m, k), delete(other, e)        deleting from the map itself by the loop's key alone
//	n++, n--, n += i, n -= i              integers; likewise |=, &=, ^= alone
//	n = min(n, e), n = max(n, e)
//	found = true, seen[e] = struct{}{}    the same constant in every round
//	out[k] = e, out[k] += e, ...          an element of the round's own
//	keys = append(keys, k)                keys is sorted right after the loop
//	return true                           constants only, and no writes beside it
//	x := e, var x T, x = e                x being made anew in each round; slices.Sort(x)
//	if, switch, for, range, continue      of these shapes; break inside of inner loops and switches
//	base.Assert(...)
func (l *loop) statement(stmt ast.Stmt, inner bool) {
	switch stmt := stmt.(type) {
	case nil, *ast.EmptyStmt:
	case *ast.BlockStmt:
		l.block(stmt, inner)
	case *ast.ExprStmt:
		l.effect(stmt)
	case *ast.IncDecStmt:
		l.add(stmt.X, adding)
	case *ast.AssignStmt:
		l.assign(stmt)
	case *ast.DeclStmt:
		l.expressions(stmt)
	case *ast.ReturnStmt:
		l.result(stmt)
	case *ast.BranchStmt:
		leaves := stmt.Tok == token.BREAK && !inner || stmt.Tok == token.GOTO
		if leaves || stmt.Label != nil {
			l.fail(stmt.Pos(), "which rounds come before this %s depends on the order", stmt.Tok)
		}
	case *ast.IfStmt:
		l.statement(stmt.Init, inner)
		l.expressions(stmt.Cond)
		l.block(stmt.Body, inner)
		l.statement(stmt.Else, inner)
	default:
		l.compound(stmt)
	}
}

// compound checks the statements that a break inside of them ends.
func (l *loop) compound(stmt ast.Stmt) {
	switch stmt := stmt.(type) {
	case *ast.SwitchStmt:
		l.statement(stmt.Init, true)
		l.expressions(stmt.Tag)
		l.block(stmt.Body, true)
	case *ast.TypeSwitchStmt:
		l.statement(stmt.Init, true)
		l.expressions(stmt.Assign)
		l.block(stmt.Body, true)
	case *ast.CaseClause:
		for _, expr := range stmt.List {
			l.expressions(expr)
		}
		for _, inner := range stmt.Body {
			l.statement(inner, true)
		}
	case *ast.ForStmt:
		l.statement(stmt.Init, true)
		l.expressions(stmt.Cond)
		l.statement(stmt.Post, true)
		l.block(stmt.Body, true)
	case *ast.RangeStmt: // over another map, it is also judged for itself
		l.expressions(stmt.X)
		if stmt.Tok == token.ASSIGN {
			l.fail(stmt.Pos(), "an inner loop with variables of its outside")
		}
		l.block(stmt.Body, true)
	default:
		l.fail(stmt.Pos(), "a statement whose effect cannot be followed")
	}
}

// effect checks a call that stands for itself.
func (l *loop) effect(stmt *ast.ExprStmt) {
	call, ok := stmt.X.(*ast.CallExpr)
	if !ok {
		l.fail(stmt.Pos(), "a statement whose effect cannot be followed")
		return
	}
	if what, _ := l.sort(stmt); what != nil && l.localPlace(what) {
		l.expressions(what)
		return
	}
	switch function(l.info, call) {
	case "delete":
		how := deleting
		if l.isKey(call.Args[1]) {
			how = keyed
		}
		l.expressions(call.Args[1])
		l.write(&ast.IndexExpr{X: call.Args[0], Index: call.Args[1]}, how)
	case Module + "/base.Assert":
		l.arguments(call)
	default:
		l.fail(stmt.Pos(), "a call whose effect cannot be followed")
	}
}

// add checks a write that adds to a place or sets bits in it, which is the same in any order for integers alone.
func (l *loop) add(to ast.Expr, how kind) {
	if basic, ok := typeOf(l.info, to).(*types.Basic); !ok || basic.Info()&types.IsInteger == 0 {
		if !l.localPlace(to) && !l.ownElement(to) {
			l.fail(to.Pos(), "only integers are %s the same in any order", how)
		}
	}
	l.write(to, how)
}

// commuting are the assignments with an operator that give the same in any order.
var commuting = map[token.Token]kind{
	token.ADD_ASSIGN: adding, token.SUB_ASSIGN: adding, token.OR_ASSIGN: setting, token.AND_ASSIGN: clearing,
	token.AND_NOT_ASSIGN: clearing, token.XOR_ASSIGN: flipping,
}

func (l *loop) assign(stmt *ast.AssignStmt) {
	if how, ok := commuting[stmt.Tok]; ok {
		l.expressions(stmt.Rhs[0])
		l.add(stmt.Lhs[0], how)
		return
	}
	if len(stmt.Lhs) == len(stmt.Rhs) {
		for i := range stmt.Lhs {
			l.set(stmt.Lhs[i], stmt.Rhs[i], stmt.Tok)
		}
		return
	}
	l.expressions(stmt.Rhs[0])
	for _, to := range stmt.Lhs {
		l.own(to)
	}
}

// set checks "to = value", "to := value" and the rarer operators.
func (l *loop) set(to, value ast.Expr, operator token.Token) {
	call, isCall := ast.Unparen(value).(*ast.CallExpr)
	name := ""
	if isCall {
		name = function(l.info, call)
	}
	self := isCall && len(call.Args) > 0 && l.path(to) != "" && l.path(call.Args[0]) == l.path(to)
	plain := operator == token.ASSIGN || operator == token.DEFINE
	switch {
	case name == "append" && self && plain:
		l.appended(to, call)
	case (name == "min" || name == "max") && self && plain && !l.localPlace(to) && !l.ownElement(to):
		for _, arg := range call.Args[1:] {
			l.expressions(arg)
		}
		l.write(to, map[string]kind{"min": minimum, "max": maximum}[name])
	case l.isConstant(value) && plain:
		l.writeConstant(to, value)
	default:
		l.expressions(value)
		l.own(to)
	}
}

// appended checks "to = append(to, ...)".
func (l *loop) appended(to ast.Expr, call *ast.CallExpr) {
	keys := !call.Ellipsis.IsValid()
	for _, arg := range call.Args[1:] {
		l.expressions(arg)
		keys = keys && l.isKey(arg)
	}
	if l.localPlace(to) || l.ownElement(to) {
		l.own(to)
		return
	}
	l.write(to, appending)
	path := l.path(to)
	if before, ok := l.sorted[path]; ok {
		keys = keys && before
	}
	l.sorted[path] = keys
}

// own checks that a place belongs to the round alone: then any value may be written to it.
func (l *loop) own(to ast.Expr) {
	if !l.localPlace(to) && !l.ownElement(to) {
		l.fail(to.Pos(), "the last round decides the value of %s", types.ExprString(to))
		return
	}
	l.write(to, keyed)
}

// ownElement reports whether a place is an element at the loop's key.
func (l *loop) ownElement(to ast.Expr) bool {
	index, ok := ast.Unparen(to).(*ast.IndexExpr)
	return ok && l.isKey(index.Index)
}

// localPlace reports whether a place lies in a variable that each round makes anew, and not behind a pointer.
func (l *loop) localPlace(to ast.Expr) bool {
	switch to := ast.Unparen(to).(type) {
	case *ast.Ident:
		object := l.object(to)
		return to.Name == "_" || l.local(object) && object != l.key
	case *ast.SelectorExpr:
		_, ok := typeOf(l.info, to.X).(*types.Struct)
		return ok && l.localPlace(to.X)
	case *ast.IndexExpr:
		_, ok := typeOf(l.info, to.X).(*types.Array)
		return ok && l.localPlace(to.X)
	}
	return false
}

// typeOf returns the type beneath an expression's type, nil if it is not known.
func typeOf(info *types.Info, expr ast.Expr) types.Type {
	if t := info.TypeOf(expr); t != nil {
		return t.Underlying()
	}
	return nil
}

// result checks a return: of values that are the same whichever round returns them.
func (l *loop) result(stmt *ast.ReturnStmt) {
	text := ""
	for _, value := range stmt.Results {
		if !l.isConstant(value) {
			l.fail(value.Pos(), "which round returns %s depends on the order", types.ExprString(value))
		}
		text += types.ExprString(value) + ", "
	}
	l.returned = append(l.returned, text)
}

// isConstant reports whether an expression has the same value in every round: a constant, nil, a composite literal
// without elements, or a variable of outside the loop, which is noted as read.
func (l *loop) isConstant(expr ast.Expr) bool {
	known := l.info.Types[expr]
	if known.Value != nil || known.IsNil() {
		return true
	}
	switch expr := ast.Unparen(expr).(type) {
	case *ast.CompositeLit:
		return len(expr.Elts) == 0
	case *ast.Ident:
		variable, ok := l.object(expr).(*types.Var)
		l.read(expr)
		return ok && !l.local(variable)
	case *ast.SelectorExpr:
		if name, ok := expr.X.(*ast.Ident); ok {
			if _, ok := l.info.Uses[name].(*types.PkgName); ok {
				return l.isConstant(expr.Sel)
			}
		}
		return l.isConstant(expr.X) && !l.read(expr)
	}
	return false
}

// expressions checks that the expressions of a node have no effect, and notes what they read.
func (l *loop) expressions(node ast.Node) {
	if node == nil {
		return
	}
	ast.Inspect(node, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			l.fail(node.Pos(), "a function literal, whose effect cannot be followed")
			return false
		case *ast.UnaryExpr:
			_, fresh := ast.Unparen(node.X).(*ast.CompositeLit)
			if node.Op == token.ARROW || node.Op == token.AND && !fresh {
				l.fail(node.Pos(), "%s, whose effect cannot be followed", types.ExprString(node))
			}
		case *ast.CallExpr:
			if !l.pure(node) {
				l.fail(node.Pos(), "a call of %s, whose effect cannot be followed", types.ExprString(node.Fun))
				return false
			}
			if _, method := ast.Unparen(node.Fun).(*ast.SelectorExpr); method {
				l.expressions(node.Fun)
			}
			l.arguments(node)
			return false
		case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
			return l.read(node.(ast.Expr))
		}
		return true
	})
}

func (l *loop) arguments(call *ast.CallExpr) {
	for _, arg := range call.Args {
		if !l.info.Types[arg].IsType() {
			l.expressions(arg)
		}
	}
}

// read notes a place that is read, and returns whether the parts of the expression must be looked at instead.
func (l *loop) read(expr ast.Expr) bool {
	if l.path(expr) == "" {
		return true
	}
	l.note(expr)
	l.readIndexes(expr)
	return false
}

func (l *loop) note(expr ast.Expr) {
	if path := l.path(expr); path != "" && !slices.Contains(l.reads, path) {
		l.reads = append(l.reads, path)
	}
}
