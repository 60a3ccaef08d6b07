package result_test

import (
	"math"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// TestStudentT compares with the printed tables of the distribution, and with its closed forms for 1 and 2 degrees of
// freedom.
func TestStudentT(t *testing.T) {
	for _, c := range []struct {
		freedom int
		p, want float64
	}{
		{3, 0.975, 3.182446}, {5, 0.95, 2.015048}, {10, 0.975, 2.228139}, {10, 0.995, 3.169273}, {30, 0.975, 2.042272},
		{120, 0.975, 1.979930}, {100_000, 0.975, 1.959988}, {7, 0.5, 0},
		// tan(pi(p-1/2)), and (2p-1) sqrt(2/(4p(1-p))).
		{1, 0.975, math.Tan(math.Pi * 0.475)}, {2, 0.975, 0.95 * math.Sqrt(2/(4*0.975*0.025))},
	} {
		if got := result.StudentT(c.freedom, c.p); math.Abs(got-c.want) > 2e-6*math.Max(1, c.want) {
			t.Errorf("%d degrees, %v: got %v, expected %v", c.freedom, c.p, got, c.want)
		}
	}
}

// TestFitLine fits points whose line and interval are known.
func TestFitLine(t *testing.T) {
	// The mean distance of y from 2x is 0; the residuals are 1, -1, -1, 1, which add up to 4 over 2 degrees of freedom,
	// and the squares of x around its mean to 5: the interval is t(2, 0.975) sqrt(2/5).
	got, err := result.FitLine([]float64{1, 2, 3, 4}, []float64{3, 3, 5, 9})
	half := 4.302652729911275 * math.Sqrt(2.0/5)
	if err != nil || math.Abs(got.Slope-2) > 1e-12 || math.Abs(got.High-2-half) > 1e-9 ||
		math.Abs(2-half-got.Low) > 1e-9 || got.Points != 4 {
		t.Errorf("got %+v, %v, expected 2 +- %v", got, err, half)
	}
	got, err = result.FitLine([]float64{0, 1, 2}, []float64{5, 4, 3})
	if err != nil || got != (result.Fit{Slope: -1, Low: -1, High: -1, Points: 3}) {
		t.Errorf("points on a line: got %+v, %v", got, err)
	}
	for _, bad := range [][2][]float64{
		{{1, 2}, {1, 2}}, {{1, 1, 1}, {1, 2, 3}}, {{1, 2, 3}, {1, 2}}, {{1, 2, 3}, {1, math.NaN(), 2}},
	} {
		if got, err := result.FitLine(bad[0], bad[1]); err == nil {
			t.Errorf("%v: got %+v", bad, got)
		}
	}
}
