package result

import (
	"maps"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchmath"
)

// Measurement is what was measured of one row of the matrix: several sides in turn, a sample of each in each round.
type Measurement struct {
	Row  string `json:"row"`
	What string `json:"what"`
	// Unit is the unit of the samples' figures as it stands in keys: "mb_per_s". Of rates more is better, of latencies
	// ("us"), times ("ms", "s") and memory ("mib") less.
	Unit string `json:"unit"`
	// Durability is the class in which all sides acknowledge: "page-cache", "fsync"; "" where nothing is written.
	Durability string    `json:"durability,omitempty"`
	Settings   []Setting `json:"settings"`
	Sides      []*Side   `json:"sides"`
	// Rounds counts the rounds that were kept, Dropped those that were thrown away since the limit had drifted. Of a
	// noisy machine some of those are kept, which its Failure says.
	Rounds  int   `json:"rounds"`
	Dropped int   `json:"rounds_dropped"`
	Aims    []Aim `json:"aims,omitempty"`
	// StealPercent is what the machine's host kept from it meanwhile.
	StealPercent float64 `json:"steal_percent"`
	// Failure says why the row could not be measured, or not as often as was asked for.
	Failure string `json:"failure,omitempty"`
	// Notes say in sentences what a reader must know of the figures.
	Notes []string `json:"notes,omitempty"`
	// Profile is of gregor's processor time in one more sample, as pprof reads it, and Hottest where most of it went.
	// The profile is kept in a file of its own, and nil when a measurement was read from its directory.
	Profile []byte `json:"-"`
	Hottest []Hot  `json:"hottest,omitempty"`
}

// Setting is one thing that was set, in words.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Set sets what is set once more, or adds it.
func (m *Measurement) Set(s Setting) {
	at := slices.IndexFunc(m.Settings, func(o Setting) bool { return o.Key == s.Key })
	if at < 0 {
		m.Settings = append(m.Settings, s)
	} else {
		m.Settings[at] = s
	}
}

// The names of sides that are not other brokers.
const (
	// Limit is the raw loop that bounds the row.
	Limit = "limit"
	// ClientAlone is the load generator against a server that drops what it gets.
	ClientAlone = "client-alone"
	// Gregor is what all others are compared with.
	Gregor = "gregor"
	// OnePartition is gregor itself with the same requests, whose batches all go to one partition.
	OnePartition = "own-1-partition"
	// ReceivedRate is the extra figure of the records that a consumer got a second.
	ReceivedRate = "received_records_per_s"
	// Memory and Tmpfs are gregor itself with its records in memory, and with its files on tmpfs.
	Memory, Tmpfs = "memory", "tmpfs"
)

// Side is one of those that are compared.
type Side struct {
	Name    string   `json:"side"`
	Samples []Sample `json:"samples"`
	// Missing says why the side was left out of the row, which then has no samples of it.
	Missing string `json:"missing,omitempty"`
	// Latency holds the latencies of all samples in nanoseconds. It is kept in a file of its own, and nil when a
	// measurement was read from its directory; Percentiles are what a chart wants of it.
	Latency     *hdrhistogram.Histogram `json:"-"`
	Percentiles []Percentile            `json:"percentiles,omitempty"`
}

// Percentile is a point of a distribution: so many percent of the latencies are at most so long.
type Percentile struct {
	Percent float64 `json:"percent"`
	Latency float64 `json:"us"`
}

// fill takes the percentiles from the histogram: as many nines as there are samples for.
func (s *Side) fill() {
	s.Percentiles = nil
	for _, percent := range []float64{0, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.95, 99.99} {
		const fewest = 5 // latencies beyond a point that is shown
		if float64(s.Latency.TotalCount())*(100-percent)/100 < fewest {
			return
		}
		s.Percentiles = append(s.Percentiles, Percentile{percent, float64(s.Latency.ValueAtQuantile(percent)) / 1e3})
	}
}

// Sample is one measurement of one side.
type Sample struct {
	// Figure is in the row's unit.
	Figure   float64 `json:"figure"`
	Requests int64   `json:"requests"`
	Records  int64   `json:"records"`
	// Bytes are those of record batches, and Elapsed is the window in seconds.
	Bytes   int64   `json:"bytes"`
	Elapsed float64 `json:"elapsed_s"`
	// ServerCPU is nil where the server's process is not known.
	ServerCPU *float64 `json:"server_cpu_s"`
	ClientCPU float64  `json:"client_cpu_s"`
	// P50 to P999 are of a closed loop or an open one, as the row's settings say; 0 where no latencies were taken.
	P50  float64 `json:"latency_p50_us"`
	P99  float64 `json:"latency_p99_us"`
	P999 float64 `json:"latency_p999_us"`
	// LatencyRate is how many records a second were sent when the latencies were taken, where that was another load
	// than the one that the other figures are of; else 0.
	LatencyRate float64 `json:"latency_records_per_s,omitempty"`
	// Extra holds what else a row tells, by names that end with the unit if there is one.
	Extra map[string]float64 `json:"extra,omitempty"`
}

// Side returns the side of that name, nil if it was not measured.
func (m *Measurement) Side(name string) *Side {
	at := slices.IndexFunc(m.Sides, func(s *Side) bool { return s.Name == name })
	if at < 0 {
		return nil
	}
	return m.Sides[at]
}

// IsRival reports whether gregor's figures are compared with the side's.
func (s *Side) IsRival() bool { return s.Name != Gregor && s.Name != ClientAlone }

// Figures returns the figures of all samples in their order.
func (s *Side) Figures() []float64 {
	return s.each(func(x Sample) float64 { return x.Figure })
}

func (s *Side) each(of func(Sample) float64) []float64 {
	var all []float64
	for _, x := range s.Samples {
		all = append(all, of(x))
	}
	return all
}

// CPU returns the medians of the processor time that a side's server and the client took, and their unit: seconds for
// 10^9 bytes of batches where the row's figure is of bytes, seconds of the whole sample where it is of a time or of
// memory, else microseconds for each request or record. The server's is NaN where its process is not known.
func (m *Measurement) CPU(s *Side) (server, client float64, unit string) {
	unit = "us/request"
	per := func(seconds float64, x Sample) float64 { return seconds * 1e6 / float64(x.Requests) }
	switch m.Unit {
	case "mb_per_s":
		unit = "s/GB"
		per = func(seconds float64, x Sample) float64 { return seconds / (float64(x.Bytes) / 1e9) }
	case "records_per_s":
		unit = "us/record"
		per = func(seconds float64, x Sample) float64 { return seconds * 1e6 / float64(x.Records) }
	case "ms", "s", "mib":
		unit = "s"
		per = func(seconds float64, _ Sample) float64 { return seconds }
	}
	server = Median(s.each(func(x Sample) float64 {
		if x.ServerCPU == nil {
			return math.NaN()
		}
		return per(*x.ServerCPU, x)
	}))
	return server, Median(s.each(func(x Sample) float64 { return per(x.ClientCPU, x) })), unit
}

// Interval is a median with the interval that holds the true one with 95% confidence, whatever the distribution; with
// few samples the interval is all that was seen.
type Interval struct {
	Median, Low, High float64
}

// confidence is that of all intervals.
const confidence = 0.95

// IntervalOf returns the interval of some values.
func IntervalOf(values []float64) Interval {
	if len(values) == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds),
		confidence)
	// Too few values for that confidence: the interval is not finite.
	low, high := math.Max(s.Lo, slices.Min(values)), math.Min(s.Hi, slices.Max(values))
	return Interval{s.Center, low, high}
}

// Ratio returns gregor's figures divided by another side's, round by round; false if either was not measured.
func (m *Measurement) Ratio(against string) (Interval, bool) { return m.RatioOf("", against) }

// RatioOf is Ratio of another figure of the samples; see Aim.
func (m *Measurement) RatioOf(figure, against string) (Interval, bool) {
	ours, theirs := m.Side(Gregor), m.Side(against)
	if ours == nil || theirs == nil || len(ours.Samples) == 0 || len(ours.Samples) != len(theirs.Samples) {
		return Interval{}, false
	}
	var ratios []float64
	for i := range ours.Samples {
		ratio := ours.Samples[i].of(figure) / theirs.Samples[i].of(figure)
		if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
			return Interval{}, false // one of the two does not have it
		}
		ratios = append(ratios, ratio)
	}
	return IntervalOf(ratios), true
}

// of returns a figure by its name, NaN if the sample has none of that name.
func (x Sample) of(figure string) float64 {
	switch figure {
	case "":
		return x.Figure
	case "p50":
		return x.P50
	case "p99":
		return x.P99
	case "p999":
		return x.P999
	}
	if v, ok := x.Extra[figure]; ok {
		return v
	}
	return math.NaN()
}

// ExtraNames returns the names of the extra figures that any sample of the row has, in order.
func (m *Measurement) ExtraNames() []string {
	names := make(map[string]bool)
	for _, s := range m.Sides {
		for _, x := range s.Samples {
			for name := range x.Extra {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Extra returns the median of a side's extra figure, NaN if it has none.
func (s *Side) Extra(name string) float64 {
	return Median(s.each(func(x Sample) float64 { return x.of(name) }))
}
