package config

import "strings"

// longestName bounds the names that are compared with the tables' own: no property's name is as long.
const longestName = 120

// nearest returns the known broker property whose name is closest to an unknown one, or "" if none is close: at most a
// third of its letters may differ. A topic's property has its broker's counterpart as the nearest.
func nearest(name string) string {
	if key := topics.byName[name]; key != nil && len(key.Defaults) > 0 {
		return key.Defaults[0]
	}
	if name == "" || len(name) > longestName {
		return ""
	}
	given := strings.ToLower(strings.NewReplacer("_", ".", "-", ".").Replace(name))
	best, limit := "", len(given)/3+1
	for _, key := range sortedBrokers {
		if d := distance(given, key.Name, limit); d < limit {
			best, limit = key.Name, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, removed or replaced to turn a into b; limit if it is not below
// limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}
