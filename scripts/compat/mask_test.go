package main

import (
	"testing"
	"time"
)

func TestMask(t *testing.T) {
	s := &side{
		address: "127.0.0.1:40001", controller: "127.0.0.1:40002", dir: "/r/gregor/data", files: "/r/gregor/files",
	}
	for _, c := range []struct{ name, text, want string }{
		{"addresses", "at 127.0.0.1:40001 and 127.0.0.1:40002", "at BROKER and CONTROLLER"},
		{"the port alone", `"port": 40001, size 140001`, `"port": PORT, size 140001`},
		{"directories", "logDir=/r/gregor/data, /r/gregor/files/x", "logDir=DIR, FILES/x"},
		{"topic ids", "Topic: a\tTopicId: 4L6g3nShT-eMCtK--X86sw\tLeader: 1", "Topic: a\tTopicId: ID\tLeader: 1"},
		{"no other ids", "Cluster 4L6g3nShT-eMCtK--X86sw", "Cluster 4L6g3nShT-eMCtK--X86sw"},
		{"stack traces", "Error: x\n\tat a.b(C.java:1)\n\t... 3 more\nCaused by: y", "Error: x\nCaused by: y"},
		{"librdkafka's events", "%3|1795321208.8|FAIL|rdkafka# down\n% Delivery failed", "% Delivery failed"},
		{"members", "rdkafka-01234567-89ab-cdef-0123-456789abcdef x", "rdkafka-UUID x"},
		{"groups that nobody named", "console-consumer-777   Empty", "console-consumer-N Empty"},
		{"the order of configs", "a\tConfigs: c=1,a=2\nb", "a\tConfigs: a=2,c=1\nb"},
		{"offsets stay", "words:0:1234", "words:0:1234"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.mask(c.text); got != c.want {
				t.Errorf("got %q, expected %q", got, c.want)
			}
		})
	}
}

func TestMaskNow(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	text := "1790000000123 1789999000000 1790090000000 1700000042000 179000000012 17900000001234"
	want := "NOW NOW 1790090000000 1700000042000 179000000012 17900000001234"
	if got := maskNow(text, now); got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

func TestMaskNumbers(t *testing.T) {
	if got := maskNumbers("7    x\n12   x\n"); got != "N x\nN x\n" {
		t.Errorf("columns: got %q", got)
	}
	got := maskNumbers("20 records sent, 12.5 records/sec, v2 -1")
	if want := "N records sent, N records/sec, v2 N"; got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}
