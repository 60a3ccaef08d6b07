package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// script is one file of steps, run on one broker from top to bottom.
type script struct {
	path  string
	steps []*step
}

// step is one request (in several versions, perhaps) with what was answered to it.
type step struct {
	line    int
	comment []string
	// ask is the request as it is written, without the ">".
	ask []string
	// answer is Kafka's, own is gregor's where it differs on purpose, and reason says why.
	answer, own []string
	reason      string
}

// readScript reads a script.
func readScript(path string) (*script, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &script{path: path}
	var now *step
	for i, line := range strings.Split(strings.TrimRight(string(content), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ">") {
			if now == nil || len(now.answer)+len(now.own) > 0 || line == "" && len(now.ask) > 0 {
				now = nil
			}
		}
		if line == "" {
			continue
		}
		if now == nil {
			now = &step{line: i + 1}
			s.steps = append(s.steps, now)
		}
		now.take(line)
	}
	for _, step := range s.steps {
		if len(step.ask) == 0 && len(step.answer) > 0 {
			return nil, fmt.Errorf("%s:%d: got an answer, expected a request first", path, step.line)
		}
	}
	return s, nil
}

// take adds one line of the file to the step.
func (s *step) take(line string) {
	switch {
	case strings.HasPrefix(line, "#"):
		s.comment = append(s.comment, line)
	case strings.HasPrefix(line, ">"):
		s.ask = append(s.ask, strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "~ "):
		s.reason = strings.TrimSpace(s.reason + " " + line[2:])
	case strings.HasPrefix(line, "~|"):
		s.own = append(s.own, line[2:])
	default:
		s.answer = append(s.answer, line)
	}
}

// write writes the script back, with the answers that it has now.
func (s *script) write() error {
	var out bytes.Buffer
	for i, step := range s.steps {
		if i > 0 {
			out.WriteByte('\n')
		}
		lines := func(prefix string, list []string) {
			for _, l := range list {
				fmt.Fprintf(&out, "%s%s\n", prefix, l)
			}
		}
		lines("", step.comment)
		lines("> ", step.ask)
		lines("", step.answer)
		if step.reason != "" {
			lines("~ ", wrap(step.reason, 116))
			lines("~|", step.own)
		}
	}
	return os.WriteFile(s.path, out.Bytes(), 0o644)
}

// wrap cuts a sentence into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// record runs the script on a Kafka broker and takes its answers.
func (s *script) record(address string) error {
	answers, err := s.run(address)
	if err != nil {
		return err
	}
	for i := range s.steps {
		s.steps[i].answer = answers[i]
	}
	return nil
}

// accept runs the script on gregor and takes its answers where a reason stands for them.
func (s *script) accept(address string) error {
	answers, err := s.run(address)
	if err != nil {
		return err
	}
	for i, step := range s.steps {
		if step.reason != "" {
			step.own = answers[i]
		}
	}
	return nil
}

// compare runs the script on gregor and returns a text for each step whose answer is not the one expected.
func (s *script) compare(address string) ([]string, error) {
	answers, err := s.run(address)
	if err != nil {
		return nil, err
	}
	var found []string
	for i, step := range s.steps {
		want, whose := step.answer, "Kafka"
		if step.reason != "" {
			want, whose = step.own, "gregor before"
		}
		at := fmt.Sprintf("%s:%d: %s", filepath.Base(s.path), step.line, strings.Join(step.ask, " "))
		if text := difference(want, answers[i]); text != "" {
			found = append(found, fmt.Sprintf("%s\n  - %s, + gregor now\n%s", at, whose, text))
		}
		if step.reason != "" && difference(step.answer, answers[i]) == "" {
			found = append(found, fmt.Sprintf("%s\n  answers as Kafka does although a difference is documented", at))
		}
	}
	return found, nil
}

// difference returns the lines that only one of two texts has, or "".
func difference(want, got []string) string {
	if strings.Join(want, "\n") == strings.Join(got, "\n") {
		return ""
	}
	var out strings.Builder
	for len(want) > 0 || len(got) > 0 {
		if len(want) > 0 && len(got) > 0 && want[0] == got[0] {
			want, got = want[1:], got[1:]
			continue
		}
		w, g := nextCommon(want, got)
		for _, l := range want[:w] {
			fmt.Fprintf(&out, "    - %s\n", l)
		}
		for _, l := range got[:g] {
			fmt.Fprintf(&out, "    + %s\n", l)
		}
		want, got = want[w:], got[g:]
	}
	return out.String()
}

// nextCommon returns how many lines of each text come before the next line that both have.
func nextCommon(want, got []string) (int, int) {
	for sum := 1; sum < len(want)+len(got); sum++ {
		for w := max(0, sum-len(got)); w <= min(sum, len(want)); w++ {
			if g := sum - w; w < len(want) && g < len(got) && want[w] == got[g] {
				return w, g
			}
		}
	}
	return len(want), len(got)
}
