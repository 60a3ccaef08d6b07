package main

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	topicID = regexp.MustCompile(`(TopicId: )[\w-]{22}`)
	// millis are times of this century.
	millis = regexp.MustCompile(`\b1\d{12}\b`)
	// frame is a line of a Java stack trace: it tells of the tool, not of the broker.
	frame = regexp.MustCompile(`(?m)^\t(at .*|\.\.\. \d+ more)\n`)
	// event is a line that librdkafka logs, with its time: what it does about them shows in the end.
	event  = regexp.MustCompile(`(?m)^%\d\|.*\n`)
	number = regexp.MustCompile(`-?\b\d+(\.\d+)?\b`)
)

// mask takes from a text what no two brokers, and no two runs, share.
func (s *side) mask(text string) string {
	text = strings.NewReplacer(
		s.address, "BROKER", s.controller, "CONTROLLER", s.dir, "DIR", s.files, "FILES",
	).Replace(text)
	if _, port, err := net.SplitHostPort(s.address); err == nil {
		text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, "PORT")
	}
	text = topicID.ReplaceAllString(text, "${1}ID")
	text = frame.ReplaceAllString(text, "")
	text = event.ReplaceAllString(text, "")
	return maskNow(text, time.Now())
}

// maskNow masks times within a day of now. Records of the scripts that have times of their own have older ones.
func maskNow(text string, now time.Time) string {
	return millis.ReplaceAllStringFunc(text, func(digits string) string {
		ms, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || now.Sub(time.UnixMilli(ms)).Abs() > 24*time.Hour {
			return digits
		}
		return "NOW"
	})
}

// maskNumbers masks all numbers.
func maskNumbers(text string) string {
	return number.ReplaceAllString(text, "N")
}
