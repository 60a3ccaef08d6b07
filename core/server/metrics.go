//go:build unix

package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/wire"
)

// metrics serves /metrics.
func (a *Admin) metrics() http.Handler {
	all := a.registry("")
	o := promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError}
	handler := promhttp.HandlerFor(all, o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if topic := r.URL.Query().Get("partitions"); topic != "" {
			promhttp.HandlerFor(a.registry(topic), o).ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// registry gathers all metrics, with those of a topic's partitions if one is named; "*" stands for all.
func (a *Admin) registry(partitions string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{a: a, partitions: partitions})
	return r
}

// collector looks up what the metrics say when they are asked for.
type collector struct {
	a          *Admin
	partitions string
	out        chan<- prometheus.Metric
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metricTable {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	x := &collector{a: c.a, partitions: c.partitions, out: out}
	x.put(buildInfo, 1, c.a.o.Version, c.a.o.Commit, goVersion())
	ready, _ := c.a.ready()
	x.put(brokerReady, map[bool]float64{true: 1}[ready])
	s := c.a.server.Load()
	if s == nil {
		return
	}
	x.connections(s)
	if s.progress.now() != serving {
		return
	}
	x.requests(s)
	x.distribution(syncSeconds, s.syncs.Read(), 1e9)
	x.distribution(syncRecords, s.broker.RecordsSynced(), 1)
	x.logs(s.broker)
	x.groups(s.broker)
}

func (c *collector) put(m *metric, value float64, labels ...string) {
	c.out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

// distribution puts a histogram in a unit of which so many of the values that were counted make one.
func (c *collector) distribution(m *metric, d broker.Distribution, per float64, labels ...string) {
	buckets := make(map[float64]uint64, len(d.Bounds))
	for i, bound := range d.Bounds {
		buckets[float64(bound)/per] = d.AtMost[i]
	}
	c.out <- prometheus.MustNewConstHistogram(m.desc, d.Count, float64(d.Sum)/per, buckets, labels...)
}

func (c *collector) connections(s *Server) {
	c.put(networkReceived, float64(s.bytes.in.Load()))
	c.put(networkSent, float64(s.bytes.out.Load()))
	for _, l := range s.listeners {
		c.put(connectionsOpen, float64(l.open.Load()), l.cfg.Name)
		c.put(connectionsOpened, float64(l.opened.Load()), l.cfg.Name)
		c.put(connectionsRefused, float64(l.refused.Load()), l.cfg.Name)
	}
}

func (c *collector) requests(server *Server) {
	waiting := server.waiting()
	for _, s := range server.broker.APIStats() {
		c.put(requestsWaiting, float64(waiting[s.Key]), s.Name)
		c.put(requestsTotal, float64(s.Requests), s.Name)
		c.put(requestBytes, float64(s.BytesIn), s.Name)
		c.put(responseBytes, float64(s.BytesOut), s.Name)
		c.distribution(requestSeconds, s.Time, 1e9, s.Name)
		for _, e := range s.Errors {
			c.put(requestErrors, float64(e.Count), s.Name, codeName(e.Code))
		}
	}
	c.put(requestsRejected, float64(server.broker.Rejected()))
}

// codeName returns Kafka's name of an error code.
func codeName(code int16) string {
	if known := kerr.TypedErrorForCode(code); known != nil && known.Code == code {
		return known.Message
	}
	return strconv.Itoa(int(code))
}

// waiting counts the requests of all connections that have no answer yet, by API key.
func (s *Server) waiting() *[wire.MaxKey + 1]int {
	var sum [wire.MaxKey + 1]int
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.mu.conns {
		conn.side.Waiting(&sum)
	}
	return &sum
}

func (c *collector) logs(b *broker.Broker) {
	offset, _ := b.MetadataState()
	c.put(metadataOffset, float64(offset))
	online, offline := 0, 0
	for _, t := range b.TopicLogs() {
		online, offline = online+t.Partitions-t.Offline, offline+t.Offline
		c.put(topicPartitions, float64(t.Partitions), t.Topic)
		c.put(topicSize, float64(t.Size), t.Topic)
		c.put(topicStarts, float64(t.Start), t.Topic)
		c.put(topicEnds, float64(t.End), t.Topic)
	}
	c.put(replicas, float64(online), "online")
	c.put(replicas, float64(offline), "offline")
	if c.partitions == "" {
		return
	}
	topic := c.partitions
	if topic == "*" {
		topic = ""
	}
	for _, p := range b.PartitionLogs(topic) {
		labels := []string{p.Partition.Topic, strconv.Itoa(int(p.Partition.Partition))}
		c.put(partitionSize, float64(p.Size), labels...)
		c.put(partitionStart, float64(p.Start), labels...)
		c.put(partitionEnd, float64(p.End), labels...)
		c.put(partitionHigh, float64(p.HighWatermark), labels...)
	}
}
