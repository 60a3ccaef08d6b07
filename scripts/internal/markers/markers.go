// Package markers keeps generated parts of written files: what stands between two lines is replaced, the rest is left
// as somebody wrote it.
//
//	<!-- NAME:begin -->
//	what is generated
//	<!-- NAME:end -->
package markers

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Lines returns the lines of a name, without their ends.
func Lines(name string) (begin, end string) {
	return "<!-- " + name + ":begin -->", "<!-- " + name + ":end -->"
}

// Write puts a block, which ends with a newline, between the lines of a name in a file. It reports whether it did: a
// file that is not there, or that does not have both lines once and in their order, is left alone.
func Write(file, name, block string) (bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	changed, ok := replace(string(text), name, block)
	if !ok {
		return false, nil
	}
	return true, os.WriteFile(file, []byte(changed), 0o644)
}

// replace replaces what stands between the lines.
func replace(text, name, block string) (string, bool) {
	begin, end := Lines(name)
	before, rest, begun := strings.Cut(text, begin+"\n")
	inside, after, ended := strings.Cut(rest, end)
	if !begun || !ended || strings.Contains(inside+after, begin) || strings.Contains(before+after, end) {
		return text, false
	}
	return before + begin + "\n" + block + end + after, true
}
