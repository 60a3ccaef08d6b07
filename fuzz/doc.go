// Package fuzz holds the native fuzz targets: whatever comes from a socket or a disk is handed over mutated, and what
// must hold whatever the bytes say is checked. It has tests alone.
//
// # Targets
//
//	FuzzFrame            any bytes as a request frame: the broker answers, says nothing or hangs up
//	FuzzRequest          well-formed requests of every advertised API and version with arbitrary content: each is
//	                     answered, and the answer decodes in its version
//	FuzzBatch            any bytes as a record batch: what validation lets pass reads back
//	FuzzSegment          any bytes as a .log: what recovery keeps is a valid prefix, and its indexes agree
//	FuzzIndexes          any bytes as the index files of a good .log: every answer is right all the same
//	FuzzSnapshot         any bytes as a producer snapshot
//	FuzzCheckpoint       any bytes as one of the small text files of a log directory
//	FuzzMetadataRecords  any bytes as records of the metadata log
//	FuzzDirectory        a good log with a few mutated files: refused, or opened with what the damage left
//	FuzzProperties       any text as server.properties
//
// # Corpus
//
// Seeds are drawn from golden files, from a broker's own disk and from encoded requests when a target starts; what
// fuzzing found is under testdata/fuzz/<target>, and "go test" runs all of it.
//
// # Every target can fail
//
// Nothing may panic, run for ever or take memory out of proportion: the latter two end a worker by watch, which counts
// bytes allocated and waits ten seconds. All else that a target asserts is said at the target.
package fuzz
