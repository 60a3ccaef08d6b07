package config

import (
	"strconv"
	"strings"
)

const hostCharacters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-%._:"

// splitAddress splits host:port as Kafka does: the host may be empty, or stand in square brackets of which either may
// be missing; it is all letters, digits and -%._: characters; the port is what follows the last colon.
func splitAddress(s string) (host, port string, ok bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", "", false
	}
	host, port = s[:colon], s[colon+1:]
	host = strings.TrimPrefix(host, "[")
	host = strings.TrimSuffix(host, "]")
	return host, port, strings.Trim(host, hostCharacters) == ""
}

// checkAddress reports whether s is [scheme://]host:port, and whether the port is one.
func checkAddress(s string) (parsed bool, err *Error) {
	schemeCharacters := strings.TrimSuffix(hostCharacters, ":")
	if scheme, rest, ok := strings.Cut(s, "://"); ok && strings.Trim(scheme, schemeCharacters) == "" {
		s = rest
	}
	_, port, ok := splitAddress(s)
	if !ok || !isDigits(port) {
		return false, nil
	}
	if n, tooLong := strconv.Atoi(port); tooLong != nil || n > 65535 {
		return true, configError("port out of range:" + port)
	}
	return true, nil
}

// checkVoters accepts id@host:port elements.
func checkVoters(name string, v value) *Error {
	const form = "Each entry should be in the form `{id}@{host}:{port}`."
	for _, element := range v.list {
		id, address, ok := strings.Cut(element, "@")
		if !ok || strings.Contains(address, "@") {
			return configError("Invalid configuration value for " + name + ". " + form)
		}
		if _, err := strconv.ParseInt(id, 10, 32); err != nil {
			return configError("Failed to parse voter ID as an integer from " + id)
		}
		ok, err := checkAddress(address)
		if err != nil {
			return err
		}
		if !ok {
			return configError("Failed to parse host name from entry " + element + " for the configuration " + name +
				". " + form)
		}
	}
	return nil
}

// checkBootstrap accepts host:port elements.
func checkBootstrap(name string, v value) *Error {
	for _, element := range v.list {
		ok, err := checkAddress(element)
		if err != nil {
			return err
		}
		if !ok {
			return configError("Failed to parse host name from " + element + " for the configuration " + name +
				`. Each entry should be in the form "{host}:{port}"`)
		}
	}
	return nil
}
