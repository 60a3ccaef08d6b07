package vfs

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// crashRun makes the same calls on a Mem and on the twin.
type crashRun struct {
	mem  *Mem
	twin *crashTwin
	log  []string
}

func newCrashRun() *crashRun {
	return &crashRun{mem: NewMem(MemOptions{Crashable: true}), twin: newCrashTwin()}
}

// do makes one call, written as
//
//	create NAME | mkdir NAME | remove NAME | rename NAME TO | syncdir NAME
//	write NAME OFF LEN | truncate NAME SIZE | sync NAME
//
// and returns the error of Mem; the twin follows only where there was none. Each write writes a letter of its own.
func (r *crashRun) do(t *testing.T, line string) error {
	t.Helper()
	var call, name string
	var to string
	var off, n int
	fields := strings.Fields(line)
	call, name = fields[0], fields[1]
	switch call {
	case "rename":
		to = fields[2]
	case "write":
		_, err := fmt.Sscan(strings.Join(fields[2:], " "), &off, &n)
		check(t, err)
	case "truncate":
		_, err := fmt.Sscan(fields[2], &off)
		check(t, err)
	}
	r.log = append(r.log, line)
	node := r.twin.now[r.twin.slot(name)]
	switch call {
	case "create", "mkdir":
		return r.make(t, name, call == "mkdir")
	case "remove":
		err := r.mem.Remove(name)
		if err == nil {
			r.twin.change(twinName{kind: "remove", from: r.twin.slot(name), node: node})
		}
		return err
	case "rename":
		err := r.mem.Rename(name, to)
		if err == nil && path.Clean(name) != path.Clean(to) {
			r.twin.change(twinName{kind: "rename", from: r.twin.slot(name), to: r.twin.slot(to), node: node})
		}
		return err
	case "syncdir":
		err := r.mem.SyncDir(name)
		if name == "/" {
			node = r.twin.root
		}
		if err == nil {
			r.twin.syncDir(node)
		}
		return err
	}
	return r.doFile(t, call, name, off, n)
}

func (r *crashRun) make(t *testing.T, name string, dir bool) error {
	t.Helper()
	if ok, err := Exists(r.mem, name); ok || err != nil {
		return ErrExist
	}
	if r.twin.slot(name).dir == nil {
		return ErrNotExist
	}
	var err error
	if dir {
		err = r.mem.Mkdir(name)
	} else if f, openErr := r.mem.Open(name, Create); openErr == nil {
		check(t, f.Close())
	} else {
		err = openErr
	}
	if err == nil {
		r.twin.change(twinName{kind: "make", from: r.twin.slot(name), node: &twinNode{dir: dir}})
	}
	return err
}

func (r *crashRun) doFile(t *testing.T, call, name string, off, n int) error {
	t.Helper()
	f, err := r.mem.Open(name, ReadWrite)
	if err != nil {
		return err
	}
	switch call {
	case "write":
		data := strings.Repeat(string(rune('a'+len(r.log)%26)), n)
		write(t, f, data, int64(off))
		r.twin.write(name, off, []byte(data))
	case "truncate":
		check(t, f.Truncate(int64(off)))
		r.twin.truncate(name, off)
	case "sync":
		check(t, f.Sync())
		r.twin.sync(name)
	default:
		t.Fatalf("unknown call %q", call)
	}
	return f.Close()
}

// random makes one random call. Errors do not matter: then nothing has happened.
func (r *crashRun) random(t *testing.T, d dice) {
	t.Helper()
	name := of(d, "a", "b", "d", "d/a", "e", "e/a", "d/f")
	live := 0
	if n := r.twin.now[r.twin.slot(name)]; n != nil {
		live = len(n.live)
	}
	var line string
	switch kind := d.below(13); {
	case kind == 0:
		line = "syncdir " + of(d, "/", "d", "e")
	case kind < 3:
		line = "sync " + name
	case kind < 5:
		line = "mkdir " + name
	case kind < 7:
		line = "create " + name
	case kind == 7:
		line = "remove " + name
	case kind < 10:
		line = "rename " + name + " " + of(d, "a", "b", "d", "d/a", "d/e", "e", "e/a", "e/d", "d/f")
	case kind == 10:
		line = fmt.Sprint("truncate ", name, " ", of(d, 0, d.below(live+1), live+d.below(1000)))
	default:
		off := of(d, live, live, d.below(live+1), d.below(1500))
		line = fmt.Sprint("write ", name, " ", off, " ", 1+d.below(900))
	}
	_ = r.do(t, line)
}

// compare runs through all that a loss of power may leave and compares the set with what the twin allows. It returns
// the latter.
func (r *crashRun) compare(t *testing.T) map[string]bool {
	t.Helper()
	allowed, found := r.twin.outcomes(), map[string]bool{}
	for m := range r.mem.Outcomes() {
		text := tree(t, m, "/")
		found[text] = true
		if m.named() != strings.Count(text, "\n") {
			t.Fatalf("script %q: the number of names differs from that of inodes that have one", r.log)
		}
	}
	r.sameSet(t, found, allowed)
	return allowed
}

// named counts the inodes that have a name, the root aside.
func (m *Mem) named() int {
	n := -1
	m.root.visit("", func(_ string, node *inode) {
		if node.named {
			n++
		}
	})
	return n
}

func (r *crashRun) sameSet(t *testing.T, found, allowed map[string]bool) {
	t.Helper()
	for text := range found {
		if !allowed[text] {
			t.Fatalf("script %q: found but not allowed:\n%s", r.log, text)
		}
	}
	for text := range allowed {
		if !found[text] {
			t.Fatalf("script %q: allowed but never found:\n%s", r.log, text)
		}
	}
}

// TestPowerLossAgainstBruteForce compares, for many small random scripts, all outcomes of a loss of power with what the
// twin allows; and random choices must find each of these outcomes and none besides.
func TestPowerLossAgainstBruteForce(t *testing.T) {
	outcomes := 0
	for seed := range uint64(100) {
		d, r := newDice(seed), newCrashRun()
		for range 40 {
			if r.random(t, d); r.twin.bits() > 8 {
				break
			}
		}
		allowed := r.compare(t)
		outcomes += len(allowed)
		if seed%10 == 0 {
			r.sameSet(t, r.drawn(t, d, len(allowed)), allowed)
		}
	}
	if outcomes < 1000 {
		t.Errorf("the scripts are too tame: %d outcomes in all", outcomes)
	}
}

// drawn makes random choices until n outcomes were seen, and then as many again for others that should not be there.
func (r *crashRun) drawn(t *testing.T, d dice, n int) map[string]bool {
	found := map[string]bool{}
	last := 0
	for i := 0; i < 100_000 && len(found) < n || i < 2*last; i++ {
		m := r.mem.CrashClone(Random(newDice(uint64(i)).Uint64, of(d, 500, 500, 200, 800)))
		if text := tree(t, m, "/"); !found[text] {
			found[text] = true
			last = i
		}
	}
	return found
}
