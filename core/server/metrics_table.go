//go:build unix

package server

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one row of the table of metrics: a name that dashboards and alerts may rely on.
type metric struct {
	name, help string
	kind       prometheus.ValueType // UntypedValue for a histogram
	labels     []string
	desc       *prometheus.Desc
}

// histogram is the kind of metrics that count values by size; client_golang has no ValueType for it.
const histogram = prometheus.UntypedValue

// The rows, gathered in metricTable as they are made.
var (
	buildInfo = counted("gregor_build_info", prometheus.GaugeValue,
		"Always 1; the labels say what was built.", "version", "commit", "go")
	brokerReady = counted("gregor_broker_ready", prometheus.GaugeValue,
		"1 while clients are served, as /readyz says; else 0.")

	requestsTotal = counted("gregor_requests_total", prometheus.CounterValue,
		"Requests that came, by API.", "api")
	requestErrors = counted("gregor_request_errors_total", prometheus.CounterValue,
		"Error codes in responses, by API and code; one response may hold several.", "api", "code")
	requestSeconds = counted("gregor_request_seconds", histogram,
		"Time from a request to its response, waiting included, by API; requests without a response are not in it.",
		"api")
	requestBytes = counted("gregor_request_bytes_total", prometheus.CounterValue,
		"Bytes of requests, by API.", "api")
	responseBytes = counted("gregor_response_bytes_total", prometheus.CounterValue,
		"Bytes of responses, by API.", "api")
	requestsRejected = counted("gregor_rejected_requests_total", prometheus.CounterValue,
		"Requests for which the connection was closed: malformed, or of an API or version that is not served.")
	requestsWaiting = counted("gregor_waiting_requests", prometheus.GaugeValue,
		"Requests without a response yet, by API: Produce waits for acks, Fetch for records, JoinGroup and SyncGroup "+
			"for other members.", "api")

	connectionsOpen = counted("gregor_connections", prometheus.GaugeValue,
		"Connections that are open, by listener.", "listener")
	connectionsOpened = counted("gregor_connections_opened_total", prometheus.CounterValue,
		"Connections that were accepted, by listener.", "listener")
	connectionsRefused = counted("gregor_connections_refused_total", prometheus.CounterValue,
		"Connections closed at once for max.connections.per.ip, by listener.", "listener")
	networkReceived = counted("gregor_network_received_bytes_total", prometheus.CounterValue,
		"Bytes that came in on all connections.")
	networkSent = counted("gregor_network_sent_bytes_total", prometheus.CounterValue,
		"Bytes that were sent on all connections.")

	syncSeconds = counted("gregor_sync_seconds", histogram,
		"Time that syncs of logs to the disk took (fsync), the metadata log's included.")
	syncRecords = counted("gregor_sync_records", histogram,
		"Records that one sync of a partition's log made durable together.")

	metadataOffset = counted("gregor_metadata_offset", prometheus.GaugeValue,
		"Offset up to which the metadata log is applied.")
	replicas = counted("gregor_replicas", prometheus.GaugeValue,
		"Partitions on this broker, by whether they can be served: online or offline.", "state")
	topicPartitions = counted("gregor_topic_partitions", prometheus.GaugeValue,
		"Partitions on this broker, by topic.", "topic")
	topicSize = counted("gregor_topic_size_bytes", prometheus.GaugeValue,
		"Bytes of the logs of a topic's partitions.", "topic")
	topicStarts = counted("gregor_topic_start_offsets", prometheus.GaugeValue,
		"Sum of the first offsets of a topic's partitions.", "topic")
	topicEnds = counted("gregor_topic_end_offsets", prometheus.GaugeValue,
		"Sum of the end offsets of a topic's partitions: its rate is that of the records that come.", "topic")
	partitionSize = counted("gregor_partition_size_bytes", prometheus.GaugeValue,
		"Bytes of a partition's log; only with ?partitions=TOPIC.", "topic", "partition")
	partitionStart = counted("gregor_partition_start_offset", prometheus.GaugeValue,
		"First offset of a partition; only with ?partitions=TOPIC.", "topic", "partition")
	partitionEnd = counted("gregor_partition_end_offset", prometheus.GaugeValue,
		"End offset of a partition; only with ?partitions=TOPIC.", "topic", "partition")
	partitionHigh = counted("gregor_partition_high_watermark", prometheus.GaugeValue,
		"High watermark of a partition; only with ?partitions=TOPIC.", "topic", "partition")

	groupsByState = counted("gregor_groups", prometheus.GaugeValue,
		"Groups that this broker coordinates, by state.", "state")
	groupMembers = counted("gregor_group_members", prometheus.GaugeValue,
		"Members of all groups.")
	groupOffsets = counted("gregor_group_offsets", prometheus.GaugeValue,
		"Committed offsets that all groups hold.")
	groupsLoading = counted("gregor_group_coordinators_loading", prometheus.GaugeValue,
		"Coordinators that are still reading their logs and answer COORDINATOR_LOAD_IN_PROGRESS.")
)

// metricTable holds all rows in their order.
var metricTable []*metric

func counted(name string, kind prometheus.ValueType, help string, labels ...string) *metric {
	m := &metric{name: name, help: help, kind: kind, labels: labels}
	m.desc = prometheus.NewDesc(name, help, labels, nil)
	metricTable = append(metricTable, m)
	return m
}

// kindName returns the kind as Prometheus writes it.
func (m *metric) kindName() string {
	switch m.kind {
	case prometheus.CounterValue:
		return "counter"
	case prometheus.GaugeValue:
		return "gauge"
	}
	return "histogram"
}

// metricRows writes the table in Markdown.
func metricRows() string {
	var b strings.Builder
	b.WriteString("| metric | kind | labels | says |\n|---|---|---|---|\n")
	for _, m := range metricTable {
		labels := make([]string, len(m.labels))
		for i, l := range m.labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kindName(), strings.Join(labels, ", "), m.help)
	}
	return b.String()
}
