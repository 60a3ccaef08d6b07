package config

import (
	"strconv"
	"strings"
)

// Admin is the broker's page for those who run it: metrics and health over HTTP.
type Admin struct {
	// Address is gregor.admin.listener as host:port; empty for none. An empty host stands for all interfaces.
	Address string
	// Profiles is gregor.admin.pprof.
	Profiles bool
}

// Admin returns what the properties gregor.admin.* say.
func (b *Broker) Admin() Admin {
	return Admin{Address: b.values.text("gregor.admin.listener"), Profiles: b.values.bool("gregor.admin.pprof")}
}

// LogLevel returns gregor.log.level: "debug", "info", "warn" or "error", or empty where it is not given.
func (b *Broker) LogLevel() string {
	return b.values.text("gregor.log.level")
}

// adminAddress accepts host:port, and the empty text for none.
var adminAddress = validFunc{"host:port", func(name string, v value) *Error {
	if v.text == "" {
		return nil
	}
	_, port, ok := splitAddress(v.text)
	if n, err := strconv.Atoi(port); !ok || err != nil || n < 0 || n > 65535 {
		return badValue(name, v.text, "Expected host:port, as in 127.0.0.1:9644")
	}
	return nil
}}

// checkAdmin wants profiles to be had from the machine itself alone: they tell what is in memory, and taking one costs
// time.
func (b *Broker) checkAdmin() []error {
	admin := b.Admin()
	host, _, _ := splitAddress(admin.Address)
	switch {
	case !admin.Profiles:
	case admin.Address == "":
		return []error{configError("gregor.admin.pprof=true needs gregor.admin.listener")}
	case !loopback(host):
		return []error{configError("gregor.admin.pprof=true needs gregor.admin.listener to be on a loopback address, " +
			"as in 127.0.0.1:9644; got " + admin.Address)}
	}
	return nil
}

// loopback reports whether a host is certain to be this machine alone.
func loopback(host string) bool {
	numbers := strings.Trim(host, "0123456789.") == ""
	return host == "localhost" || host == "::1" || numbers && strings.HasPrefix(host, "127.")
}
