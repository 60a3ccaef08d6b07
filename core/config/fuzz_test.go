package config

import (
	"strings"
	"testing"
)

// FuzzValues hands any text to any property. Whatever is taken is canonical: it parses to itself.
func FuzzValues(f *testing.F) {
	all := append(TopicKeys(), BrokerKeys()...)
	for i, text := range []string{"", "1", " -1 ", "a,b", "1e5", "PLAINTEXT://[::1]:5", "1@h:2", "*", "NaN", "1:2,,"} {
		f.Add(uint16(i*7), text)
	}
	f.Fuzz(func(t *testing.T, index uint16, text string) {
		key := all[int(index)%len(all)]
		v, err := key.parse(text)
		if err != nil {
			if err.Message == "" || err.Kind != ErrInvalidConfig {
				t.Fatalf("%s=%q: empty error %v", key.Name, text, err)
			}
			return
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			return // as in Java, such a character is cut at the ends of the text, but not at those of each element
		}
		again, err := key.parse(v.text)
		if err != nil || again.text != v.text {
			t.Fatalf("%s=%q: %q parses to %q, %v", key.Name, text, v.text, again.text, err)
		}
	})
}

// FuzzProperties makes a broker of any lines, and describes it and a topic with the same texts.
func FuzzProperties(f *testing.F) {
	f.Add("num.partitions=3\nlisteners=A://:1,B://h:2\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT")
	f.Add("max.connections.per.ip.overrides=:,a:1\nlistener.name..x=1\nlistener.name.=\n=\nretention.ms=1")
	f.Add("log.retention.ms=-9223372036854775808\nlog.roll.hours=2147483647\nlistener.name.a.b.sasl.jaas.config=1")
	f.Fuzz(func(t *testing.T, text string) {
		var given []KV
		overrides := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			given = append(given, KV{name, value})
			overrides[name] = value
		}
		b, _, err := ParseBroker(given)
		if (b == nil) != (err != nil) {
			t.Fatalf("got %v and %v", b, err)
		}
		if b == nil {
			b, _, _ = ParseBroker(nil)
		}
		b.Describe()
		DescribeCreated(b, overrides)
		if ValidateTopic(b, overrides) != nil {
			return
		}
		if _, err := TopicFrom(b, overrides); err != nil {
			t.Fatalf("valid overrides %v are refused: %v", overrides, err)
		}
		if _, err := DescribeTopic(b, overrides); err != nil {
			t.Fatalf("valid overrides %v cannot be described: %v", overrides, err)
		}
	})
}
