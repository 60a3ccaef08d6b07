package tidy

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// checkComments finds packages without a package comment and exported names without a doc comment that begins with
// the name, after "A", "An" or "The" if that reads better. What counts as exported is what another package can name:
// types, functions, methods of exported types and of exported interfaces, constants and variables. A parenthesised
// group of constants or variables may share one comment; a struct's fields need none. Tests export nothing.
func checkComments(repo *Repo) []Finding {
	found := findings{repo: repo}
	checkPackageComments(&found, repo)
	repo.source(func(file *File) {
		if file.Test() {
			return
		}
		for _, decl := range file.Go.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				checkFuncComment(&found, file, decl)
			case *ast.GenDecl:
				checkGroupComments(&found, file, decl)
			}
		}
	})
	return found.list
}

// checkPackageComments wants one comment a package, "Package name ..." for all but programs. A package that has
// nothing but tests carries it in one of them.
func checkPackageComments(found *findings, repo *Repo) {
	type state struct{ code, comment bool }
	packages := make(map[string]state)
	repo.source(func(file *File) {
		s := packages[file.Dir()]
		s.code = s.code || !file.Test()
		packages[file.Dir()] = s
	})
	repo.source(func(file *File) {
		s, name, doc := packages[file.Dir()], file.Go.Name.Name, file.Go.Doc.Text()
		if doc == "" || s.code && file.Test() {
			return
		}
		s.comment = true
		packages[file.Dir()] = s
		if name != "main" && !strings.HasPrefix(doc, "Package "+name+" ") {
			found.at(file, file.Go.Doc.Pos(), "the package comment does not begin with %q", "Package "+name)
		}
	})
	for _, dir := range sortedKeys(packages) {
		if !packages[dir].comment {
			found.line(dir, 0, "no package comment")
		}
	}
}

func checkFuncComment(found *findings, file *File, decl *ast.FuncDecl) {
	if !decl.Name.IsExported() || decl.Recv != nil && !ast.IsExported(receiver(decl)) {
		return
	}
	checkDoc(found, file, decl.Doc, decl.Name)
}

// receiver returns the name of a method's type.
func receiver(decl *ast.FuncDecl) string {
	kind := decl.Recv.List[0].Type
	for {
		switch t := kind.(type) {
		case *ast.StarExpr:
			kind = t.X
		case *ast.ParenExpr:
			kind = t.X
		case *ast.IndexExpr:
			kind = t.X
		case *ast.IndexListExpr:
			kind = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// checkGroupComments checks a declaration of types, constants or variables.
func checkGroupComments(found *findings, file *File, decl *ast.GenDecl) {
	shared := decl.Lparen.IsValid() && decl.Doc != nil && decl.Tok != token.TYPE
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if !spec.Name.IsExported() {
				continue
			}
			checkDoc(found, file, either(spec.Doc, decl), spec.Name)
			if kind, ok := spec.Type.(*ast.InterfaceType); ok {
				checkMethodComments(found, file, spec.Name.Name, kind)
			}
		case *ast.ValueSpec:
			exported := slices.DeleteFunc(slices.Clone(spec.Names), func(n *ast.Ident) bool { return !n.IsExported() })
			if len(exported) > 0 && !shared && spec.Comment == nil {
				checkDoc(found, file, either(spec.Doc, decl), exported...)
			}
		}
	}
}

// either returns a spec's own comment, or that of a declaration which holds nothing but this spec.
func either(own *ast.CommentGroup, decl *ast.GenDecl) *ast.CommentGroup {
	if own == nil && !decl.Lparen.IsValid() {
		return decl.Doc
	}
	return own
}

// checkMethodComments wants any comment at all on each method of an exported interface: what it promises.
func checkMethodComments(found *findings, file *File, name string, kind *ast.InterfaceType) {
	for _, method := range kind.Methods.List {
		if len(method.Names) == 1 && method.Names[0].IsExported() && method.Doc == nil && method.Comment == nil {
			found.at(file, method.Pos(), "method %s.%s has no comment", name, method.Names[0].Name)
		}
	}
}

// checkDoc wants a comment that begins with one of the names.
func checkDoc(found *findings, file *File, doc *ast.CommentGroup, names ...*ast.Ident) {
	text := doc.Text()
	if strings.TrimSpace(text) == "" {
		found.at(file, names[0].Pos(), "exported %s has no comment", names[0].Name)
		return
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t,.:;'()[]", r) })
	if len(words) > 1 && slices.Contains([]string{"A", "An", "The"}, words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || !slices.ContainsFunc(names, func(n *ast.Ident) bool { return n.Name == words[0] }) {
		found.at(file, names[0].Pos(), "the comment of %s does not begin with its name", names[0].Name)
	}
}
