package config

import (
	"strings"
	"testing"
)

// The admin page is off by default, and profiles are to be had on a loopback address alone.
func TestAdmin(t *testing.T) {
	for _, c := range []struct {
		listener, pprof string
		want            string // part of the error, or empty
	}{
		{"", "false", ""},
		{"127.0.0.1:9644", "true", ""},
		{"127.1.2.3:0", "true", ""},
		{"localhost:9644", "true", ""},
		{"[::1]:9644", "true", ""},
		{":9644", "false", ""},
		{"0.0.0.0:9644", "false", ""},
		{"broker.example:9644", "false", ""},
		{"", "true", "needs gregor.admin.listener"},
		{":9644", "true", "to be on a loopback address"},
		{"0.0.0.0:9644", "true", "got 0.0.0.0:9644"},
		{"[::]:9644", "true", "to be on a loopback address"},
		{"127.0.0.1.example:9644", "true", "to be on a loopback address"},
		{"127.evil.example:9644", "true", "to be on a loopback address"},
		{"9644", "false", "Expected host:port"},
		{"127.0.0.1:99999", "false", "Expected host:port"},
		{"127.0.0.1:", "false", "Expected host:port"},
		{"http://127.0.0.1:80", "false", "Expected host:port"},
		{"127.0.0.1:80", "perhaps", "Expected value to be either true or false"},
	} {
		b, _, err := ParseBroker(pairs("gregor.admin.listener="+c.listener, "gregor.admin.pprof="+c.pprof))
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: got %v", c, err)
			}
			continue
		}
		if err != nil || b.Admin() != (Admin{Address: c.listener, Profiles: c.pprof == "true"}) {
			t.Errorf("%+v: got %v and %v", c, b, err)
		}
	}
	if b := parsed(t); b.Admin() != (Admin{}) {
		t.Errorf("got %+v, expected no page", b.Admin())
	}
}
