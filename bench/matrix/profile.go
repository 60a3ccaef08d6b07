//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// hottest is how many places of a profile a measurement names.
const hottest = 12

// ErrProfile reports a broker that gave no profile.
var ErrProfile = errors.New("no profile")

// profile takes one more sample of gregor, whose figure does not count, with its processor time profiled.
func (r *run) profile(ctx context.Context) (err error) {
	if r.Profiled == nil || r.row.work == nil {
		return nil
	}
	admin, err := peer.FreeAddress()
	if err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	s, err := r.open(ctx, r.Profiled(admin), false)
	if err != nil {
		return fmt.Errorf("%s: %w", result.Gregor, err)
	}
	defer func() { err = errors.Join(err, s.end()) }()
	over := r.Window
	if over.For == 0 {
		over = r.row.work.window()
	}
	over.For = max(over.For.Round(time.Second), time.Second) // a profile's length is of whole seconds
	var fetched error
	over.During = func() func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.into.Profile, fetched = fetchProfile(ctx, admin, over.For)
		}()
		return func() { <-done }
	}
	if _, err := s.subject.sample(ctx, over); err != nil {
		return fmt.Errorf("%s: %w", result.Gregor, err)
	}
	if fetched != nil {
		return fetched
	}
	r.into.Hottest, err = result.HottestOf(r.into.Profile, hottest)
	return err
}

// fetchProfile has a broker profile itself for that long.
func fetchProfile(ctx context.Context, admin string, length time.Duration) ([]byte, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, int(length.Seconds()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProfile, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s: %v", ErrProfile, res.Status, err)
	}
	return raw, nil
}
