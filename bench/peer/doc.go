// Package peer has what is measured run: gregor and raw loops, each in a process of its own that is started for a
// sample and killed after it, and brokers of Kafka's protocol that somebody else started and that are only spoken to.
//
// A peer that this package starts gets an empty folder and a free port on the loopback device. It is killed rather than
// stopped: what it has not written back by then would only disturb the next sample.
//
// Of another's broker on the same machine the process is found by the port that it listens on, so that its processor
// time can be told as well; of one on another machine it is not known.
package peer
