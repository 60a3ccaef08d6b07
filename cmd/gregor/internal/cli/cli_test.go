package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestCodes maps errors to exit codes.
func TestCodes(t *testing.T) {
	plain := errors.New("x")
	for _, c := range []struct {
		err    error
		code   int
		silent bool
	}{
		{nil, 0, false},
		{plain, 1, false},
		{Usagef("bad %w", plain), 2, false},
		{Usage(plain), 2, false},
		{Usage(Exit(3)), 3, true},
		{fmt.Errorf("wrapped: %w", Exit(4)), 4, true},
		{Exit(0), 0, false},
		{Usage(nil), 0, false},
	} {
		if Code(c.err) != c.code || Silent(c.err) != c.silent {
			t.Errorf("%v: got code %d, silent %t, expected %d and %t",
				c.err, Code(c.err), Silent(c.err), c.code, c.silent)
		}
	}
	if err := Usagef("bad %w", plain); !errors.Is(err, plain) || err.Error() != "bad x" {
		t.Errorf("got %v, expected the error within", err)
	}
	if got := Exit(3).Error(); got != "exit code 3" {
		t.Errorf("got %q", got)
	}
}

// TestSizes reads and writes sizes.
func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "1B": 1, "1KiB": 1024, "64MiB": 64 << 20, " 2 GiB ": 2 << 30, "3kB": 3000, "3MB": 3e6,
		"1GB": 1e9, "8388607TiB": 8388607 << 40, "9223372036854775807": math.MaxInt64,
	} {
		var s Size
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%q: got %d and %v, expected %d", text, s, err, want)
		}
		var back Size
		if err := back.Set(s.String()); err != nil || back != s {
			t.Errorf("%q: got %d back from %q: %v", text, back, s.String(), err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5MiB", "MiB", "8388608TiB", "9223372036854775808", "1 MiB KiB"} {
		if n, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d, expected an error", text, n)
		}
	}
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 10: "1.5 MiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d: got %q, expected %q", n, got, want)
		}
	}
}

// command makes a tree of two commands with flags.
func command() (*cobra.Command, *cobra.Command) {
	root := &cobra.Command{Use: "tool"}
	below := &cobra.Command{Use: "make a THING", RunE: func(*cobra.Command, []string) error { return nil }}
	below.Flags().Int("how-many", 1, "number")
	below.Flags().StringArray("set", nil, "pairs")
	below.Flags().StringSlice("hosts", []string{"a"}, "hosts")
	AddFormat(below)
	root.AddCommand(below)
	Bind(root)
	return root, below
}

// TestVariables sets flags from the environment, unless they are given.
func TestVariables(t *testing.T) {
	t.Setenv("GREGOR_MAKE_HOW_MANY", "7")
	t.Setenv("GREGOR_MAKE_SET", "a=1,2\nb=3\n")
	t.Setenv("GREGOR_MAKE_HOSTS", "x,y")
	t.Setenv("GREGOR_FORMAT", "json")
	_, c := command()
	if err := c.ParseFlags([]string{"--how-many", "9"}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(c); err != nil {
		t.Fatal(err)
	}
	set, _ := c.Flags().GetStringArray("set")
	hosts, _ := c.Flags().GetStringSlice("hosts")
	many, _ := c.Flags().GetInt("how-many")
	if got := fmt.Sprintf("%q %q %d %s", set, hosts, many, c.Flag("format").Value); got !=
		`["a=1,2" "b=3"] ["x" "y"] 9 json` {
		t.Errorf("got %s", got)
	}
	if usage := c.Flags().FlagUsages(); strings.Count(usage, "[$GREGOR_") != 4 {
		t.Errorf("not every flag names its variable:\n%s", usage)
	}
	t.Setenv("GREGOR_FORMAT", "yaml")
	_, c = command()
	if err := Apply(c); Code(err) != CodeUsage || !strings.Contains(err.Error(), "GREGOR_FORMAT") {
		t.Errorf("got %v, expected a usage error that names the variable", err)
	}
}

// TestJSON puts the command and the version before an object's own fields.
func TestJSON(t *testing.T) {
	_, c := command()
	for _, each := range []struct {
		v    any
		want string
	}{
		{map[string]any{"a": "<&>", "b": nil}, `{"_command":"make","_version":1,"a":"<&>","b":null}`},
		{struct{}{}, `{"_command":"make","_version":1}`},
		{struct {
			N int64 `json:"n_bytes"`
		}{math.MaxInt64}, `{"_command":"make","_version":1,"n_bytes":9223372036854775807}`},
	} {
		var out bytes.Buffer
		c.SetOut(&out)
		if err := WriteJSON(c, each.v); err != nil || out.String() != each.want+"\n" {
			t.Errorf("got %s and %v, expected %s", out.String(), err, each.want)
		}
	}
	if err := WriteJSON(c, func() {}); err == nil {
		t.Error("a function: got no error")
	}
}

// TestTable aligns columns, numbers to the right.
func TestTable(t *testing.T) {
	table := NewTable("NAME", ">COUNT", "REST")
	table.Add("a", 1, "x")
	table.Add("longer", 12345678, "")
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "NAME       COUNT  REST\na              1  x\nlonger  12345678\n"
	if out.String() != want {
		t.Errorf("got\n%s, expected\n%s", out.String(), want)
	}
}

// TestNoTerminal shows no progress and logs JSON where there is no terminal.
func TestNoTerminal(t *testing.T) {
	_, c := command()
	var errs bytes.Buffer
	c.SetErr(&errs)
	p := (&ProgressFlags{}).StartBytes(c, "work", 10)
	p.SetTotal(20)
	p.Set(5)
	p.Add(5)
	p.End()
	if errs.Len() != 0 {
		t.Errorf("got %q, expected nothing", errs.String())
	}
	NewLogger(&errs, "warn").Info("unseen")
	NewLogger(&errs, "debug").Debug("seen", "n", 1)
	if text := errs.String(); !strings.HasPrefix(text, "{") || strings.Contains(text, "unseen") ||
		!strings.Contains(text, `"msg":"seen","n":1`) {
		t.Errorf("got %q, expected one line of JSON", text)
	}
	if IsTerminal(io.Discard) {
		t.Error("a writer that discards is taken for a terminal")
	}
}

// TestLines: lines that stay are written without a terminal too, but not with --no-progress or CI.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		ci, want string
		off      bool
	}{{want: "a row\n"}, {off: true}, {ci: "true"}} {
		t.Setenv("CI", c.ci)
		_, command := command()
		var errs bytes.Buffer
		command.SetErr(&errs)
		p := (&ProgressFlags{off: c.off}).Start(command, "work", 10)
		p.Title("working")
		p.Line("a row")
		p.End()
		if errs.String() != c.want {
			t.Errorf("%+v: got %q", c, errs.String())
		}
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"µs/GB": "µs/GB", "µs/GB and more": "µs/G…", "": ""} {
		if got := cut(text, 5); got != want {
			t.Errorf("%q: got %q, expected %q", text, got, want)
		}
	}
	if got := cut("any", 0); got != "any" {
		t.Errorf("on a terminal without a width: got %q", got)
	}
}

// TestSplitText tells text, bytes and null apart.
func TestSplitText(t *testing.T) {
	show := func(p []byte) string {
		text, encoded := SplitText(p)
		out := ""
		if text != nil {
			out += "text " + *text
		}
		if encoded != nil {
			out += "base64 " + *encoded
		}
		return out
	}
	for want, p := range map[string][]byte{
		"": nil, "text ": {}, "text ü\x00": []byte("ü\x00"), "base64 /w==": {0xff},
	} {
		if got := show(p); got != want {
			t.Errorf("%q: got %q, expected %q", p, got, want)
		}
	}
	got := Alternatives([]string{"a", "b", "c"}) + Alternatives([]string{"a"}) + Alternatives(nil)
	if got != "a, b or ca" {
		t.Errorf("got %q", got)
	}
}
