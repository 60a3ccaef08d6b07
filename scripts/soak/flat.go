package main

import (
	"fmt"
	"math"
	"strings"
)

// What a fitted line may rise by in the second half of a run: a quarter of its middle, and some room for what varies
// anyway.
const (
	roomBytes = 32 << 20
	roomFiles = 16
)

// fit is a line through points, by least squares: its value in the middle of them, and what it rises by from the first
// to the last.
type fit struct{ middle, rise float64 }

// fitted fits a line. Points that are all at one instant, or none, have no line that rises.
func fitted(samples []sample, of func(sample) float64) fit {
	if len(samples) == 0 {
		return fit{}
	}
	var sumX, sumY float64
	for _, one := range samples {
		sumX, sumY = sumX+one.at.Seconds(), sumY+of(one)
	}
	n := float64(len(samples))
	middle, mean := sumX/n, sumY/n
	var up, across float64
	for _, one := range samples {
		x := one.at.Seconds() - middle
		up, across = up+x*(of(one)-mean), across+x*x
	}
	if across == 0 {
		return fit{middle: mean}
	}
	length := (samples[len(samples)-1].at - samples[0].at).Seconds()
	return fit{middle: mean, rise: up / across * length}
}

// flatness is what the second half of a run says of the broker.
type flatness struct{ resident, files fit }

// secondHalf fits lines to the samples of the second half of the load.
func (s *soak) secondHalf() flatness {
	half := s.mu.samples[len(s.mu.samples)/2:]
	return flatness{
		resident: fitted(half, func(one sample) float64 { return float64(one.usage.Resident) }),
		files:    fitted(half, func(one sample) float64 { return float64(one.usage.Files) }),
	}
}

// grown says what is not flat, "" if all is.
func (f flatness) grown() string {
	var found []string
	if limit := f.resident.middle/4 + roomBytes; f.resident.rise > limit {
		found = append(found, fmt.Sprintf("resident memory rises by %.0f bytes around %.0f, expected at most %.0f",
			f.resident.rise, f.resident.middle, limit))
	}
	if limit := f.files.middle/4 + roomFiles; f.files.rise > limit {
		found = append(found, fmt.Sprintf("open files rise by %.1f around %.1f, expected at most %.1f", f.files.rise,
			f.files.middle, limit))
	}
	return strings.Join(found, ", ")
}

// String writes the lines for people.
func (f flatness) String() string {
	return fmt.Sprintf("in the second half %.1f MB, changing by %+.1f MB, and %.0f files, changing by %+.0f",
		f.resident.middle/1e6, f.resident.rise/1e6, f.files.middle, math.Round(f.files.rise)+0)
}

// flat fails the run if memory or files grew, or if there was nothing to look at.
func (s *soak) flat() {
	const least = 10
	if len(s.mu.samples) < least {
		s.fail("%d samples of the broker, expected at least %d", len(s.mu.samples), least)
		return
	}
	if text := s.secondHalf().grown(); text != "" {
		s.fail("%s", text)
	}
	if len(s.mu.ends) == 0 {
		s.fail("the broker was never ended in %v", s.length)
	}
}
