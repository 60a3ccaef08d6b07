// Package workload makes simulated runs: it draws a world and its clients from a seed, lets the clients work while the
// world goes wrong, then heals it and demands that everything be there.
//
// # A run
//
//	0       nodes start; an admin client creates the topics
//	        producers append, readers fetch, probers ask everything else; members of groups fetch and commit, and get
//	        into trouble of their own; the schedule's faults strike
//	For     heal: all faults end for good. Every producer must get an answer for all that it had sent, and one append
//	        more; some members go for good, and every group must settle: whoever stays has partitions, has read them
//	        to their end and has committed that. Fresh readers must read every log from its start to its end
//	        all clients leave; the broker is stopped in good order, and its files are held against the ledger
//	        it starts once more, and again its files are; what groups have committed is read, and must be the last
//
// Groups are shared by several members, of which each sees a part of what is sent, or of one member, which sees all.
// Members are dynamic and static, eager and cooperative (member.go); they leave, crash, freeze for longer than their
// session, and what has crashed may still speak later, with the member id and the generation that it had (trouble.go).
// Beside them, clients commit offsets without being members, and one lists, describes and deletes groups and offsets
// (simple.go, warden.go). The ledger of package groups is told of all of it (book.go).
//
// Clients speak real wire bytes, in versions that each draws for itself (versions.go). They behave as Kafka's do: an
// idempotent producer sends what was not answered again, in its order and with its sequence numbers, at most five
// requests in flight; a reader that is out of range asks where to go on.
//
// # Knobs
//
// Plan holds everything that a seed draws. A seed and a scenario (scenario.go) say all.
//
// # Verdicts
//
//	ok            nothing was found
//	violation     a rule was broken; the first one is told
//	inconclusive  no append or no commit was acknowledged, no generation of a group was handed out, no fault had an
//	              effect, or no leader epoch was ever new. (With one broker that is what a change of the leader is: a
//	              process that was not stopped in good order is started anew.)
package workload
