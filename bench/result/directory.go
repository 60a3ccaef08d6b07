package result

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a run's directory.
const (
	// RunFile is the whole run as one object.
	RunFile = "run.json"
	// BenchFile holds every sample as Go's benchmarks print theirs, for benchstat.
	BenchFile = "bench.txt"
	// SumsFile holds the SHA-256 of each other file, as sha256sum prints and checks them.
	SumsFile = "SHA256SUMS"
)

// Version is that of the run's file.
const Version = "1"

// Run is what one run of gregor bench measured.
type Run struct {
	Command string `json:"_command"`
	Version string `json:"_version"`
	// Arguments are those that it was given, and Began when it began, in UTC as RFC 3339 has it.
	Arguments []string `json:"arguments"`
	Began     string   `json:"began"`
	// Binary is the SHA-256 of the program.
	Binary  string         `json:"binary_sha256"`
	Machine map[string]any `json:"machine"`
	// Cautions say in sentences what spoils all figures.
	Cautions []string `json:"cautions,omitempty"`
	// Limits are what the machine alone could do before the run and after it.
	Limits []Limited      `json:"limits"`
	Rows   []*Measurement `json:"rows"`
	// Studies are what gregor bench study measured.
	Studies []*Study `json:"studies,omitempty"`
}

// Limited is the figure of a loop that measures the machine alone.
type Limited struct {
	Name   string  `json:"limit"`
	What   string  `json:"what"`
	Bounds string  `json:"bounds"`
	Unit   string  `json:"unit"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Failure says why there is no figure.
	Failure string `json:"failure,omitempty"`
}

// Drift is how far the two figures are apart, as a part of their mean.
func (l *Limited) Drift() float64 {
	return math.Abs(l.After-l.Before) / ((l.After + l.Before) / 2)
}

// ErrDirectory reports a run's directory that is not as it was written.
var ErrDirectory = errors.New("not a run's directory")

// Write writes the run to a directory, which is made if it is not there and must not hold anything.
func (r *Run) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%w: %s holds %s and more, expected nothing", fs.ErrExist, dir, there[0].Name())
	}
	for _, m := range r.Rows {
		for _, s := range m.Sides {
			if s.Latency != nil {
				s.fill()
			}
		}
	}
	w := &writer{dir: dir}
	w.json(RunFile, r)
	w.file(BenchFile, r.benchmarks)
	for _, m := range r.Rows {
		if m.Profile != nil {
			w.file(path.Join("profile", m.Row+".pprof"), func(out io.Writer) error {
				_, err := out.Write(m.Profile)
				return err
			})
		}
		for _, s := range m.Sides {
			name := m.Row + "-" + s.Name
			if s.Latency != nil {
				w.file(path.Join("latency", name+".hgrm"), func(out io.Writer) error {
					const ticks, microseconds = 5, 1000
					_, err := s.Latency.PercentilesPrint(out, ticks, microseconds)
					return err
				})
			}
			if s.Latency != nil || m.Durability == "" && len(s.Samples) > 0 {
				w.json(path.Join("omb", name+".json"), r.openMessaging(m, s))
			}
		}
	}
	return w.sums()
}

// writer writes files and keeps their sums. After an error it does nothing.
type writer struct {
	dir   string
	lines []string
	err   error
}

func (w *writer) file(name string, content func(io.Writer) error) {
	if w.err != nil {
		return
	}
	full := filepath.Join(w.dir, filepath.FromSlash(name))
	if w.err = os.MkdirAll(filepath.Dir(full), 0o755); w.err != nil {
		return
	}
	f, err := os.Create(full)
	if err != nil {
		w.err = err
		return
	}
	sum := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(f, sum))
	w.err = errors.Join(content(out), out.Flush(), f.Close())
	w.lines = append(w.lines, hex.EncodeToString(sum.Sum(nil))+"  "+name+"\n")
}

func (w *writer) json(name string, value any) {
	w.file(name, func(out io.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(value)
	})
}

func (w *writer) sums() error {
	slices.Sort(w.lines)
	w.file(SumsFile, func(out io.Writer) error {
		_, err := io.WriteString(out, strings.Join(w.lines, ""))
		return err
	})
	return w.err
}

// benchmarks writes every sample as a line of Go's benchmark format: a row is a benchmark, a side its "side".
func (r *Run) benchmarks(out io.Writer) error {
	fmt.Fprintf(out, "goos: linux\npkg: gregor/bench\n")
	for _, key := range []string{"cpu", "scaling_governor", "kernel", "file_system", "system_congestion_control"} {
		if v, ok := r.Machine[key]; ok {
			fmt.Fprintf(out, "%s: %v\n", strings.ReplaceAll(key, "_", "-"), v)
		}
	}
	for _, m := range r.Rows {
		unit := strings.ReplaceAll(UnitText(m.Unit), " ", "-")
		for _, s := range m.Sides {
			for _, x := range s.Samples {
				one := &Side{Samples: []Sample{x}}
				server, client, per := m.CPU(one)
				fmt.Fprintf(out, "Benchmark%s/side=%s 1 %g %s %g p50-us %g p99-us %g client-cpu-%s", camel(m.Row),
					s.Name, x.Figure, unit, x.P50, x.P99, client, per)
				if x.ServerCPU != nil {
					fmt.Fprintf(out, " %g server-cpu-%s", server, per)
				}
				for _, name := range slices.Sorted(maps.Keys(x.Extra)) {
					fmt.Fprintf(out, " %g %s", x.Extra[name], strings.ReplaceAll(name, "_", "-"))
				}
				fmt.Fprintln(out)
			}
		}
	}
	for _, s := range r.Studies {
		if err := s.benchmarks(out); err != nil {
			return err
		}
	}
	return nil
}

// camel turns a row's name into the name of a benchmark: "produce-64k" into "Produce64k".
func camel(name string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// openMessaging is a side's figures under the names of the results of OpenMessaging's benchmark, for what reads those.
// Its rates are messages a second and its latencies milliseconds: of publishing, or from end to end. Of fetches it has
// no latencies. A rate is that of the load which the latencies are of; where the row's figure is of another one, the
// workload's name says so.
func (r *Run) openMessaging(m *Measurement, s *Side) map[string]any {
	out := map[string]any{"workload": m.Row, "driver": s.Name, "beginTime": r.Began, "version": Version}
	rates := s.each(func(x Sample) float64 {
		if x.LatencyRate > 0 {
			out["workload"] = m.Row + " at a constant rate"
			return x.LatencyRate
		}
		return float64(x.Records) / x.Elapsed
	})
	prefix := "aggregatedPublishLatency"
	switch {
	case m.Unit == "us":
		prefix = "aggregatedEndToEndLatency"
	case m.Durability == "":
		out["consumeRate"] = rates
		return out
	}
	out["publishRate"] = rates
	if len(s.Samples) > 0 && s.Samples[0].Extra[ReceivedRate] > 0 {
		out["consumeRate"] = s.each(func(x Sample) float64 { return x.Extra[ReceivedRate] })
	}
	out[prefix+"Avg"], out[prefix+"Max"] = s.Latency.Mean()/1e6, float64(s.Latency.Max())/1e6
	for name, quantile := range map[string]float64{
		"50pct": 50, "75pct": 75, "95pct": 95, "99pct": 99, "999pct": 99.9, "9999pct": 99.99,
	} {
		out[prefix+name] = float64(s.Latency.ValueAtQuantile(quantile)) / 1e6
	}
	return out
}

// ReadRun reads a directory that Write wrote, and finds files that are missing, cut short or edited.
func ReadRun(dir string) (*Run, error) {
	if err := checkSums(dir); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, RunFile))
	if err != nil {
		return nil, err
	}
	var r Run
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDirectory, RunFile, err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("%w: got version %q, expected %q", ErrDirectory, r.Version, Version)
	}
	return &r, r.check()
}

func checkSums(dir string) error {
	f, err := os.Open(filepath.Join(dir, SumsFile))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	defer f.Close()
	listed := make(map[string]bool)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || !filepath.IsLocal(name) {
			return fmt.Errorf("%w: %s: got line %q", ErrDirectory, SumsFile, lines.Text())
		}
		listed[name] = true
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDirectory, err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("%w: %s is not as it was written", ErrDirectory, name)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	for _, name := range []string{RunFile, BenchFile} {
		if !listed[name] {
			return fmt.Errorf("%w: %s does not list %s", ErrDirectory, SumsFile, name)
		}
	}
	return nil
}

// machineKeys are what Machine tells.
var machineKeys = []string{
	"cpu", "cpus", "gomaxprocs", "scaling_governor", "memory_gib", "transparent_hugepages", "vm_dirty_ratio",
	"vm_dirty_bytes", "vm_dirty_background_ratio", "vm_dirty_background_bytes", "kernel", "system_congestion_control",
	"file_system", "mount_options", "go", "commit",
}

// laterKeys are those that runs of before have none of.
var laterKeys = []string{
	"gomaxprocs", "scaling_governor", "transparent_hugepages", "vm_dirty_ratio", "vm_dirty_bytes",
	"vm_dirty_background_ratio", "vm_dirty_background_bytes", "mount_options",
}

// checkMachine finds a machine of which something is missing. Older runs tell less, all of them the same.
func (r *Run) checkMachine() error {
	if !slices.ContainsFunc(laterKeys, func(key string) bool { _, ok := r.Machine[key]; return ok }) {
		return nil
	}
	for _, key := range machineKeys {
		if v, ok := r.Machine[key]; !ok || v == "" || v == nil {
			return fmt.Errorf("%w: machine: got %q for %s, expected what it is or %q", ErrDirectory, v, key, "unknown")
		}
	}
	return nil
}

// check finds a machine, rows and studies that do not agree with themselves.
func (r *Run) check() error {
	if err := r.checkMachine(); err != nil {
		return err
	}
	for _, s := range r.Studies {
		if err := s.check(); err != nil {
			return err
		}
	}
	for _, m := range r.Rows {
		for _, s := range m.Sides {
			if s.Missing != "" && len(s.Samples) > 0 {
				return fmt.Errorf("%w: row %s: got %d samples of %s, which was left out", ErrDirectory, m.Row,
					len(s.Samples), s.Name)
			}
			expected := s.Name != ClientAlone && s.Missing == "" && m.Failure == ""
			if expected && len(s.Samples) != m.Rounds {
				return fmt.Errorf("%w: row %s: got %d samples of %s in %d rounds", ErrDirectory, m.Row, len(s.Samples),
					s.Name, m.Rounds)
			}
			for _, x := range s.Samples {
				if !(x.Figure > 0) || !(x.Elapsed > 0) || x.Requests <= 0 {
					return fmt.Errorf("%w: row %s: got a sample of %s with figure %v, %v s, %d requests", ErrDirectory,
						m.Row, s.Name, x.Figure, x.Elapsed, x.Requests)
				}
			}
		}
	}
	return nil
}
