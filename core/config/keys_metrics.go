package config

// metricsKeys are the broker properties of metrics and client telemetry.
var metricsKeys = []Key{
	brokerKey("metric.reporters", List, "org.apache.kafka.common.metrics.JmxReporter",
		listOf(mayBeEmpty), Low, ClusterWide, noEffect(noJavaClasses),
		"The classes that metrics are reported to."),
	brokerKey("metrics.num.samples", Int, "2", atLeast(1), Low, ReadOnly, noEffect(noSamples),
		"The number of samples from which a metric is computed."),
	brokerKey("metrics.sample.window.ms", Long, "30000", atLeast(1), Low, ReadOnly, noEffect(noSamples),
		"The length in milliseconds of each sample of a metric."),
	brokerKey("metrics.recording.level", String, "INFO", nil, Low, ReadOnly, noEffect(noSamples),
		"The highest level of the metrics that are recorded."),
	brokerKey("kafka.metrics.reporters", List, "", listOf(mayBeEmpty), Low, ReadOnly, noEffect(noJavaClasses),
		"The classes that the older metrics are reported to."),
	brokerKey("kafka.metrics.polling.interval.secs", Int, "10", atLeast(1), Low, ReadOnly, noEffect(noJavaClasses),
		"How often in seconds the older metrics are reported."),
	brokerKey("telemetry.max.bytes", Int, "1048576", atLeast(1), Low, ReadOnly, later(clientTelemetry),
		"The most bytes of client metrics that one push may carry."),
}
