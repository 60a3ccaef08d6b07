package config

import (
	"fmt"
	"strings"
	"testing"
)

// summary writes what came of listeners in one line.
func summary(b *Broker) string {
	var out []string
	for _, each := range b.Listeners {
		out = append(out, fmt.Sprintf("%s|%s|%d", each.Name, each.Host, each.Port))
	}
	out = append(out, "advertised")
	for _, each := range b.Advertised {
		out = append(out, fmt.Sprintf("%s|%s|%d", each.Name, each.Host, each.Port))
	}
	return strings.Join(out, " ") + " inter " + b.InterBroker
}

const (
	twoPlain = "listener.security.protocol.map=A:PLAINTEXT,B:plaintext,C:PLAINTEXT"
	withSSL  = "listener.security.protocol.map=A:PLAINTEXT,S:SSL"
)

// listenerTest has properties, and what becomes of them or the whole message of the error. Kafka 4.3.1 gives the same,
// but where gregor's own words are needed.
type listenerTest struct{ given, want string }

func checkListeners(t *testing.T, tests []listenerTest) {
	t.Helper()
	for _, test := range tests {
		b, _, err := ParseBroker(pairs(strings.Fields(test.given)...))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = summary(b)
		}
		if got != test.want {
			t.Errorf("%s:\ngot      %s\nexpected %s", test.given, got, test.want)
		}
	}
}

func TestListeners(t *testing.T) {
	checkListeners(t, []listenerTest{
		{"listeners=plaintext://Host:9092", "PLAINTEXT|Host|9092 advertised PLAINTEXT|Host|9092 inter PLAINTEXT"},
		{"listeners=PLAINTEXT://[::1]:9092", "PLAINTEXT|::1|9092 advertised PLAINTEXT|::1|9092 inter PLAINTEXT"},
		{"listeners=PLAINTEXT://[::1:9092", "PLAINTEXT|::1|9092 advertised PLAINTEXT|::1|9092 inter PLAINTEXT"},
		{"listeners=PLAINTEXT://h_x:0", "PLAINTEXT|h_x|0 advertised PLAINTEXT|h_x|0 inter PLAINTEXT"},
		{"listeners=PLAINTEXT://:1,CONTROLLER://:2", "PLAINTEXT||1 advertised PLAINTEXT||1 inter PLAINTEXT"},
		{"listeners=PLAINTEXT://0.0.0.0:1 advertised.listeners=PLAINTEXT://h:2,CONTROLLER://h:3",
			"PLAINTEXT|0.0.0.0|1 advertised PLAINTEXT|h|2 inter PLAINTEXT"},
		{twoPlain + " listeners=A://:1,B://:2 inter.broker.listener.name=b", "A||1 B||2 advertised A||1 B||2 inter B"},
		{twoPlain + " listeners=A://:1,B://:2 advertised.listeners=B://h:5", "A||1 B||2 advertised B|h|5 inter B"},
		{twoPlain + " listeners=A://:0,B://:0", "A||0 B||0 advertised A||0 B||0 inter A"},
		{twoPlain + " listeners=A://127.0.0.1:9,B://[::1]:9",
			"A|127.0.0.1|9 B|::1|9 advertised A|127.0.0.1|9 B|::1|9 inter A"},
		{"controller.listener.names=x listeners=PLAINTEXT://:1,X://:2",
			"PLAINTEXT||1 advertised PLAINTEXT||1 inter PLAINTEXT"},
		{"listener.security.protocol.map=PLAINTEXT:SSL,PLAINTEXT:PLAINTEXT",
			"PLAINTEXT||9092 advertised PLAINTEXT||9092 inter PLAINTEXT"},
	})
}

func TestBadListeners(t *testing.T) {
	checkListeners(t, []listenerTest{
		{twoPlain + " listeners=A://:9,B://:9", "Error creating broker listeners from '[A://:9, B://:9]': " +
			"Each listener must have a different port, listeners: [A://:9, B://:9]"},
		{"listeners=PLAINTEXT://:1,PLAINTEXT://:2", "Error creating broker listeners from " +
			"'[PLAINTEXT://:1, PLAINTEXT://:2]': Each listener must have a different name, listeners: " +
			"[PLAINTEXT://:1, PLAINTEXT://:2]"},
		{"listeners=A://:9092", "Error creating broker listeners from '[A://:9092]': " +
			"No security protocol defined for listener A"},
		{"listeners=PLAINTEXT://Host", "Error creating broker listeners from '[PLAINTEXT://Host]': " +
			"Unable to parse PLAINTEXT://Host to a broker endpoint"},
		{"listeners=PLAINTEXT:9092", "Error creating broker listeners from '[PLAINTEXT:9092]': " +
			"Unable to parse PLAINTEXT:9092 to a broker endpoint"},
		{"listeners=PLAINTEXT://a/b:1", "Error creating broker listeners from '[PLAINTEXT://a/b:1]': " +
			"Unable to parse PLAINTEXT://a/b:1 to a broker endpoint"},
		{"listeners=PLAINTEXT://:65536", "Error creating broker listeners from '[PLAINTEXT://:65536]': " +
			"Unable to parse PLAINTEXT://:65536 to a broker endpoint"},
		{"listeners=PLAINTEXT://:-5", "Error creating broker listeners from '[PLAINTEXT://:-5]': " +
			"Unable to parse PLAINTEXT://:-5 to a broker endpoint"},
		{"listeners=PLAINTEXT://0.0.0.0:1", "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. " +
			"Use a routable IP address."},
		{"advertised.listeners=X://h:1", "Error creating broker listeners from '[X://h:1]': " +
			"No security protocol defined for listener X"},
		{"advertised.listeners=CONTROLLER://h:9093", "There must be at least one broker advertised listener. " +
			"Perhaps all listeners appear in controller.listener.names?"},
		{"listeners=CONTROLLER://h:9093", "There must be at least one broker advertised listener. " +
			"Perhaps all listeners appear in controller.listener.names?"},
		{"advertised.listeners=PLAINTEXT://h:1,SSL://h:2", "advertised.listeners listener names must be equal to or " +
			"a subset of the ones defined in listeners. Found PLAINTEXT,SSL. The valid options based on the current " +
			"configuration are PLAINTEXT"},
		{withSSL + " listeners=A://:1,S://:2", "listener S wants security protocol SSL, which gregor does not have " +
			"yet, expected PLAINTEXT"},
		{"listener.security.protocol.map=PLAINTEXT:FOO", "Invalid security protocol `FOO` defined in " +
			"listener.security.protocol.map"},
		{"listener.security.protocol.map=PLAINTEXT", "Error parsing configuration property " +
			`'listener.security.protocol.map': got "PLAINTEXT", expected NAME:PROTOCOL`},
		{"listener.security.protocol.map=PLAINTEXT:PLAINTEXT listeners=PLAINTEXT://:1,CONTROLLER://:2",
			"Error creating broker listeners from '[PLAINTEXT://:1, CONTROLLER://:2]': " +
				"No security protocol defined for listener CONTROLLER"},
		{"inter.broker.listener.name=FOO", "Listener with name FOO defined in inter.broker.listener.name not found " +
			"in listener.security.protocol.map."},
		{"inter.broker.listener.name=SSL", "inter.broker.listener.name must be a listener name defined in " +
			"advertised.listeners. The valid options based on currently configured listeners are PLAINTEXT"},
		{"security.inter.broker.protocol=SSL", "inter.broker.listener.name must be a listener name defined in " +
			"advertised.listeners. The valid options based on currently configured listeners are PLAINTEXT"},
		{"inter.broker.listener.name=PLAINTEXT security.inter.broker.protocol=PLAINTEXT",
			"Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."},
	})
}

func TestListenerOverrides(t *testing.T) {
	b := parsed(t, twoPlain, "listeners=A://:1,B://:2", "gregor.tcp.congestion.control=cubic",
		"listener.name.b.gregor.tcp.congestion.control= reno ", "listener.name.a.max.connections=5")
	if got := b.Listeners; got[0].Congestion != "cubic" || got[1].Congestion != "reno" || got[0].MaxConnections != 5 {
		t.Errorf("got %+v", got)
	}
	b, err := b.With(nil, map[string]string{"listener.name.a.max.connections": "6"})
	if err != nil || b.Listeners[0].MaxConnections != 6 {
		t.Errorf("got %+v, %v", b, err)
	}
}
