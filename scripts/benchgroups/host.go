//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/kafka"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// host starts one of the two brokers, as often as a study needs it.
type host struct {
	name string
	// launch starts the broker in an empty folder, and gives its address, process and how to end it.
	launch func(ctx context.Context, dir string) (running, error)

	parent  string
	now     *running
	dir     string
	profile profileFunc
	// admin is the address of gregor's admin pages.
	admin string
	want  *wantedProfile
}

// running is a broker's process.
type running struct {
	address string
	pid     int
	end     func() error
}

// profileFunc asks for a profile of the broker that runs, or of the one that starts next.
type profileFunc func(ctx context.Context, file string, seconds int)

// wantedProfile is a profile that was asked for.
type wantedProfile struct {
	file    string
	seconds int
	done    chan error // nil until it is being taken
}

// properties are what both brokers are given: Kafka's defaults but for what concerns groups.
var properties = map[string]string{
	"group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "1000",
	"offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": "1",
	"transaction.state.log.min.isr": "1",
}

func (b *bench) gregorHost() *host {
	h := &host{name: gregorName, parent: b.dir}
	h.launch = func(ctx context.Context, dir string) (running, error) {
		all := map[string]string{}
		for key, value := range properties {
			all[key] = value
		}
		if b.profile != "" {
			free, err := node.FreeAddresses(1)
			if err != nil {
				return running{}, err
			}
			h.admin = free[0]
			all["gregor.admin.listener"], all["gregor.admin.pprof"] = h.admin, "true"
		}
		n, err := node.New(ctx, b.gregor, dir, all)
		if err != nil {
			return running{}, err
		}
		if _, err := n.Start(); err != nil {
			return running{}, err
		}
		end := func() error { return errors.Join(n.Kill(), n.Close()) }
		return running{address: n.Address, pid: n.PID(), end: end}, nil
	}
	h.profile = h.beginProfile
	return h
}

func (b *bench) kafkaHost() *host {
	h := &host{name: kafkaName, parent: b.dir}
	h.launch = func(ctx context.Context, dir string) (running, error) {
		p, err := kafka.Start(ctx, b.libs, dir, properties)
		if err != nil {
			return running{}, err
		}
		return running{address: p.Address, pid: p.PID(), end: p.Kill}, nil
	}
	return h
}

// start starts a fresh broker that coordinates groups; one that runs is stopped.
func (h *host) start(ctx context.Context) (*running, error) {
	if err := h.stop(); err != nil {
		return nil, err
	}
	var err error
	if h.dir, err = os.MkdirTemp(h.parent, h.name+"-"); err != nil {
		return nil, err
	}
	r, err := h.launch(ctx, h.dir)
	if err != nil {
		return nil, err
	}
	h.now = &r
	if err := node.AwaitGroups(ctx, r.address); err != nil {
		return nil, err
	}
	h.takeProfile(ctx)
	return h.now, nil
}

// stop ends the broker, if one runs. It is killed: what it would write is of no use. Its files stay until the run ends:
// an ext4 without a journal does not use the inodes of deleted files again for minutes, and has to search past them for
// each new file, so that the next sample would pay for the last one's files (find_inode_bit, recently_deleted).
func (h *host) stop() error {
	err := h.profileTaken()
	if h.now != nil {
		err = errors.Join(err, h.now.end())
	}
	h.now = nil
	return err
}

func (h *host) beginProfile(ctx context.Context, file string, seconds int) {
	h.want = &wantedProfile{file: file, seconds: seconds}
	if h.now != nil {
		h.takeProfile(ctx)
	}
}

// takeProfile begins the profile that was asked for, if there is one that was not begun.
func (h *host) takeProfile(ctx context.Context) {
	if w := h.want; w != nil && w.done == nil {
		w.done = make(chan error, 1)
		address := h.admin
		go func() { w.done <- w.fetch(ctx, address) }()
	}
}

// profileTaken waits for the profile that is being taken, if one is.
func (h *host) profileTaken() error {
	w := h.want
	if w == nil || w.done == nil {
		return nil
	}
	h.want = nil
	return <-w.done
}

// fetch writes a profile of the next seconds to the file.
func (w *wantedProfile) fetch(ctx context.Context, address string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, w.seconds)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("profile: got %s", res.Status), err)
	}
	return os.WriteFile(w.file, text, 0o644)
}

// cpuOf returns the processor time that a process has used so far, in seconds.
func cpuOf(pid int) (float64, error) {
	d, err := result.CPUOf(pid)
	return d.Seconds(), err
}

// cpuOfClient returns the processor time that this process has used so far, in seconds.
func cpuOfClient() float64 {
	used, _ := result.CPUOf(0) // this process has one
	return used.Seconds()
}
