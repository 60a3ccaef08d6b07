//go:build linux

// Package limit holds the loops that bound a broker: servers that do the work which no broker can leave out, and
// nothing else, and loops over files alone. They speak the frames of Kafka's protocol, so that one load generator with
// the same bytes drives a broker and its limit, and their sockets have the options of a broker's (see Listen).
//
//	Discard   receive, answer, all at once           what sockets and the load generator can do
//	Keep      receive, pwrite, answer                what keeping bytes unseen costs
//	Store     receive, CRC-32C, pwrite, answer       produce: a broker must look at the bytes and keep them
//	Spans     receive, send a header and a sendfile  fetch of what is in the page cache
//	Durable   receive, CRC-32C, pwrite, group commit, answer  produce that is acknowledged once it is on the disk
//	Relay     receive, wake who waits, send          one record from producer to consumer
//	Syncs     pwrite and fdatasync, one writer       durable appends one by one
//	GroupSyncs  many writers share each fdatasync    durable appends with a group commit
//
// And those that measure the machine alone, by their numbers in [Loops]:
//
//	L0  system calls, wake-ups of threads and goroutines, a round trip over loopback
//	L6  the device, past the page cache
//	L8  copies in memory
//	L9  CRC-32C
//	L10 values a second from disk and memory, in order and at random, as Jacobs measured them in 2009
//
// Keep, Store and Spans are there in C as well (see [Compile]): the same frames, the same files, a thread for each
// connection. What they reach beyond the loops in Go is what Go costs.
//
// # What they leave out
//
// A loop does not parse a request beyond its length and correlation id, knows no partitions, offsets or indexes, and
// answers with canned bytes. A file is left for a new one when it is full, as a log rolls: writing over the pages of
// a file that is being written back would measure the write-back instead.
//
// # Frames
//
// Each frame is a length of 4 bytes and so many bytes, that begin with API key, version (int16 each) and correlation id
// (int32). The answer of Discard, Keep and Store is a frame of AckSize bytes: length, correlation id, zeros. Zeros are
// read as "no error" wherever a Produce response may have its error code.
package limit
