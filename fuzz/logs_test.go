package fuzz

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

const (
	rootDir = "/d"
	logDir  = rootDir + "/t-0"
	never   = 1<<63 - 1
	// batches is how many batches the good log has, of two records each, and perSegment how many a segment holds.
	batches    = 24
	perSegment = 5
)

var logTopicID = base.UUID{5: 3}

// stored is a batch of the good log and where it lies.
type stored struct {
	file     string
	position int
	raw      batch.Batch
}

// goodLog is a partition's directory as a broker leaves it that was killed, and one that was closed.
type goodLog struct {
	killed, closed *vfs.Mem
	batches        []stored
}

var madeLog = sync.OnceValues(func() (*goodLog, error) {
	g := &goodLog{killed: vfs.NewMem(vfs.MemOptions{})}
	if err := vfs.MkdirSync(g.killed, rootDir); err != nil {
		return nil, err
	}
	l, _, err := commitlog.Open(logOptions(g.killed))
	if err != nil {
		return nil, err
	}
	for i := range batches {
		b := sample(batch.Codec(i%5), i, 2)
		if _, err := l.Append(b, base.LeaderEpoch(i/7), epoch); err != nil {
			return nil, err
		}
		if i == batches/2 {
			if err := syncAndCheckpoint(l); err != nil {
				return nil, err
			}
		}
	}
	g.closed = g.killed.Clone()
	l.Abandon()
	g.killed.Kill()
	if err := g.close(); err != nil {
		return nil, err
	}
	return g, g.locate()
})

func syncAndCheckpoint(l *commitlog.Log) error {
	if job, ok := l.BeginSync(); ok {
		if err := job.Run(); err != nil {
			return err
		}
		if _, err := l.EndSync(job); err != nil {
			return err
		}
	}
	return l.Checkpoint()
}

// close makes of the copy a directory that was closed cleanly.
func (g *goodLog) close() error {
	l, _, err := commitlog.Open(logOptions(g.closed))
	if err != nil {
		return err
	}
	return l.Close()
}

// locate lists the batches by walking the files.
func (g *goodLog) locate() error {
	entries, err := g.killed.List(logDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, suffix, ok := segment.ParseName(e.Name); !ok || suffix != segment.LogSuffix {
			continue
		}
		content, err := vfs.ReadFile(g.killed, path.Join(logDir, e.Name))
		if err != nil {
			return err
		}
		for rest := content; len(rest) > 0; {
			b, after, err := batch.Parse(rest)
			if err != nil {
				return err
			}
			g.batches = append(g.batches, stored{file: e.Name, position: len(content) - len(rest), raw: b})
			rest = after
		}
	}
	if len(g.batches) != batches {
		return errors.New("the good log does not hold what was appended")
	}
	return nil
}

func logConfig() commitlog.Config {
	return commitlog.Config{
		SegmentBytes: 900, SegmentMs: never, IndexBytes: 1 << 20, IndexIntervalBytes: 300, RetentionMs: -1,
		RetentionBytes: -1, FlushMessages: never, FlushMs: never, Delete: true, ProducerExpirationMs: 86_400_000,
	}
}

func logOptions(fs vfs.FS) commitlog.Options {
	return commitlog.Options{
		FS: fs, Dir: logDir, TopicID: logTopicID, Config: logConfig(), Residents: segment.NewResidents(2), Wall: epoch,
	}
}

// readLog reads a log from offset to its end, batch by batch. The offsets ascend, the first batch holds offset or lies
// beyond it, and each batch is one whose CRC is right. An error of the log ends it.
func readLog(t *testing.T, l *commitlog.Log, offset base.Offset) ([]batch.Batch, error) {
	t.Helper()
	var found []batch.Batch
	for next := offset; next < l.End(); {
		r, err := l.Read(next, 1, l.End(), true)
		if err != nil {
			return found, err
		}
		raw := spanBytes(t, &r)
		if len(raw) == 0 {
			return found, errNothing
		}
		b, rest, err := batch.Parse(raw)
		if err != nil || len(rest) > 0 {
			t.Fatalf("at %d of %d: got %d bytes (%v, %d too many), no batch", next, l.End(), len(raw), err, len(rest))
		}
		if err := b.CheckCRC(); err != nil {
			return found, err
		}
		if b.LastOffset() < next || len(found) > 0 && b.BaseOffset() < next || b.LastOffset() >= l.End() {
			// A base offset is outside the CRC: where recovery did not look, a changed one shows only here.
			return found, fmt.Errorf("%w: at %d of %d: got %d to %d", errOffsets, next, l.End(), b.BaseOffset(),
				b.LastOffset())
		}
		found = append(found, b)
		next = b.NextOffset()
	}
	return found, nil
}

// errOffsets reports a batch that does not follow the one before.
var errOffsets = errors.New("offsets do not ascend")

// errNothing reports a log that has nothing to read before its end: a file of it is gone.
var errNothing = errors.New("nothing to read before the end")

// spanBytes reads and releases what a read found.
func spanBytes(t *testing.T, r *commitlog.Range) []byte {
	t.Helper()
	defer r.Span.Release()
	raw := make([]byte, r.Span.Length)
	if len(raw) == 0 {
		return nil
	}
	if n, err := r.Span.File.ReadAt(raw, r.Span.Offset); n < len(raw) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("span: got %d of %d bytes: %v", n, len(raw), err)
	}
	return raw
}

// put writes a file, and the directory that it is in.
func put(t testing.TB, fs vfs.FS, name string, content []byte) {
	t.Helper()
	must(t, vfs.MkdirSync(fs, path.Dir(name)))
	f, err := fs.Open(name, vfs.Truncate)
	must(t, err)
	_, err = f.WriteAt(content, 0)
	must(t, errors.Join(err, f.Close()))
}

// get reads a file; one that does not exist is nil.
func get(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	content, err := vfs.ReadFile(fs, name)
	if errors.Is(err, vfs.ErrNotExist) {
		return nil
	}
	must(t, err)
	return content
}

// tree returns the content of all files of a directory.
func tree(t testing.TB, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	entries, err := fs.List(dir)
	must(t, err)
	found := make(map[string]string)
	for _, e := range entries {
		if !e.Dir {
			found[e.Name] = string(get(t, fs, path.Join(dir, e.Name)))
		}
	}
	return found
}

func clones(all []batch.Batch) []batch.Batch {
	out := make([]batch.Batch, len(all))
	for i := range all {
		out[i] = slices.Clone(all[i])
	}
	return out
}
