package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/consistency/workload"
)

// One process holds one simulated world at a time, so that seeds side by side run in processes of their own: workers,
// which are "gregor sim run --seeds - --format json" and are handed one seed after the other.

// byWorkers runs seeds in so many worker processes. Their results are put out in the order of the seeds.
func (f *simRun) byWorkers(c *cobra.Command, seeds seedRange, jobs int, out *simOutput) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	todo := make(chan uint64)
	go func() {
		defer close(todo)
		for seed := seeds.first; ; seed++ {
			select {
			case todo <- seed:
			case <-ctx.Done():
				return
			}
			if seed == seeds.last {
				return
			}
		}
	}()
	done, ended := make(chan *workload.Result), make(chan error)
	for range jobs {
		go func() { ended <- f.work(ctx, todo, done) }()
	}
	waiting := make(map[uint64]*workload.Result)
	next := seeds.first
	var failure error
	for jobs > 0 {
		select {
		case res := <-done:
			waiting[res.Seed] = res
			for ; waiting[next] != nil && failure == nil; next++ {
				failure = out.add(waiting[next])
				delete(waiting, next)
			}
		case err := <-ended:
			jobs--
			if failure == nil {
				failure = err
			}
		}
		if failure != nil {
			cancel()
		}
	}
	if c.Context().Err() != nil {
		return context.Cause(c.Context())
	}
	return failure
}

// work runs seeds in one worker process until there are none left.
func (f *simRun) work(ctx context.Context, todo <-chan uint64, done chan<- *workload.Result) error {
	w, err := f.startWorker(ctx)
	if err != nil {
		return harness(fmt.Errorf("start a worker: %w", err))
	}
	for seed := range todo {
		res, err := w.simulate(seed)
		if err != nil {
			return harness(fmt.Errorf("worker at seed %d: %w", seed, errors.Join(err, w.end())))
		}
		done <- res
	}
	return w.end()
}

// worker is a process that runs seeds.
type worker struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	errs    bytes.Buffer
}

// startWorker starts a worker process with the command's own flags. The context ends it.
func (f *simRun) startWorker(ctx context.Context) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"sim", "run", "--seeds", "-", "--format", "json", "--for", f.d.String()}
	for flag, value := range map[string]string{
		"--scenario": f.scenario, "--mutate": f.mutation, "--history": f.history,
	} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	if f.twice {
		args = append(args, "--twice")
	}
	w := &worker{command: exec.CommandContext(ctx, self, args...)}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, cli.EnvPrefix) {
			w.command.Env = append(w.command.Env, variable)
		}
	}
	w.command.Stderr = &w.errs
	if w.in, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = json.NewDecoder(out)
	return w, w.command.Start()
}

// simulate has the worker run one seed.
func (w *worker) simulate(seed uint64) (*workload.Result, error) {
	if _, err := fmt.Fprintln(w.in, seed); err != nil {
		return nil, err
	}
	res := &workload.Result{}
	if err := w.out.Decode(res); err != nil {
		return nil, err
	}
	if res.Seed != seed {
		return nil, fmt.Errorf("got the result of seed %d", res.Seed)
	}
	return res, nil
}

// end lets the worker end, and returns what it said if it had something to say. Its exit code is that of the seeds that
// it ran, which are judged by their results.
func (w *worker) end() error {
	_ = w.in.Close() // a worker that is gone already is no news
	err := w.command.Wait()
	var code *exec.ExitError
	if said := strings.TrimSpace(w.errs.String()); said != "" {
		return fmt.Errorf("%s", said)
	}
	if errors.As(err, &code) && code.ExitCode() >= 0 {
		return nil
	}
	return err
}
