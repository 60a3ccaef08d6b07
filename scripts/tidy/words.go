package tidy

import "regexp"

// This file holds the patterns of the rules marks and text. It is the one file that these rules do not read, since it
// spells out what they forbid.

// unfinished marks what was left undone.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

// spoken are patterns of text that has no place in the repository, each with the reason.
var spoken = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{
		regexp.MustCompile(`\b(AI|LLMs?|[Cc]hat ?bots?|[Aa]gents?|[Aa]ssistants?|[Cc]opilot)\b`),
		"the text speaks of gregor, not of who works on it",
	},
	{
		regexp.MustCompile(`(?i)(^|[^/\w])issues?\s+#?[0-9]+\b`),
		"numbers of issues mean nothing to a reader: say the fact itself (upstream: golang/go#1234)",
	},
	{
		regexp.MustCompile(`(?i)\bdesign (document|page)\b`),
		"the reader does not have it: say the fact itself",
	},
	{
		regexp.MustCompile(`(^|[^\w.])/(work|root|home|Users)/`),
		"a path of one machine",
	},
	{
		regexp.MustCompile(`\b(proxy|sum|registry|index|static|files|repo[0-9]?|deb|mirrors?|archive)(\.[a-z0-9-]+)+` +
			`\.(org|com|net|io|dev)\b`),
		"the host of a package registry: packages are had through their ordinary clients",
	},
	{
		regexp.MustCompile(`\b(crates|pypi|npmjs|pythonhosted|sonatype|rubygems)\.(io|org|com)\b`),
		"the host of a package registry: packages are had through their ordinary clients",
	},
}

// temporary is the shared folder for temporary files: tests ask for t.TempDir, programs for os.MkdirTemp. Kafka's
// default of log.dirs is the one name below it that is written out.
var temporary = regexp.MustCompile(`(^|[^\w.])/tmp/(kafka-logs\b)?`)
