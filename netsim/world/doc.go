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
// What is asked of coordinators of groups is judged outside, in the order in which processes take requests in hand
// (Options.Served). The first violation ends the run, unless Options.GoOn is set.
//
// # Groups
//
// Groups is a ledger of another kind: it is told what clients asked of a coordinator of groups, when a process took
// each request in hand (Options.Served) and what it answered, and says at once what a coordinator of Kafka's classic
// protocol may not do.
//
// A request has three instants: it is sent, it is served (a process of the broker takes it in hand, in an order that
// the ledger is told), and it is answered. What an answer proves holds from when its request was served; what is
// demanded of a request is only what answers had proved before it was served. So a request that the network delays for
// long is judged by what held when it arrived, and two that cross are judged by nothing.
//
//	client:   sent ------------------------------------ answered
//	broker:            served ~~~ decides, writes ~~~
//	ledger:            notes what is known              judges, learns
//
// Generations. A generation is handed out with the first answer to a SyncGroup of it. From then on it is durable as the
// class of the run says, and
//
//	partition-owned-twice   no partition is given to two members of one generation
//	generation-reused       all answers of one generation hand out one and the same assignment, also after a restart
//	wrong-assignment        a member gets what the leader of its generation assigned to it
//	generation-regression   no JoinGroup is answered with a generation below one that was known before
//	two-leaders             all members of a generation are told one leader and one protocol
//	stale-generation        no Heartbeat or SyncGroup of a generation is answered as good once a later one was known
//
// Commits.
//
//	stale-commit            none is acknowledged of a generation below one that was known when it was served, of a
//	                        member that has left or was replaced, or of nobody while a member is known to be there
//	lost-commit             OffsetFetch never answers with less than what had been acknowledged, or read, before it
//	                        was sent: commits apply in the order in which they are served
//	garbage-offset          nor with what no commit wrote, above all no plausible 0 out of an error path
//	altered-offset          nor with another offset, epoch or metadata than was committed
//	aborted-offset          nor with a commit that was refused
//
// Members. One whose heartbeat was answered as good in a generation that was handed out is known to be there for the
// shorter of its session and rebalance timeouts from when that heartbeat was served, unless it leaves.
//
//	lost-member             it is not told UNKNOWN_MEMBER_ID or ILLEGAL_GENERATION meanwhile, above all not while its
//	                        coordinator loads, and DescribeGroups lists it
//	member-kept             DescribeGroups does not list a member that has sent nothing for its session and
//	                        two rebalances
//	deleted-alive           DeleteGroups does not delete its group
//	lost-group              ListGroups lists its group, and every group with offsets
//
// A group without members and offsets may be forgotten; then its generations begin anew.
//
// A process that is killed takes with it what it had not handed out: generations that no SyncGroup had answered, and
// that a member had left or was replaced. After a loss that the durability class allows ("cut"), nothing that was known
// before is demanded, but that offsets are ones that somebody committed.
//
// # Speed
//
// An event costs a heap operation, a hash and what the event does. Nothing is allocated for an event as such.
package world
