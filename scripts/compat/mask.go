package main

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// configs are those of a topic, whose order is that of a hash table in Kafka.
	configs = regexp.MustCompile(`(\tConfigs: )(.+)`)
	topicID = regexp.MustCompile(`(TopicId: )[\w-]{22}`)
	// millis are times of this century.
	millis = regexp.MustCompile(`\b1\d{12}\b`)
	// frame is a line of a Java stack trace: it tells of the tool, not of the broker.
	frame = regexp.MustCompile(`(?m)^\t(at .*|\.\.\. \d+ more)\n`)
	// event is a line that librdkafka logs, with its time: what it does about them shows in the end.
	event = regexp.MustCompile(`(?m)^%\d\|.*\n`)
	// uuid is what ids of members of groups end with.
	uuid = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	// groupName is what the ConsoleConsumer calls a group that nobody named.
	groupName = regexp.MustCompile(`\bconsole-consumer-\d+\b *`)
	number    = regexp.MustCompile(`-?\b\d+(\.\d+)?\b`)
	blanks    = regexp.MustCompile(` +`)
)

// mask takes from a text what no two brokers, and no two runs, share.
func (s *side) mask(text string) string {
	names := []string{s.address, "BROKER", s.controller, "CONTROLLER"}
	if s.second != "" {
		names = append(names, s.second, "DIR2")
	}
	text = strings.NewReplacer(append(names, s.dir, "DIR", s.files, "FILES")...).Replace(text)
	if _, port, err := net.SplitHostPort(s.address); err == nil {
		text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, "PORT")
	}
	text = topicID.ReplaceAllString(text, "${1}ID")
	text = sortConfigs(text)
	text = uuid.ReplaceAllString(text, "UUID")
	text = groupName.ReplaceAllString(text, "console-consumer-N ")
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

// sortConfigs puts the configurations of topics into an order.
func sortConfigs(text string) string {
	return configs.ReplaceAllStringFunc(text, func(found string) string {
		m := configs.FindStringSubmatch(found)
		list := strings.Split(m[2], ",")
		slices.Sort(list)
		return m[1] + strings.Join(list, ",")
	})
}

// maskNumbers masks all numbers, and the blanks that fill columns.
func maskNumbers(text string) string {
	return blanks.ReplaceAllString(number.ReplaceAllString(text, "N"), " ")
}
