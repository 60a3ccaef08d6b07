package result

import (
	"errors"
	"fmt"
	"math"
)

// Fit is a line that was fitted to points by least squares.
type Fit struct {
	Slope float64 `json:"slope"`
	// Low and High are the interval that holds the true slope with 95% confidence, if the distances from the line are
	// of one normal distribution.
	Low  float64 `json:"slope_low"`
	High float64 `json:"slope_high"`
	// Points is the number of points.
	Points int `json:"points"`
}

// errFit reports points that no line can be fitted to.
var errFit = errors.New("no line can be fitted")

// FitLine fits a line to points. There must be three of them, not all at one x.
func FitLine(x, y []float64) (Fit, error) {
	n := len(x)
	if n < 3 || n != len(y) {
		return Fit{}, fmt.Errorf("%w: got %d and %d coordinates, expected 3 points", errFit, n, len(y))
	}
	var meanX, meanY float64
	for i := range x {
		meanX, meanY = meanX+x[i]/float64(n), meanY+y[i]/float64(n)
	}
	var xx, xy float64
	for i := range x {
		xx, xy = xx+(x[i]-meanX)*(x[i]-meanX), xy+(x[i]-meanX)*(y[i]-meanY)
	}
	if !(xx > 0) || math.IsNaN(xy) || math.IsInf(xy, 0) {
		return Fit{}, fmt.Errorf("%w: got points at one x, or one that is no number", errFit)
	}
	slope := xy / xx
	var rest float64
	for i := range x {
		away := y[i] - meanY - slope*(x[i]-meanX)
		rest += away * away
	}
	freedom := n - 2
	half := StudentT(freedom, (1+confidence)/2) * math.Sqrt(rest/float64(freedom)/xx)
	return Fit{Slope: slope, Low: slope - half, High: slope + half, Points: n}, nil
}

// StudentT returns the quantile of Student's t distribution with so many degrees of freedom: the value that a share p
// of it, 1/2 to 1, lies below.
func StudentT(freedom int, p float64) float64 {
	below := func(t float64) float64 { // the share below t, which is not negative
		v := float64(freedom)
		return 1 - incompleteBeta(v/2, 0.5, v/(v+t*t))/2
	}
	low, high := 0.0, 1.0
	for below(high) < p && high < math.MaxFloat32 {
		high *= 2
	}
	const halvings = 200 // more than the digits of a float64 can tell apart
	for range halvings {
		if middle := (low + high) / 2; below(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// incompleteBeta is the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22), which converges
// fast where x is below the mean; beyond, the function's mirror image is taken.
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 || x >= 1 {
		return math.Min(math.Max(x, 0), 1)
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const terms = 200
	// From the innermost term outwards: 1/(1 + d1/(1 + d2/(1 + ...))).
	fraction := 1.0
	for i := terms; i > 0; i-- {
		m := float64(i / 2)
		var d float64
		if i%2 == 0 {
			d = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		} else {
			d = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		fraction = 1 + d/fraction
	}
	return front / fraction
}
