package tidy

import (
	"go/ast"
	"go/types"
	"strings"
)

// checkOrder finds iteration over maps whose order could be seen from outside, wherever the bans hold: the same seed
// must give the same run, and Go draws a new order each time. A loop over a map passes only if its order provably
// cannot matter, which is decided from its shape alone (see loop.statement for the shapes). All other loops go over
// sorted keys:
//
//	for _, key := range slices.Sorted(maps.Keys(m)) {
//
// The iterators of package maps are taken for what they are: Keys, Values and All may only be handed to slices.Sorted,
// Keys also to slices.SortedFunc (keys are distinct, so that a comparison of whole keys leaves no ties to the map).
func checkOrder(repo *Repo) []Finding {
	found := findings{repo: repo}
	found.typed(func(pkg *checked) {
		for _, file := range pkg.files {
			if !file.below() {
				continue
			}
			checkIterators(&found, file, pkg.info)
			statements(file.Go, func(stmt ast.Stmt, after []ast.Stmt) {
				if label, ok := stmt.(*ast.LabeledStmt); ok {
					stmt = label.Stmt
				}
				if loop, ok := stmt.(*ast.RangeStmt); ok {
					checkRange(&found, file, pkg.info, loop, after)
				}
			})
		}
	})
	return found.list
}

// statements visits every statement of every list of statements, with those that follow it in the list.
func statements(tree ast.Node, visit func(stmt ast.Stmt, after []ast.Stmt)) {
	ast.Inspect(tree, func(node ast.Node) bool {
		var list []ast.Stmt
		switch node := node.(type) {
		case *ast.BlockStmt:
			list = node.List
		case *ast.CaseClause:
			list = node.Body
		case *ast.CommClause:
			list = node.Body
		}
		for i, stmt := range list {
			visit(stmt, list[i+1:])
		}
		return true
	})
}

func checkRange(found *findings, file *File, info *types.Info, stmt *ast.RangeStmt, after []ast.Stmt) {
	over := info.TypeOf(stmt.X)
	switch {
	case over == nil: // a type error, reported as such
	case hasCore[*types.Chan](over):
		found.at(file, stmt.Pos(), "a loop over a channel below the real driver")
	case hasCore[*types.Map](over):
		loop := newLoop(info, stmt)
		loop.judge(after)
		if loop.problem != "" {
			found.at(file, loop.at, "the order of a loop over a map may be seen: %s", loop.problem)
		}
	}
}

// hasCore reports whether a type is a K beneath its names, or may be one as a type parameter.
func hasCore[K types.Type](t types.Type) bool {
	if _, ok := t.Underlying().(K); ok {
		return true
	}
	param, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return false
	}
	constraint, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok {
		return false
	}
	for i := range constraint.NumEmbeddeds() {
		embedded := constraint.EmbeddedType(i)
		union, ok := embedded.(*types.Union)
		if !ok {
			if _, ok := embedded.Underlying().(K); ok {
				return true
			}
			continue
		}
		for j := range union.Len() {
			if _, ok := union.Term(j).Type().Underlying().(K); ok {
				return true
			}
		}
	}
	return false
}

// checkIterators finds uses of package maps' iterators other than the two allowed ones.
func checkIterators(found *findings, file *File, info *types.Info) {
	allowed := make(map[*ast.Ident]bool)
	ast.Inspect(file.Go, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok {
			sorted, iterator := function(info, call), function(info, inner)
			switch {
			case sorted == "slices.Sorted" && strings.HasPrefix(iterator, "maps."),
				sorted == "slices.SortedFunc" && iterator == "maps.Keys":
				allowed[callee(inner)] = true
			}
		}
		return true
	})
	ast.Inspect(file.Go, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok && !allowed[name] {
			switch full := fullName(info.Uses[name]); full {
			case "maps.Keys", "maps.Values", "maps.All", "maps.DeleteFunc":
				found.at(file, name.Pos(), "%s goes through a map in no order: want slices.Sorted(maps.Keys(m))", full)
			}
		}
		return true
	})
}

// callee returns the last identifier of what a call calls, nil if it has none.
func callee(call *ast.CallExpr) *ast.Ident {
	fun := ast.Unparen(call.Fun)
	switch index := fun.(type) {
	case *ast.IndexExpr:
		fun = index.X
	case *ast.IndexListExpr:
		fun = index.X
	}
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun
	case *ast.SelectorExpr:
		return fun.Sel
	}
	return nil
}

// function returns the full name of the function that a call calls, "package/path.Name", "" for a method or anything
// that is not known before it runs. A builtin has no path.
func function(info *types.Info, call *ast.CallExpr) string {
	name := callee(call)
	if name == nil {
		return ""
	}
	return fullName(info.Uses[name])
}

// fullName returns "package/path.Name" of a function and "Name" of a builtin, "" of anything else.
func fullName(object types.Object) string {
	switch object := object.(type) {
	case *types.Builtin:
		return object.Name()
	case *types.Func:
		if object.Signature().Recv() == nil && object.Pkg() != nil {
			return object.Pkg().Path() + "." + object.Name()
		}
	}
	return ""
}
