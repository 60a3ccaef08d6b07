package main

import (
	"fmt"
	"slices"
)

// longestCompared bounds the names that are compared: no property's name is as long.
const longestCompared = 120

// nearestName returns the name that is closest to an unknown one, or "" if none is close: fewer than a third of its
// letters may differ, or two.
func nearestName(unknown string, names []string) string {
	if len(unknown) > longestCompared {
		return ""
	}
	best, limit := "", max(len(unknown)/3, 2)+1
	for _, name := range names {
		if d := letters(unknown, name); len(name) <= longestCompared && d < limit {
			best, limit = name, d
		}
	}
	return best
}

// letters returns how many letters must be inserted, removed or replaced to turn a into b (Levenshtein's distance).
func letters(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// propertyNames returns the names of properties.
func propertyNames(properties []property) []string {
	names := make([]string, len(properties))
	for i, p := range properties {
		names[i] = p.Name
	}
	return names
}

// errUnknownProperty says that there is no such property, and which one may be meant.
func errUnknownProperty(name string, known []property) error {
	if near := nearestName(name, propertyNames(known)); near != "" {
		return fmt.Errorf("%s is not a known property; the nearest is %s", name, near)
	}
	return fmt.Errorf("%s is not a known property", name)
}

// unknownNames returns the names that are not known.
func unknownNames(names []string, known []property) []string {
	have := propertyNames(known)
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(have, name) })
}
