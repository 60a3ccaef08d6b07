// Package server is the driver of a broker on a real machine: sockets, files, threads and time. It carries out what
// package broker's comment asks of a driver, and nothing else.
//
//   - One goroutine a connection reads. It waits for bytes without holding a buffer, cuts them into frames, hands each
//     to Step and carries out the effects of all frames that one read brought at once.
//   - Replies are sent by whoever completed them, as far as the socket takes them without waiting. What is left is sent
//     by a goroutine that lives only as long as the socket is full, so that a slow reader holds up nobody.
//   - Small parts of replies are gathered into one send; ranges of files go by sendfile at their own offset and for
//     their exact length, straight from the page cache.
//   - A few goroutines run tasks; syncs come first. One goroutine waits for the next deadline.
//
// # Bounds
//
// A frame's memory grows as its bytes come in, never by what its length claims. A connection stops being read while it
// has too many requests under way or too many bytes of replies that its client does not take. An idle connection costs
// a goroutine and two small structs.
package server
