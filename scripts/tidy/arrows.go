package tidy

// checkArrows finds imports that point upwards between top-level folders:
//
//	cmd -> reports -> bench, consistency, fuzz -> gregortest -> netsim -> core -> replication -> base
//
// scripts may import anything, and nothing imports scripts. Tests keep to the arrows too, those in an external _test
// package included: a test that needs a world above its package belongs to that world.
func checkArrows(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.source(func(file *File) {
		from, ok := lookup(file.Path)
		if !ok {
			return
		}
		for _, imp := range file.imports() {
			to, ok := lookup(imp.own)
			switch {
			case imp.own == "":
			case !ok:
				found.at(file, imp.spec.Pos(), "imports %s, which the house does not have", imp.path)
			case to.level >= from.level && to.name != from.name:
				found.at(file, imp.spec.Pos(), "%s may not import %s: arrows point the other way or nowhere",
					from.name, to.name)
			}
		}
	})
	return found.list
}
