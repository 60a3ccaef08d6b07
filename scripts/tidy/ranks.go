package tidy

// checkRanks finds imports inside one top-level folder that do not point to a package ranked before (see house). Tests
// keep to the ranks too; an external _test package may of course import the package that it tests.
func checkRanks(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		home, ok := lookup(file.Path)
		from := home.rank(file.Dir())
		if !ok || from < 0 {
			return
		}
		for _, imp := range file.imports() {
			to, ok := lookup(imp.own)
			if !ok || to.name != home.name || (imp.own == file.Dir() && file.Test()) {
				continue
			}
			rank := home.rank(imp.own)
			if rank < 0 && home.open {
				continue
			}
			if rank < 0 || rank >= from {
				found.at(file, imp.spec.Pos(), "%s may not import %s: the order is %q",
					file.Dir(), imp.own, home.packages)
			}
		}
	})
	return found.list
}
