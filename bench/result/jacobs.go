package result

// Jacobs2009 are the values of four bytes a second of A. Jacobs, "The Pathologies of Big Data", Communications of the
// ACM 52(8), 2009, figure 3.
var Jacobs2009 = struct {
	DiskInOrder, DiskAtRandom, SSDInOrder, SSDAtRandom, MemoryInOrder, MemoryAtRandom float64
}{
	DiskInOrder: 53.2e6, DiskAtRandom: 316, SSDInOrder: 42.2e6, SSDAtRandom: 1924,
	MemoryInOrder: 358.2e6, MemoryAtRandom: 36.7e6,
}
