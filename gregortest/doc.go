// Package gregortest runs a broker inside a Go test: one call, a free port, nothing to install and nothing to clean up.
//
//	func TestOrders(t *testing.T) {
//		broker := gregortest.Start(t, gregortest.Topic("orders", 3))
//		client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()))
//		...
//	}
//
// Any Kafka client in any language can talk to it: it is the broker that "gregor broker" runs, on a real socket of the
// loopback interface. Its records are in memory, unless OnDisk or Dir says otherwise. It stops when the test and its
// subtests have ended, and a stop that is not clean fails the test. Each test may start as many as it likes, in
// parallel too: they share nothing. A start takes about a millisecond.
//
// What differs from a broker's defaults is there to make tests quick: topics have one partition unless told otherwise,
// and a consumer group waits for more members after its first for a moment alone (gregor.group.gather.ms). Property
// sets any of Kafka's own properties.
package gregortest
