package clock

import (
	"math/bits"
	"time"
)

// Source draws random 64-bit numbers; env.Source is one.
type Source interface {
	// Uint64 returns a number, each as likely as any other.
	Uint64() uint64
}

// Below returns a number from 0 to n-1, each as likely as any other to within one part in 2^63/n; 0 if n is not
// positive.
func Below(s Source, n int64) int64 {
	if n <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(s.Uint64(), uint64(n))
	return int64(hi)
}

// Between returns a number from lo to hi, both included.
func Between(s Source, lo, hi int64) int64 {
	return lo + Below(s, hi-lo+1)
}

// Chance reports true n times in of.
func Chance(s Source, n, of int64) bool {
	return Below(s, of) < n
}

// Uniform returns a duration from 0 to most, both included.
func Uniform(s Source, most time.Duration) time.Duration {
	return time.Duration(Below(s, int64(most)+1))
}

// Exponential returns a duration whose logarithm of being exceeded falls evenly: mean on average, most often less, now
// and then several times as much, never more than 45 times.
func Exponential(s Source, mean time.Duration) time.Duration {
	if mean <= 0 {
		return 0
	}
	// -ln(u) = ln(2) * -log2(u), for u in (0, 1] in units of 2^-64.
	bits := negLog2(s.Uint64())
	return time.Duration(mulShift(mulShift(uint64(mean), bits, fraction), ln2, fraction))
}

// LogUniform returns a number between lo and hi, each doubling as likely as any other; lo is at least 1.
func LogUniform(s Source, lo, hi int64) int64 {
	if lo < 1 {
		lo = 1
	}
	if hi <= lo {
		return lo
	}
	low, high := log2(uint64(lo)), log2(uint64(hi))
	at := low + uint64(Below(s, int64(high-low)+1))
	return min(max(int64(exp2(at)), lo), hi)
}

// Logarithms are fixed-point numbers with so many bits behind the point.
const fraction = 32

// ln2 is the natural logarithm of 2.
const ln2 = 2977044472

// log2 returns the binary logarithm of n, at least 1, digit by digit: squaring a number of [1, 2) doubles its
// logarithm, so that what overflows into the next doubling is the next bit.
func log2(n uint64) uint64 {
	whole := bits.Len64(n) - 1
	x := n << (63 - whole) // of [1, 2), with 63 bits behind the point
	out := uint64(whole)
	for range fraction {
		hi, lo := bits.Mul64(x, x)
		out <<= 1
		if hi>>63 == 1 { // the square, with 126 bits behind the point, is 2 or more
			out |= 1
			x = hi
		} else {
			x = hi<<1 | lo>>63
		}
	}
	return out
}

// negLog2 returns -log2 of (n+1)/2^64, at least 0. It is exact enough for chance: the first 8 bits of the mantissa are
// looked up, between them it goes straight.
func negLog2(n uint64) uint64 {
	if n == 1<<64-1 {
		return 0
	}
	n++
	whole := bits.Len64(n) - 1
	x := n << (63 - whole) << 1 // the mantissa without its leading 1
	at, rest := x>>56, x<<8>>32
	low, high := logs[at], logs[at+1]
	return uint64(64-whole)<<fraction - (low + (high-low)*rest>>32)
}

// logs holds log2(1 + i/256).
var logs = func() (table [257]uint64) {
	for i := range table {
		table[i] = log2(uint64(256+i)) - 8<<fraction
	}
	return table
}()

// exp2 returns 2 to the power of a fixed-point number below 63.
func exp2(x uint64) uint64 {
	lo, hi := uint64(1)<<(x>>fraction), uint64(2)<<(x>>fraction)
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if log2(mid) <= x {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// mulShift returns a*b>>shift, for shifts from 1 to 63.
func mulShift(a, b uint64, shift uint) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi<<(64-shift) | lo>>shift
}
