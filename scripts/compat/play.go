package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// play makes the checks of one script.
func (w *world) play(ctx context.Context, name string) error {
	scenes, err := readScript(name)
	if err != nil {
		return err
	}
	for i, scene := range scenes {
		transcript := w.transcript(name, i)
		w.rep.concurrently(ctx, []check{{
			client: scene.client, what: scene.what, commands: scene.compared(),
			body: func(ctx context.Context) error { return w.playScene(ctx, scene, transcript) },
		}})
	}
	return nil
}

// transcript is the file for both answers to the commands of a script's scene.
func (w *world) transcript(script string, scene int) string {
	return filepath.Join(w.out, "transcripts", fmt.Sprintf("%s-%02d.txt", script, scene+1))
}

// playScene runs a scene's commands against both brokers at once, and compares the answers. Both answers go to the
// transcript.
func (w *world) playScene(ctx context.Context, s scene, transcript string) error {
	all := make([][2]answer, len(s.commands))
	err := w.both(func(side *side) error {
		at := 0
		if side == w.kafka {
			at = 1
		}
		for i, c := range s.commands {
			if c.awaits != "" && side == w.kafka {
				continue
			}
			a, err := side.do(ctx, c)
			if err != nil {
				return fmt.Errorf("line %d: %s: %w", c.line, c, err)
			}
			all[i][at] = a
		}
		return nil
	})
	err = errors.Join(err, w.both((*side).finishAll))
	var text strings.Builder
	var errs []error
	for i, c := range s.commands {
		g, k := all[i][0], all[i][1]
		fmt.Fprintf(&text, "$ %s\n--- kafka: %d, %.1f s\n%s%s--- gregor: %d, %.1f s\n%s%s\n", c,
			k.code, k.took.Seconds(), k.stdout, k.stderr, g.code, g.took.Seconds(), g.stdout, g.stderr)
		if err == nil {
			if wrong := w.judge(c, g, k); wrong != nil {
				errs = append(errs, fmt.Errorf("line %d: %s\n%w", c.line, c, wrong))
			}
		}
	}
	return errors.Join(err, os.WriteFile(transcript, []byte(text.String()), 0o644), errors.Join(errs...))
}

// do runs one command against the broker.
func (s *side) do(ctx context.Context, c command) (answer, error) {
	real := strings.NewReplacer("BROKER", s.address, "FILES", s.files, "DIR2", s.second, "DIR", s.dir)
	for _, f := range c.files {
		if err := os.WriteFile(filepath.Join(s.files, f[0]), []byte(real.Replace(f[1])+"\n"), 0o644); err != nil {
			return answer{}, err
		}
	}
	words := make([]string, len(c.words))
	for i, word := range c.words {
		words[i] = real.Replace(word)
	}
	var a answer
	var err error
	began := time.Now()
	switch {
	case len(c.state) > 0:
		err = s.awaitGroup(ctx, c.state[0], c.state[1], c.state[2])
	case c.begins != "":
		err = s.begin(c.begins, words)
	case c.ends != "":
		a, err = s.finish(c.ends)
	case words[0] == "kcat":
		a, err = s.kcat(ctx, c.stdin, words[1:]...)
	case words[0] == "VerifiableProducer":
		a, err = s.tools.alone(ctx, c.stdin, class(words[0]), words[1:]...)
	default:
		a, err = s.tools.run(ctx, c.stdin, class(words[0]), words[1:]...)
		for c.settled && err == nil && isUnderWay(a.stdout) && time.Since(began) < patience {
			a, err = s.tools.run(ctx, c.stdin, class(words[0]), words[1:]...)
		}
	}
	a.took = time.Since(began)
	a.stdout, a.stderr = s.mask(a.stdout), s.mask(a.stderr)
	return a, err
}

// isUnderWay reports whether an answer is of what has not ended: it says so, or it is of Kafka's for the moment between
// the end of a move and the broker's telling of it, in which a partition is neither on its way nor there.
func isUnderWay(answer string) bool {
	return strings.Contains(answer, "in progress") || strings.Contains(answer, "is not being moved from log dir")
}

// refusal is how clients say that a broker does not have an API, or cannot coordinate groups.
var refusal = regexp.MustCompile(`(?i)not support|unsupported|timed? ?out|total of 0 messages|coordinator`)

// judge compares both answers to a command.
func (w *world) judge(c command, g, k answer) error {
	if c.awaits == "" && (k.code != 0) != c.fails {
		return fmt.Errorf("the script does not expect Kafka's exit code %d\n%s%s", k.code, k.stdout, k.stderr)
	}
	if c.awaits != "" {
		if !refusal.MatchString(g.stdout + g.stderr) {
			return fmt.Errorf("expected a refusal until gregor has %s; compare it, if it works now\n%s%s",
				c.awaits, g.stdout, g.stderr)
		}
		return nil
	}
	if g.code != k.code {
		return fmt.Errorf("got exit code %d, Kafka's is %d\n%s%s", g.code, k.code, g.stdout, g.stderr)
	}
	return errors.Join(w.compare(c, g.stdout, k.stdout), w.compare(c, g.stderr, k.stderr))
}

// compare compares two masked outputs, known differences aside.
func (w *world) compare(c command, g, k string) error {
	g, k = w.settle(g, k)
	if c.loose {
		g, k = maskNumbers(g), maskNumbers(k)
	}
	if c.objects {
		g, k = sortObjects(g), sortObjects(k)
	}
	if c.unordered {
		g, k = sortLines(g), sortLines(k)
	}
	if c.once {
		g, k = distinctLines(g), distinctLines(k)
	}
	return diff(g, k)
}

// distinctLines sorts lines and leaves out repetitions.
func distinctLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// sortObjects sorts what stands between braces, whatever it is in.
func sortObjects(text string) string {
	return sortLines(strings.NewReplacer("{", "\n", "}", "\n").Replace(text))
}

// sortLines sorts lines.
func sortLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
