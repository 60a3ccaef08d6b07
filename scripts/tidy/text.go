package tidy

import (
	"strings"
)

// checkText finds text that is not about gregor or not of use to its reader: see spoken and temporary.
func checkText(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.prose(func(file *File) {
		file.lines(func(number int, text string) {
			for _, word := range spoken {
				if got := word.pattern.FindString(text); got != "" {
					found.line(file.Path, number, "%q: %s", strings.TrimSpace(got), word.why)
				}
			}
			for _, got := range temporary.FindAllString(text, -1) {
				if !file.Test() && !strings.HasSuffix(got, "kafka-logs") {
					found.line(file.Path, number, "a path in the shared temporary folder: ask for a fresh one")
				}
			}
		})
	})
	return found.list
}
