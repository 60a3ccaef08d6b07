package tidy

// checkMarks finds what was marked as still to do, in every text file: what is not done is said in the open, as a
// limitation that users read about, or it is done.
func checkMarks(repo *Repo) []Finding {
	found := findings{repo: repo}
	repo.prose(func(file *File) {
		file.lines(func(number int, text string) {
			if mark := unfinished.FindString(text); mark != "" {
				found.line(file.Path, number, "%s: do it, or say plainly what is missing", mark)
			}
		})
	})
	return found.list
}

// prose visits the text files whose words are the repository's own: not testdata, licences and checksums, and not the
// patterns themselves.
func (r *Repo) prose(visit func(*File)) {
	for _, file := range r.Files {
		switch file.Path {
		case "LICENSE", "go.sum", "scripts/tidy/words.go":
			continue
		}
		if file.Text() {
			visit(file)
		}
	}
}
