// Package world runs brokers in a simulated world: it is the second driver of core/broker, beside core/server.
// Machines, disks, clocks, networks and clients are values of one process, all that happens is an event at an instant,
// and one seed is one run, bit for bit.
//
// # How it works
//
// A World keeps a heap of events ordered by (instant, sequence) and does one after the other (World.Run). An event
// belongs to a broker's node or to a client:
//
//	client (Client, Actor)     connection (Conn)            node (Node)
//	  Ask -> frame -> up Stream ~~ delay, split, cut ~~> evUp: bytes -> frames -> broker.Step
//	  Answered <- evDown        <~~ down Stream <~~       Effects.Ready: replies, spans copied as they are sent
//	  Wake <- evWake (timer)                               Effects.Tasks: evTaskRun, some time later evTaskDone
//	                                                       Effects.Deadline: evDeadline
//
// The duties of a driver are those of core/broker's package comment, and driver.go and send.go carry them out in the
// same way as core/server does. Frames are real: the client's requests are encoded, cut into pieces at random points,
// delayed and put together again, and so are the replies.
//
// # What makes it repeatable
//
//   - One goroutine, no clock, no map order; the only order is that of the heap.
//   - Every choice is drawn from a stream that belongs to one node and one purpose (env.NewSeeded with a name such as
//     "disk/1" or "path/101>1"), so that taking one fault away leaves the other draws as they were.
//   - Numbers that reach the trace are whole.
//   - Each event goes into a running SHA-256 (trace.go): its instant, its place in the order, whom it happens to, what
//     bytes arrive, and a checksum of all that the node has written to its disk. Options.EachSecond is told the hash
//     once a simulated second, so that two runs that differ can be compared second by second.
//
// # Faults
//
// A run's faults are a list of Fault entries, drawn before the run (Draw) or written by hand: what, when, where, for
// how long. Nothing else fails. Faults are what package disk, package link and package clock can do, and the ends of
// processes and machines: killed between any two events or inside any call to the disk, paused, stopped in good order,
// without power; and started again.
//
// # Checks
//
// Every answer that a client gets is held against what is right (oracle.go): it decodes, it belongs to the oldest
// request of its connection, its error codes are ones that the API may give and that something in the world explains.
// The Ledger knows every record that a client ever sent and all that is known of each partition's log: an acknowledged
// record is never lost, an offset that was read never holds another record, offsets are dense, an idempotent producer's
// records are in the log once, in order and without gaps. After each start of a broker the ledger is compared with the
// files on the simulated disk, and these among themselves (inspect.go). At a clean stop nothing may be open any more.
// The first violation ends the run, unless Options.GoOn is set.
//
// # Speed
//
// An event costs a heap operation, a hash and what the event does. Nothing is allocated for an event as such.
package world
