//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// Row is one line of the matrix.
type Row struct {
	Name, What string
	// Unit is the unit of its figure as it stands in keys, Durability the class of its writes.
	Unit, Durability string
	Settings         []result.Setting
	Aims             []result.Aim
	// MostRounds bounds the rounds of a row that takes long; 0 is no bound.
	MostRounds int

	work workload
	// life is set instead of work in a row that starts its sides itself.
	life lifecycle
}

// workload is what a row does to a side.
type workload interface {
	// loop returns the arguments of the raw loop that bounds it, for a folder of its own; none if there is no such
	// loop.
	loop(dir string) ([]string, error)
	// open makes a running side ready.
	open(ctx context.Context, i *peer.Instance, loop bool) (subject, error)
	// fresh says that each sample wants a side that has just been started.
	fresh() bool
	// window is how long a sample is.
	window() load.Window
	// figure is what the row shows of a result.
	figure(r *load.Result) float64
}

// adapting is a workload or a lifecycle that depends on the machine or its tools, or has sides of its own.
type adapting interface {
	// adapt changes the options before anything is measured, and returns what there is to say of that.
	adapt(o *Options) ([]result.Setting, error)
}

// adapt has the row's work look at the options; see adapting.
func (r *Row) adapt(o *Options) ([]result.Setting, error) {
	for _, work := range []any{r.work, r.life} {
		if w, ok := work.(adapting); ok {
			return w.adapt(o)
		}
	}
	return nil, nil
}

// noting is a workload of which more is known once it has been measured: what goes to the settings.
type noting interface {
	notes(m *result.Measurement) ([]result.Setting, error)
}

// pacing is a workload that offers a rate.
type pacing interface {
	offered() offer
}

// telling is a subject with figures beside those of a load, of the last sample.
type telling interface {
	extra() map[string]float64
}

// subject is a side that is ready to be measured.
type subject interface {
	// sample measures it once.
	sample(ctx context.Context, over load.Window) (load.Result, error)
	close() error
}

// discarded is a workload whose client can be measured against a server that drops everything. The limit of a fetch
// does nothing that a client could be told apart from.
type discarded interface {
	// discard returns the arguments of such a server, nil if there cannot be one.
	discard() []string
}

// discard returns the arguments of a server that drops everything, nil where there cannot be one.
func (r *Row) discard() []string {
	if w, ok := r.work.(discarded); ok {
		return w.discard()
	}
	return nil
}

// ErrNoRow reports a name that no row has.
var ErrNoRow = errors.New("no such row")

// Rows returns all rows in the order in which they are measured.
func Rows() []*Row {
	return slices.Concat(produceRows(), compressedRows(), fetchRows(), endToEndRows(), memoryRows(), footprintRows(),
		recoveryRows(), catchUpRows(), stockRows(), sustainedRows(), partitionRows())
}

// Find returns the rows of a name: "suite" is all of them.
func Find(name string) ([]*Row, error) {
	const suite = "suite"
	var names []string
	for _, r := range Rows() {
		if r.Name == name {
			return []*Row{r}, nil
		}
		names = append(names, r.Name)
	}
	if name == suite {
		return Rows(), nil
	}
	return nil, fmt.Errorf("%w: got %q, expected %s or one of %v", ErrNoRow, name, suite, names)
}

// setting is a Setting of a number.
func setting(key string, value int) result.Setting {
	return result.Setting{Key: key, Value: fmt.Sprint(value)}
}
