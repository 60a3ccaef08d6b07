//go:build !race

package broker

// raced says that the race detector runs, under which pools forget at random.
const raced = false
