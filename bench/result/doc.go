// Package result is the form of what a measurement found: rows with their limits, ratios and targets, the machine they
// were taken on, a text table for people and one JSON object for programs.
//
// # A row
//
// A row compares gregor with a limit, the same work done by a loop that does nothing else, in samples that were taken
// in turn. The ratio of a pair is gregor's figure over that of the limit beside it, so that 1 is the limit; a row's
// ratio is the median of its pairs, with the least and the largest beside it. Units stand in the keys:
//
//	{"row": "produce-1mb", "durability": "page-cache", "validation": "full", ...
//	 "gregor_mb_per_s": 2210.4, "raw_mb_per_s": 2460.0, "ratio": 0.9, "ratio_min": 0.87, "ratio_max": 0.93,
//	 "pairs": 5, "target": "ratio >= 0.8", "verdict": "pass", ...}
package result
