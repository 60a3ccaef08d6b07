// Package workload makes simulated runs: it draws a world and its clients from a seed, lets the clients work while the
// world goes wrong, then heals it and demands that everything be there.
//
// # A run
//
//	0       nodes start; an admin client creates the topics
//	        producers append, readers fetch, probers ask everything else; the schedule's faults strike
//	For     heal: all faults end for good. Every producer must get an answer for all that it had sent, and one append
//	        more; fresh readers must read every log from its start to its end
//	        all clients leave; the broker is stopped in good order, and its files are held against the ledger
//	        it starts once more, and again its files are
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
//	inconclusive  nothing was acknowledged, no fault had an effect, or no leader epoch was ever new. (With one broker
//	              that is what a change of the leader is: a process that was not stopped in good order is started
//	              anew.)
package workload
