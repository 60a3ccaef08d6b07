package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is a listener's name with an address.
type Endpoint struct {
	// Name is the listener's name, in capitals.
	Name string
	// Host is a name or an address; empty for every interface, or, advertised, for this machine's own name.
	Host string
	// Port is 0 to 65535; 0 for any free port, or, advertised, for the one that the listener got.
	Port int32
}

// Listener is a socket to open.
type Listener struct {
	Endpoint
	// MaxConnections is the listener's own max.connections; the largest int32 if it has none.
	MaxConnections int32
	// Congestion is the listener's own gregor.tcp.congestion.control, else the broker's: "auto" or an algorithm's name.
	Congestion string
}

// nonRoutable may be listened on but not be advertised.
const nonRoutable = "0.0.0.0"

// protocols are the security protocols that a listener's name may stand for. gregor speaks the first.
var protocols = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}

// fillListeners sets Listeners, Advertised and InterBroker. The listeners of controllers are left out with a notice.
func (b *Broker) fillListeners(given map[string]string) ([]Notice, error) {
	securityOf, err := parseProtocols(b.values.text("listener.security.protocol.map"))
	if err != nil {
		return nil, err
	}
	controllers := b.controllerNames()
	if _, ok := given["listener.security.protocol.map"]; !ok {
		for _, name := range controllers { // as in Kafka, a controller's listener needs no entry of its own
			if securityOf[name] == "" {
				securityOf[name] = protocols[0]
			}
		}
	}
	opened, err := parseEndpoints(b.values.list("listeners"), securityOf)
	if err != nil {
		return nil, err
	}
	if err := checkPorts(b.values.list("listeners"), opened); err != nil {
		return nil, err
	}
	advertised := opened
	if v := b.values["advertised.listeners"]; v.set {
		if advertised, err = parseEndpoints(v.list, securityOf); err != nil {
			return nil, err
		}
	}
	var skipped []Notice
	b.Listeners, skipped = b.openable(opened, controllers, given)
	b.Advertised = without(advertised, controllers)
	if err := b.checkListeners(securityOf); err != nil {
		return skipped, err
	}
	skipped = append(skipped, b.strayOverrides(given, controllers)...)
	return skipped, b.findInterBroker(given, securityOf)
}

func (b *Broker) controllerNames() []string {
	var list []string
	for _, name := range b.values.list("controller.listener.names") {
		list = append(list, strings.ToUpper(name))
	}
	return list
}

// parseProtocols reads listener.security.protocol.map: NAME:PROTOCOL elements, separated by commas.
func parseProtocols(text string) (map[string]string, *Error) {
	securityOf := map[string]string{}
	for _, element := range splitList(text) {
		colon := strings.LastIndexByte(element, ':')
		if colon < 0 {
			return nil, configError("Error parsing configuration property 'listener.security.protocol.map': got " +
				strconv.Quote(element) + ", expected NAME:PROTOCOL")
		}
		protocol := trim(element[colon+1:])
		if !slices.Contains(protocols, strings.ToUpper(protocol)) {
			return nil, configError("Invalid security protocol `" + protocol +
				"` defined in listener.security.protocol.map")
		}
		securityOf[strings.ToUpper(trim(element[:colon]))] = strings.ToUpper(protocol)
	}
	return securityOf, nil
}

// parseEndpoints reads NAME://host:port elements. Each name must be of its own and have a security protocol.
func parseEndpoints(list []string, securityOf map[string]string) ([]Endpoint, *Error) {
	fail := func(why string) *Error {
		return configError("Error creating broker listeners from '" + bracketed(list) + "': " + why)
	}
	var out []Endpoint
	for _, element := range list {
		name, address, ok := strings.Cut(element, "://")
		host, portText, splits := splitAddress(address)
		port, err := strconv.ParseInt(portText, 10, 32)
		if !ok || !splits || err != nil || port < 0 || port > math.MaxUint16 {
			return nil, fail("Unable to parse " + element + " to a broker endpoint")
		}
		endpoint := Endpoint{Name: strings.ToUpper(name), Host: host, Port: int32(port)}
		if securityOf[endpoint.Name] == "" {
			return nil, fail("No security protocol defined for listener " + endpoint.Name)
		}
		if slices.ContainsFunc(out, func(each Endpoint) bool { return each.Name == endpoint.Name }) {
			return nil, fail("Each listener must have a different name, listeners: " + bracketed(list))
		}
		out = append(out, endpoint)
	}
	return out, nil
}

// bracketed writes a list as Java prints one.
func bracketed(list []string) string {
	return "[" + strings.Join(list, ", ") + "]"
}

// checkPorts wants different ports, but for port 0, and for one port on an IPv4 and on an IPv6 address.
func checkPorts(list []string, opened []Endpoint) *Error {
	for i, one := range opened {
		for _, other := range opened[:i] {
			if one.Port != 0 && one.Port == other.Port && !differentFamilies(one.Host, other.Host) {
				return configError("Error creating broker listeners from '" + bracketed(list) +
					"': Each listener must have a different port, listeners: " + bracketed(list))
			}
		}
	}
	return nil
}

// differentFamilies reports whether one host is an IPv4 address and the other an IPv6 address.
func differentFamilies(a, b string) bool {
	return isIPv4(a) && strings.Contains(b, ":") || isIPv4(b) && strings.Contains(a, ":")
}

func isIPv4(host string) bool {
	parts := strings.Split(host, ".")
	return len(parts) == 4 && !slices.ContainsFunc(parts, func(part string) bool { return !isDigits(part) })
}

// openable returns the listeners to open, with what is set for them, and a notice for each that is not opened.
func (b *Broker) openable(
	opened []Endpoint, controllers []string, given map[string]string,
) ([]Listener, []Notice) {
	var out []Listener
	var skipped []Notice
	for _, endpoint := range opened {
		if slices.Contains(controllers, endpoint.Name) {
			skipped = append(skipped, Notice{Skipped, "listeners", "the controller's listener " + endpoint.Name +
				" is not opened: gregor's controller needs no socket of its own"})
			continue
		}
		out = append(out, Listener{
			Endpoint:       endpoint,
			MaxConnections: int32(override(given, endpoint.Name, "max.connections", value{num: math.MaxInt32}).num),
			Congestion: override(given, endpoint.Name, "gregor.tcp.congestion.control",
				b.values["gregor.tcp.congestion.control"]).text,
		})
	}
	return out, skipped
}

// override returns a property that is given for one listener, which has been found valid; else otherwise.
func override(given map[string]string, listener, name string, otherwise value) value {
	text, ok := given[listenerPrefix+strings.ToLower(listener)+"."+name]
	if !ok {
		return otherwise
	}
	v, _ := brokers.byName[name].parse(text)
	return v
}

func without(list []Endpoint, names []string) []Endpoint {
	return slices.DeleteFunc(slices.Clone(list), func(each Endpoint) bool { return slices.Contains(names, each.Name) })
}

// checkListeners wants listeners that gregor can open, and addresses that clients can use.
func (b *Broker) checkListeners(securityOf map[string]string) *Error {
	if len(b.Listeners) == 0 || len(b.Advertised) == 0 {
		return configError("There must be at least one broker advertised listener. " +
			"Perhaps all listeners appear in controller.listener.names?")
	}
	var defined []string
	for _, listener := range b.Listeners {
		if protocol := securityOf[listener.Name]; protocol != protocols[0] {
			return configError("listener " + listener.Name + " wants security protocol " + protocol +
				", which gregor does not have yet, expected " + protocols[0])
		}
		defined = append(defined, listener.Name)
	}
	var found []string
	for _, endpoint := range b.Advertised {
		found = append(found, endpoint.Name)
	}
	for _, endpoint := range b.Advertised {
		if !slices.Contains(defined, endpoint.Name) {
			return configError("advertised.listeners listener names must be equal to or a subset of the ones defined " +
				"in listeners. Found " + strings.Join(found, ",") + ". The valid options based on the current " +
				"configuration are " + strings.Join(defined, ","))
		}
		if endpoint.Host == nonRoutable {
			return configError("advertised.listeners cannot use the nonroutable meta-address " + nonRoutable +
				". Use a routable IP address.")
		}
	}
	return nil
}

// findInterBroker takes inter.broker.listener.name, else the listener named like security.inter.broker.protocol. Where
// neither is given and no listener is named so, gregor, unlike Kafka, takes the first.
func (b *Broker) findInterBroker(given, securityOf map[string]string) error {
	_, byProtocol := given["security.inter.broker.protocol"]
	name := strings.ToUpper(b.values.text("inter.broker.listener.name"))
	if name != "" && byProtocol {
		return configError("Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.")
	}
	if name != "" && securityOf[name] == "" {
		return configError("Listener with name " + name +
			" defined in inter.broker.listener.name not found in listener.security.protocol.map.")
	}
	explicit := name != "" || byProtocol
	if name == "" {
		name = b.values.text("security.inter.broker.protocol")
	}
	var options []string
	for _, endpoint := range b.Advertised {
		if endpoint.Name == name {
			b.InterBroker = name
			return nil
		}
		options = append(options, endpoint.Name)
	}
	if explicit {
		return configError("inter.broker.listener.name must be a listener name defined in advertised.listeners. " +
			"The valid options based on currently configured listeners are " + strings.Join(options, ","))
	}
	b.InterBroker = options[0]
	return nil
}

// strayOverrides finds properties given for listeners that do not exist.
func (b *Broker) strayOverrides(given map[string]string, controllers []string) []Notice {
	var out []Notice
	for _, name := range names(given) {
		listener, _, ok := splitOverride(name)
		if !ok || slices.Contains(controllers, strings.ToUpper(listener)) {
			continue
		}
		has := func(each Listener) bool { return strings.EqualFold(each.Name, listener) }
		if !slices.ContainsFunc(b.Listeners, has) {
			out = append(out, Notice{Skipped, name, name + " is for a listener that is not in listeners"})
		}
	}
	return out
}
