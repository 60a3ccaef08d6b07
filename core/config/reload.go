package config

import (
	"maps"
	"slices"
)

// startOnly are properties that may be altered while Kafka runs and that gregor looks at when it starts.
var startOnly = []string{
	"advertised.listeners", "listeners", "listener.security.protocol.map", "max.connection.creation.rate",
	"max.connections", "max.connections.per.ip", "max.connections.per.ip.overrides", "num.io.threads",
	"num.network.threads", "num.recovery.threads.per.data.dir", "num.replica.fetchers", "background.threads",
}

// liveOnly are gregor's own properties that a reload takes though no request may alter them.
var liveOnly = []string{"gregor.log.level"}

// Reload returns the broker's static configuration with what has changed in a file that was read again, as far as that
// may change while the broker runs. taken and left are the names that changed and took effect, and those that wait for
// the next start, sorted. The dynamic layers are not in the result. It fails if the new properties are not valid.
func (b *Broker) Reload(pairs []KV) (reloaded *Broker, taken, left []string, err error) {
	if _, _, err := ParseBroker(pairs); err != nil {
		return nil, nil, nil, err
	}
	was, is := b.layers.Static, staticLayer(pairs)
	merged := maps.Clone(was)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(names(was), names(is)...)))) {
		before, had := was[name]
		after, has := is[name]
		switch {
		case had == has && before == after, name == "broker.id" && after == is["node.id"]: // the same by another name
			continue
		case !reloadable(name):
			left = append(left, name)
			continue
		case has:
			merged[name] = after
		default:
			delete(merged, name)
		}
		taken = append(taken, name)
	}
	reloaded, _, err = resolve(Layers{Static: merged})
	return reloaded, taken, left, err
}

// reloadable reports whether a property may change while the broker runs. One that nobody knows may: it has no effect.
func reloadable(name string) bool {
	if slices.Contains(liveOnly, name) {
		return true
	}
	key := BrokerKey(name)
	if _, base, ok := splitOverride(name); ok {
		name = base
	}
	return key == nil || key.Update != ReadOnly && !slices.Contains(startOnly, name)
}
