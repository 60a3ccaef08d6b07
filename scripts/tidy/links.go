package tidy

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

var (
	// inlineLink is [text](target) or ![text](target "title").
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?[^)]*\)`)
	// linkDefinition is a line "[name]: target".
	linkDefinition = regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)`)
	// codeSpan is `text` in a line; a link in it is no link.
	codeSpan = regexp.MustCompile("`[^`]*`")
	// pageName is the name of a Markdown file, wherever it is mentioned.
	pageName = regexp.MustCompile(`\b[\w-]+\.md\b`)
	// heading is "## Text", with any number of signs.
	heading = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
)

// checkLinks finds relative links in Markdown whose file or heading does not exist, and any mention, in any text, of a
// Markdown file whose name no file of the repository has.
func checkLinks(repo *Repo) []Finding {
	found := findings{repo: repo}
	known, names := make(map[string]bool), make(map[string]bool)
	anchors := make(map[string]map[string]bool)
	for _, file := range repo.Files {
		for at := file.Path; at != "."; at = path.Dir(at) {
			known[at] = true
		}
		names[path.Base(file.Path)] = true
		if strings.HasSuffix(file.Path, ".md") && file.Text() {
			anchors[file.Path] = file.anchors()
		}
	}
	repo.prose(func(file *File) {
		file.lines(func(number int, text string) {
			for _, name := range pageName.FindAllString(withoutAddresses(text), -1) {
				if !names[name] {
					found.line(file.Path, number, "mentions %s, which the repository does not have", name)
				}
			}
		})
		if anchors[file.Path] == nil {
			return
		}
		file.markdown(func(number int, text string) {
			for _, target := range linkTargets(text) {
				if why := broken(file, target, known, anchors); why != "" {
					found.line(file.Path, number, "link to %s: %s", target, why)
				}
			}
		})
	})
	return found.list
}

// withoutAddresses blanks whole URLs: a Markdown file of another project may be named by one.
func withoutAddresses(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		if strings.Contains(word, "://") {
			words[i] = ""
		}
	}
	return strings.Join(words, " ")
}

// markdown visits the lines that are not inside a fenced block of code.
func (f *File) markdown(visit func(number int, text string)) {
	fence := ""
	f.lines(func(number int, text string) {
		trimmed := strings.TrimSpace(text)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		default:
			visit(number, text)
		}
	})
}

// linkTargets returns what a line of Markdown links to, without code spans.
func linkTargets(text string) []string {
	text = codeSpan.ReplaceAllString(text, "``")
	var targets []string
	for _, match := range inlineLink.FindAllStringSubmatch(text, -1) {
		targets = append(targets, match[1])
	}
	if match := linkDefinition.FindStringSubmatch(text); match != nil {
		targets = append(targets, match[1])
	}
	return targets
}

// broken says why a link leads nowhere, "" if it does not or if it leads out of the repository.
func broken(file *File, target string, known map[string]bool, anchors map[string]map[string]bool) string {
	to, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case to.Scheme != "" || to.Host != "":
		return ""
	case strings.HasPrefix(to.Path, "/"):
		return "begins with a slash: links are relative"
	}
	at := file.Path
	if to.Path != "" {
		at = path.Join(file.Dir(), to.Path)
	}
	if at != "." && !known[at] {
		return "no such file"
	}
	if to.Fragment != "" && anchors[at] != nil && !anchors[at][to.Fragment] {
		return "no such heading"
	}
	return ""
}

// anchors returns the fragments by which a Markdown file's headings are reached: lower case, spaces as hyphens,
// other punctuation left out; a repeated heading has its number appended.
func (f *File) anchors() map[string]bool {
	anchors := make(map[string]bool)
	f.markdown(func(_ int, text string) {
		match := heading.FindStringSubmatch(text)
		if match == nil {
			return
		}
		slug := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, match[1])
		for name, n := slug, 1; ; n++ {
			if !anchors[name] {
				anchors[name] = true
				return
			}
			name = fmt.Sprintf("%s-%d", slug, n)
		}
	})
	return anchors
}
