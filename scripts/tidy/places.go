package tidy

import (
	"slices"
)

// checkPlaces finds folders that the house does not have: a new one is a decision, taken in house.go and in
// docs/architecture.md, not a side effect.
func checkPlaces(repo *Repo) []Finding {
	found := findings{repo: repo}
	for _, file := range repo.Files {
		home, ok := lookup(file.Path)
		switch {
		case file.Top() == "":
			if file.Go != nil {
				found.line(file.Path, 0, "Go code in the root: the module's root holds no package")
			}
		case ok:
			if file.Go != nil && !home.open && home.rank(file.Dir()) < 0 {
				found.line(file.Dir(), 0, "no such package in the house: %s has %q", home.name, home.packages)
			}
		case !slices.Contains(plain, file.Top()):
			found.line(file.Top(), 0, "no such top-level folder in the house")
		case file.Go != nil:
			found.line(file.Path, 0, "Go code in %s, which holds no packages", file.Top())
		}
	}
	return found.list
}
