//go:build unix

package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// phase is how far a server's life has come.
type phase int32

const (
	starting phase = iota
	recovering
	serving
	stopping
)

var phaseNames = [...]string{"starting", "recovering", "serving", "stopping"}

// progress is what the health pages know of a server while its broker is not to be asked: it is being opened or closed.
type progress struct {
	phase atomic.Int32
	// total is how many partitions are to be opened or closed, done how many are; total is -1 until it is known.
	total, done atomic.Int64
}

func (p *progress) enter(to phase) {
	p.total.Store(-1)
	p.done.Store(0)
	p.phase.Store(int32(to))
}

func (p *progress) now() phase {
	return phase(p.phase.Load())
}

// counted is a runner of work that tells how far it has come.
func (p *progress) counted(run func(int, func(int))) func(int, func(int)) {
	return func(count int, work func(int)) {
		p.done.Store(0)
		p.total.Store(int64(count))
		run(count, func(i int) {
			work(i)
			p.done.Add(1)
		})
	}
}

// check is one line of /readyz?verbose.
type check struct {
	name string
	ok   bool
	text string
}

// checks says of each thing that serving clients needs whether it is there.
func (a *Admin) checks() []check {
	s := a.server.Load()
	if s == nil {
		return []check{{"process", false, "starting"}}
	}
	at := s.progress.now()
	if at != serving {
		return s.checksOnTheWay(at)
	}
	return s.checksServing()
}

// checksOnTheWay are the checks of a broker that is being opened or closed.
func (s *Server) checksOnTheWay(at phase) []check {
	total, done := s.progress.total.Load(), s.progress.done.Load()
	partitions := check{"partitions", false, phaseNames[at]}
	if total >= 0 {
		partitions.text = fmt.Sprintf("%s, %d of %d done", phaseNames[at], done, total)
	}
	metadata := check{"metadata", at == recovering && total >= 0, "replayed"}
	if !metadata.ok {
		metadata.text = phaseNames[at]
	}
	return []check{metadata, partitions, {"groups", false, phaseNames[at]}, {"listeners", false, "not served yet"}}
}

// checksServing are the checks of a broker that is open. Partitions that are offline do not make it unready: the others
// would be taken from their clients with them.
func (s *Server) checksServing() []check {
	offset, failure := s.broker.MetadataState()
	metadata := check{"metadata", failure == nil, fmt.Sprintf("replayed up to offset %d", offset)}
	if failure != nil {
		metadata.text = failure.Error()
	}
	online, offline, names := 0, 0, ""
	for _, t := range s.broker.TopicLogs() {
		online += t.Partitions - t.Offline
		if offline += t.Offline; t.Offline > 0 && len(names) < 200 {
			names += fmt.Sprintf(" (%d of %s)", t.Offline, t.Topic)
		}
	}
	groups := check{"groups", true, "coordinators loaded"}
	if n := s.broker.GroupsLoading(); n > 0 {
		groups = check{"groups", false, fmt.Sprintf("%d coordinators are loading", n)}
	}
	var open []string
	for _, l := range s.listeners {
		open = append(open, l.cfg.Name+" "+l.Addr().String())
	}
	return []check{
		metadata, {"partitions", true, fmt.Sprintf("%d online, %d offline%s", online, offline, names)}, groups,
		{"listeners", true, strings.Join(open, ", ")},
	}
}

// ready reports whether clients are served, and if not, the first reason.
func (a *Admin) ready() (bool, string) {
	for _, c := range a.checks() {
		if !c.ok {
			return false, c.name + ": " + c.text
		}
	}
	return true, ""
}

// readyz is 200 while clients are served, else 503.
func (a *Admin) readyz(w http.ResponseWriter, r *http.Request) {
	ok, why := a.ready()
	code, text := http.StatusOK, "ready\n"
	if !ok {
		code, text = http.StatusServiceUnavailable, "not ready: "+why+"\n"
	}
	if r.URL.Query().Has("verbose") {
		var b strings.Builder
		for _, c := range a.checks() {
			mark := "[+]"
			if !c.ok {
				mark = "[-]"
			}
			fmt.Fprintf(&b, "%s %s: %s\n", mark, c.name, c.text)
		}
		text = b.String() + text
	}
	writeText(w, code, text)
}

// patience is how long the broker may take to answer before its process counts as dead, if nothing else is said.
const patience = 5 * time.Second

// livez is 200 while the process works: before the broker is open, and then as long as its timer goes round, which
// steps the broker as clients do. A broker that cannot serve, as while it recovers, is alive: to kill it would not
// help.
func (a *Admin) livez(w http.ResponseWriter, _ *http.Request) {
	if s := a.server.Load(); s != nil && s.progress.now() == serving && !s.deadlines.ping(a.o.Patience, s.done) {
		writeText(w, http.StatusServiceUnavailable, "not live: the broker's timer stands still\n")
		return
	}
	writeText(w, http.StatusOK, "live\n")
}
