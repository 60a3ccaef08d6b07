//go:build linux

// Package study compares a log on disk with the same log in memory: gregor's own code for both, on the operating
// system's files and on those of vfs.Mem, beside loops that do nothing but move bytes.
//
//	log-append     batches of 64 KiB appended to a commitlog, as a leader does, without a network
//	log-read       the same log read from its start in spans of up to 1 MiB
//	random-read    4 KiB at a time from anywhere in one file
//	random-write   4 KiB at a time to anywhere in one file
//	raw-write      the same bytes written to a file 1 MiB at a time; in memory, copied
//	raw-read       and read back; in memory, copied
//
// That is [Run], which a demonstration shows. [Subjects] are the studies that gregor bench study takes by name, each in
// a file of its own: sample after sample in rounds, all figures in turn, into panels of package result.
//
// # Three stores
//
// A disk is two things to a program: the kernel's page cache, which is memory, and the device below it. So each work on
// disk has two figures, and memory is the third:
//
//	memory      vfs.Mem; gone with the process
//	page-cache  the page cache: a write returns once the kernel has the bytes (they survive a kill of the process and
//	            not a loss of power), a read finds them there
//	device      a sequential write counts until fdatasync has ended at its end, a random write until its own fdatasync
//	            has; a read begins with nothing of the file in the page cache
//
// # What the figures are
//
// Each is the median of several runs, in which all works take turns, so that a slow minute of the machine does not
// strike one of them alone; all samples are kept. A work with short accesses ends after a bounded time or number.
// [Caveats] says what the figures do not say.
package study
