package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

// page holds all that the page and the README's block show. It has no times and no dates: two runs with the same
// results write the same text.
type page struct {
	rep  *report
	apis []apiRow
	// later are the commands that gregor refuses, with what they await.
	later []command
	// kcat is the version of kcat with that of librdkafka, franz that of franz-go.
	kcat, franz string
}

// newPage gathers what a full run found.
func newPage(ctx context.Context, w *world) (page, error) {
	p := page{rep: w.rep, apis: w.apis, franz: franzVersion()}
	text, err := exec.CommandContext(ctx, "kcat", "-V").Output()
	if err != nil {
		return p, fmt.Errorf("kcat -V: %w", err)
	}
	p.kcat = kcatVersion(string(text))
	for _, name := range scriptNames {
		scenes, err := readScript(name)
		if err != nil {
			return p, err
		}
		p.later = append(p.later, awaiting(scenes)...)
	}
	return p, nil
}

// awaiting lists the commands that gregor refuses.
func awaiting(scenes []scene) []command {
	var found []command
	for _, s := range scenes {
		for _, c := range s.commands {
			if c.awaits != "" {
				found = append(found, c)
			}
		}
	}
	return found
}

var kcatVersions = regexp.MustCompile(`Version (\S+) .*librdkafka ([\d.]+)`)

// kcatVersion reads what kcat -V prints.
func kcatVersion(text string) string {
	m := kcatVersions.FindStringSubmatch(text)
	if m == nil {
		return "of an unknown version"
	}
	return m[1] + ", librdkafka " + m[2]
}

// franzVersion is the version that this program was built with.
func franzVersion() string {
	info, ok := debug.ReadBuildInfo()
	for i := 0; ok && i < len(info.Deps); i++ {
		if info.Deps[i].Path == "github.com/twmb/franz-go" {
			return info.Deps[i].Version
		}
	}
	return "of an unknown version"
}

// write writes the page.
func (p page) write(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(p.text()), 0o644)
}

// text is the page in Markdown.
func (p page) text() string {
	var b strings.Builder
	_, all := p.rep.tallies()
	fmt.Fprintf(&b, `# Compatibility with Apache Kafka

This page is written by `+"`make compat`"+`. It runs other people's clients, as they are, against gregor and against
Apache Kafka %s, fresh brokers with the same properties, in the same run. What commands print must be the same
but for addresses, directories, topic ids and the present time; the commands stand in
[scripts/compat/commands](../scripts/compat/commands). The clients are kcat %s;
the tools of Apache Kafka %s; and franz-go %s.

**%d checks, %d commands compared, %d failed.** %s

`, kafkaVersion, p.kcat, kafkaVersion, p.franz, all.checks, all.commands, all.failed, p.served())
	p.checks(&b)
	p.known(&b)
	p.awaited(&b)
	p.matrix(&b)
	return b.String()
}

// checks writes the table of all checks.
func (p page) checks(b *strings.Builder) {
	b.WriteString("## Clients, tools and directories\n\n")
	b.WriteString("| client | what was done | commands compared | result |\n|---|---|---|---|\n")
	for _, r := range p.rep.rows {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(r.client), cell(r.what), count(r.commands), r.verdict())
	}
}

// known writes the differences that are meant.
func (p page) known(b *strings.Builder) {
	b.WriteString("\n## Differences that are meant\n\n")
	b.WriteString("Any other difference fails the run, and so does one of these that no longer shows.\n\n")
	b.WriteString("| gregor | why |\n|---|---|\n")
	for _, d := range differences {
		fmt.Fprintf(b, "| %s | %s |\n", cell(d.what), cell(d.why))
	}
}

// awaited writes the commands that come later.
func (p page) awaited(b *strings.Builder) {
	b.WriteString("\n## Tools that come later\n\n")
	b.WriteString("gregor refuses these, and each ends with a message of its own.\n\n")
	b.WriteString("| command | waits for |\n|---|---|\n")
	for _, c := range p.later {
		text := strings.ReplaceAll(c.String(), " --bootstrap-server BROKER", "")
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(text), cell(c.awaits))
	}
}

// matrix writes the table of APIs.
func (p page) matrix(b *strings.Builder) {
	b.WriteString("\n## APIs\n\n")
	b.WriteString("All that a broker of Apache Kafka advertises to clients. What is later is not advertised.\n\n")
	b.WriteString("| key | API | Apache Kafka | gregor |\n|---|---|---|---|\n")
	for _, a := range p.apis {
		versions := a.kafka.String()
		state := "later"
		if a.served {
			state = a.gregor.String()
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", a.key, a.name, versions, state)
	}
}

// served says how many APIs gregor serves.
func (p page) served() string {
	n, same := 0, 0
	for _, a := range p.apis {
		if a.served {
			n++
		}
		if a.served && a.gregor == a.kafka {
			same++
		}
	}
	text := fmt.Sprintf("gregor serves %d of the %d APIs that Apache Kafka advertises to clients, ", n, len(p.apis))
	if same == n {
		return text + "each in all of Kafka's versions."
	}
	return text + fmt.Sprintf("%d of them in all of Kafka's versions.", same)
}

// cell makes a text fit for a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
