// Package peer has what is measured run: gregor, other brokers and raw loops, each in a process of its own that is
// started for a sample or a row and killed after it, and brokers of Kafka's protocol that somebody else started and
// that are only spoken to.
//
// A peer that this package starts gets an empty folder and a free port on the loopback device. It is killed rather than
// stopped: what it has not written back by then would only disturb the next sample. It dies with this process too.
//
// Of another's broker on the same machine the process is found by the port that it listens on, so that its processor
// time can be told as well; of one on another machine it is not known.
//
// # Programs that start a broker
//
// A broker of any make can be started by a program, often a script, that is called in two ways:
//
//	PROGRAM prepare DIR HOST:PORT   once, in an empty folder: it writes what the broker needs to begin, formats its
//	                                storage, and ends. How long that takes counts nowhere; what it prints is shown if
//	                                it fails, which it says by its exit code.
//	PROGRAM run DIR HOST:PORT       becomes the broker, in the foreground (a script ends in exec), which listens on
//	                                HOST:PORT and keeps all its files below DIR.
//
// The broker may be killed with SIGKILL at any time, and run again in the same DIR on the same address. The file
// "output" in DIR is taken: it gets what the broker prints.
package peer
