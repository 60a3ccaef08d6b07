package markers

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	begin, end := Lines("some")
	begin += "\n"
	other, _ := Lines("other")
	for _, c := range []struct{ name, text, want string }{
		{"an empty block", "a\n" + begin + end + "\nb", "a\n" + begin + "new\n" + end + "\nb"},
		{"an old block", "a\n" + begin + "old\nold\n" + end + "\nb\n", "a\n" + begin + "new\n" + end + "\nb\n"},
		{"another's lines", other + "\n" + begin + end, other + "\n" + begin + "new\n" + end},
		{"no begin", "a\n" + end, ""},
		{"no end", "a\n" + begin, ""},
		{"end before begin", end + "\n" + begin, ""},
		{"two blocks", begin + end + "\n" + begin + end, ""},
		{"an end too many", begin + end + "\n" + end, ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "README.md")
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			done, err := Write(file, "some", "new\n")
			if err != nil || done != (c.want != "") {
				t.Fatalf("got %v and error %v, expected %v", done, err, c.want != "")
			}
			if c.want == "" {
				c.want = c.text
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != c.want {
				t.Errorf("got %q and error %v, expected %q", got, err, c.want)
			}
		})
	}
	if done, err := Write(filepath.Join(t.TempDir(), "README.md"), "some", "new\n"); done || err != nil {
		t.Errorf("no file: got %v and error %v", done, err)
	}
}
