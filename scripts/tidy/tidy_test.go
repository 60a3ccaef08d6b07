package tidy

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"
)

// root is the repository as seen from this package.
const root = "../.."

func load(t *testing.T) *Repo {
	t.Helper()
	repo, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// TestRepository holds the repository to every rule.
func TestRepository(t *testing.T) {
	repo := load(t)
	if len(repo.Files) < 20 {
		t.Fatalf("got %d files: this is not the repository", len(repo.Files))
	}
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, finding := range rule.Run(repo) {
				t.Error(finding)
			}
		})
	}
}

// TestFixtures holds every rule to its fixtures: made-up repositories that it must pass and others that it must
// reject. "go test ./scripts/tidy -rewrite" writes what the rules find into the fixtures.
func TestFixtures(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			fixture := fixture{rule: rule}
			datadriven.RunTest(t, "testdata/"+rule.Name+".txt", fixture.run)
			if fixture.passed == 0 || fixture.failed == 0 {
				t.Errorf("got %d passing and %d failing repositories, expected some of both",
					fixture.passed, fixture.failed)
			}
		})
	}
}

// fixture runs one rule's fixtures. Two commands make a repository and judge it:
//
//	file PATH     adds a file; a line "@repeat N TEXT" stands for N lines TEXT
//	check         prints what the rule finds, or "ok", and begins a new repository
type fixture struct {
	rule           Rule
	files          fstest.MapFS
	passed, failed int
}

func (f *fixture) run(t *testing.T, d *datadriven.TestData) string {
	if f.files == nil {
		f.files = fstest.MapFS{".gitignore": {Data: []byte("/bin/\n")}}
	}
	switch d.Cmd {
	case "file":
		f.files[d.CmdArgs[0].Key] = &fstest.MapFile{Data: []byte(expand(t, d.Input))}
		return ""
	case "check":
		repo, err := Load(f.files)
		f.files = nil
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, finding := range f.rule.Run(repo) {
			fmt.Fprintln(&out, finding)
		}
		if out.Len() == 0 {
			f.passed++
			return "ok"
		}
		f.failed++
		return out.String()
	}
	t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	return ""
}

var repeat = regexp.MustCompile(`^(\s*)@repeat (\d+) (.*)\n$`)

func expand(t *testing.T, input string) string {
	var out strings.Builder
	for line := range strings.Lines(input + "\n") {
		match := repeat.FindStringSubmatch(line)
		if match == nil {
			out.WriteString(line)
			continue
		}
		n, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(strings.Repeat(match[1]+match[3]+"\n", n))
	}
	return out.String()
}

// TestModules holds the broker to its number of modules.
func TestModules(t *testing.T) {
	t.Chdir(root)
	repo, err := Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := Linked(repo.Broker()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the broker links %d modules, at most %d are allowed", len(modules), MaxBrokerModules)
	for _, finding := range TooMany(modules, MaxBrokerModules) {
		t.Error(finding)
	}
}

// TestTooMany holds the counting of modules to cases whose answer is known.
func TestTooMany(t *testing.T) {
	modules, err := Linked("github.com/cockroachdb/datadriven")
	if err != nil || len(modules) < 1 || !strings.HasPrefix(modules[0], "github.com/cockroachdb/datadriven v") {
		t.Errorf("got %q, %v, expected datadriven and what it imports", modules, err)
	}
	if modules, err := Linked("./testdata/no-such-package"); err == nil {
		t.Errorf("got %q and no error for a package that is not there", modules)
	}
	for _, test := range []struct {
		linked, allowed int
		over            bool
	}{{0, 0, false}, {1, 0, true}, {18, 18, false}, {19, 18, true}} {
		if got := TooMany(make([]string, test.linked), test.allowed); (len(got) > 0) != test.over {
			t.Errorf("%d modules of %d: got %v", test.linked, test.allowed, got)
		}
	}
}
