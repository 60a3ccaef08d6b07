// Package matrix measures what a broker does beside another one and beside the raw loop that bounds both, in one run:
// rows of fixed work, from produce and fetch to a start, a recovery and stock clients.
//
// # A round
//
// A row is measured in rounds. In each, gregor and every peer is measured once, and the raw loop before the first and
// after the last; who begins moves on by one from round to round. The round's limit is the mean of the two figures of
// the loop. Where they differ by more than a tenth the machine was busy with something else, and the round is thrown
// away and taken again. So all figures of a round were taken within seconds of each other, and their ratios mean
// something on a machine whose speed changes from minute to minute. Rows that start a broker or weigh it, and those of
// stock clients, have no raw loop: of those the spread alone says how steady the machine was.
//
// # The same for all
//
// One load generator (package load) drives all sides with the same bytes over sockets with the same options. Brokers
// that are started here get an empty directory for each sample of a produce row, so that nobody pays for the pages that
// another has dirtied. What was acknowledged is looked for in the log after each sample: the end offsets say that it is
// as much, and where one batch was produced again and again, reading it back, of a large log both ends, says that it is
// the same.
//
// # Beyond memory
//
// Samples are so short that what they write and read stays in the page cache, but for two rows. Those of sustained
// begin when all that was written before has reached the disk, and count what is written behind the kernel's limit for
// dirty memory. Those of catch-up read a log that the page cache was made to drop, which takes root, and of a broker on
// this machine alone. Rows with long samples take few rounds, however many are asked for.
//
// Before a sample of Produce requests, as much memory as the row's largest sample has written is touched and given
// back: a virtual machine's host takes free memory away after seconds, and whoever writes to it first pays for that.
//
// # What stands beside a figure
//
// The processor time of server and client, apart, and what the client reaches against a server that drops everything:
// where a limit comes near that, it is the client's.
package matrix
