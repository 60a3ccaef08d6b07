package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// hour and minute are in milliseconds.
const (
	minute = 60 * 1000
	hour   = 60 * minute
)

// check finds what is wrong with the values together, and reads max.connections.per.ip.overrides.
func (b *Broker) check() []error {
	var errs []error
	must := func(ok bool, message string) {
		if !ok {
			errs = append(errs, configError(message))
		}
	}
	v := b.values
	must(v["broker.id"].num < 0 || v["broker.id"].num == int64(b.NodeID),
		"You must set `node.id` to the same value as `broker.id`.")
	must(slices.Contains(v.list("process.roles"), "broker"),
		"process.roles must contain broker: gregor has no nodes that are controllers alone")
	factor := v.int32("default.replication.factor")
	must(factor <= math.MaxInt16, badValue("default.replication.factor", strconv.Itoa(int(factor)),
		"Value must be no more than 32767").Message)
	must(v.rollMs() >= 1, "log.roll.ms must be greater than or equal to 1")
	must(v.jitterMs() >= 0, "log.roll.jitter.ms must be greater than or equal to 0")
	must(v.retentionMs() != 0, "log.retention.ms must be unlimited (-1) or, greater than or equal to 1")
	queued := v.int64("queued.max.request.bytes")
	must(queued <= 0 || queued >= int64(b.RequestMaxBytes),
		"queued.max.request.bytes must be larger or equal to socket.request.max.bytes")
	errs = append(errs, v.checkOffsetsTopic()...)
	limits, err := parseIPLimits(v.text("max.connections.per.ip.overrides"))
	if err != nil {
		errs = append(errs, err)
	}
	b.IPLimits = limits
	must(b.MaxConnectionsPerIP > 0 || len(limits) > 0, "max.connections.per.ip can be set to zero only if "+
		"max.connections.per.ip.overrides property is set.")
	return append(errs, b.checkAdmin()...)
}

// mostPartitions is how many partitions one request may make.
const mostPartitions = 10_000

// checkOffsetsTopic finds what __consumer_offsets could not be made with. Kafka starts all the same, tries to make the
// topic again and again, and its clients wait for ever.
func (vs values) checkOffsetsTopic() []error {
	var errs []error
	if codec := vs.int32("offsets.topic.compression.codec"); codec < int32(Uncompressed) || codec > int32(Zstd) {
		errs = append(errs, configError("Unknown compression type id: "+strconv.Itoa(int(codec))))
	}
	name := "offsets.topic.segment.bytes"
	if err := topics.byName["segment.bytes"].Valid.check(name, vs[name]); err != nil {
		errs = append(errs, err)
	}
	name = "offsets.topic.num.partitions"
	if n := vs.int32(name); n > mostPartitions {
		errs = append(errs, badValue(name, strconv.Itoa(int(n)), "Value must be no more than "+
			strconv.Itoa(mostPartitions)))
	}
	return errs
}

// rollMs is the default of segment.ms: log.roll.ms, else log.roll.hours.
func (vs values) rollMs() int64 {
	if v := vs["log.roll.ms"]; v.set {
		return v.num
	}
	return vs.int64("log.roll.hours") * hour
}

// jitterMs is the default of segment.jitter.ms: log.roll.jitter.ms, else log.roll.jitter.hours.
func (vs values) jitterMs() int64 {
	if v := vs["log.roll.jitter.ms"]; v.set {
		return v.num
	}
	return vs.int64("log.roll.jitter.hours") * hour
}

// retentionMs is the default of retention.ms: log.retention.ms, else .minutes, else .hours; all that is negative is -1.
func (vs values) retentionMs() int64 {
	var ms int64
	if v := vs["log.retention.ms"]; v.set {
		ms = v.num
	} else if v := vs["log.retention.minutes"]; v.set {
		ms = v.num * minute
	} else {
		ms = vs.int64("log.retention.hours") * hour
	}
	return max(ms, -1)
}

// flushMs is the default of flush.ms: log.flush.interval.ms, else the scheduler's interval.
func (vs values) flushMs() int64 {
	if v := vs["log.flush.interval.ms"]; v.set {
		return v.num
	}
	return vs.int64("log.flush.scheduler.interval.ms")
}

// parseIPLimits reads host:count elements, separated by commas; where a host comes twice, the last counts.
func parseIPLimits(text string) ([]IPLimit, *Error) {
	if text == "" {
		return nil, nil
	}
	var limits []IPLimit
	for _, element := range splitList(text) {
		colon := strings.LastIndexByte(element, ':') // an IPv6 address has colons itself
		host, count := element[:max(colon, 0)], trim(element[colon+1:])
		n, err := strconv.ParseInt(count, 10, 32)
		if colon < 0 || err != nil {
			return nil, configError("Error parsing configuration property 'max.connections.per.ip.overrides': got " +
				strconv.Quote(element) + ", expected host:count")
		}
		limit := IPLimit{Host: trim(host), Connections: int32(n)}
		i := slices.IndexFunc(limits, func(each IPLimit) bool { return each.Host == limit.Host })
		if i < 0 {
			limits = append(limits, limit)
		} else {
			limits[i] = limit
		}
	}
	return limits, nil
}
