package config

// gregorKeys are gregor's own broker properties; Kafka has none of them.
var gregorKeys = []Key{
	brokerKey("gregor.validation", String, "full", oneOf("full", "header"), Medium, ClusterWide, works,
		"How records are checked when they are appended: full walks every record as Kafka does, header trusts the "+
			"batch's CRC; compacted topics are always walked."),
	hiddenKey("gregor.cluster.id", String, null, nil, Medium, ReadOnly, works,
		"The id that an empty log directory is formatted with; one is drawn where it is not given."),
	hiddenKey("gregor.admin.listener", String, "", adminAddress, Medium, ReadOnly, works,
		"The host:port of the pages for those who run the broker (/metrics, /livez, /readyz); empty for none."),
	hiddenKey("gregor.admin.pprof", Boolean, "false", nil, Low, ReadOnly, works,
		"Whether the page has /debug/pprof as well, which must be on a loopback address then."),
	hiddenKey("gregor.group.gather.ms", Int, "25", atLeast(0), Low, ReadOnly, works,
		"How long in milliseconds a new group waits for another member after the last one, at most ten times "+
			"that, where group.initial.rebalance.delay.ms says less: members that start together make one "+
			"generation, not many."),
	hiddenKey("gregor.log.level", String, null, oneOf("debug", "info", "warn", "error"), Low, ReadOnly, works,
		"The least level of the lines to log, unless --log-level says it; SIGHUP reads it anew."),
	brokerKey("gregor.tcp.congestion.control", String, "auto", nonEmpty, Low, ReadOnly, works,
		"The congestion control of accepted connections; auto takes cubic where it may be set, else reno, else the "+
			"system's."),
}

// gregorTopicKeys are gregor's own topic properties.
var gregorTopicKeys = []Key{
	topicKey("gregor.validation", String, "full", oneOf("full", "header"), Medium, works,
		"How records are checked when they are appended: full walks every record as Kafka does, header trusts the "+
			"batch's CRC; compacted topics are always walked.", "gregor.validation"),
}
