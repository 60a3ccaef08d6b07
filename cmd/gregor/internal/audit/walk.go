package audit

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/scan"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// metadataDir is the directory of the metadata log.
const metadataDir = "__cluster_metadata-0"

// mostInflated bounds what one batch may inflate to, in bytes.
const mostInflated = 1 << 30

// logFiles returns the names of a partition's .log files, by base offset.
func logFiles(fs vfs.FS, dir string) ([]vfs.Entry, error) {
	entries, err := fs.List(dir)
	return slices.DeleteFunc(entries, func(e vfs.Entry) bool {
		_, suffix, ok := segment.ParseName(e.Name)
		return !ok || e.Dir || suffix != segment.LogSuffix
	}), err
}

// walk goes through a partition's batches for what AuditDir leaves out: that no offset is missing, and, if asked for,
// that the records of each batch are what its header says.
func (a *Auditor) walk(fs vfs.FS, dir string, p *Partition) error {
	files, err := logFiles(fs, dir)
	if err != nil {
		return err
	}
	next := base.NoOffset
	for _, e := range files {
		err := eachBatch(fs, path.Join(dir, e.Name), e.Size, func(s *scan.Scanner) error {
			b := s.Header()
			if next != base.NoOffset && b.BaseOffset() > next && !a.compacted[p.Topic] {
				p.add("gap", "segment %s: position %d: got offset %d, expected %d", e.Name, s.Position(),
					b.BaseOffset(), next)
			}
			next = b.NextOffset()
			if a.o.Deep {
				return a.deep(s, e.Name, p)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachBatch calls visit for each batch of a file, up to where it breaks off: that is AuditDir's to tell.
func eachBatch(fs vfs.FS, name string, size int64, visit func(*scan.Scanner) error) error {
	f, err := fs.Open(name, vfs.Read)
	if err != nil {
		return err
	}
	s := scan.New(f, size)
	for err == nil {
		ok, nextErr := s.Next()
		if nextErr != nil || !ok {
			break
		}
		err = visit(s)
	}
	return errors.Join(err, f.Close())
}

// deep looks at the records of a batch whose CRC is right; another one has been told of.
func (a *Auditor) deep(s *scan.Scanner, file string, p *Partition) error {
	if valid, err := s.Valid(); err != nil || !valid {
		return err
	}
	b, err := s.Whole()
	if err != nil {
		p.add("bad-record", "segment %s: position %d: %v", file, s.Position(), err)
		return nil
	}
	it := b.Records(mostInflated)
	defer it.Close()
	next, last := b.BaseOffset(), b.LastOffset()
	for it.Next() {
		o := it.Record().Offset
		if o < next || o > last || o > next && !a.compacted[p.Topic] {
			p.add("bad-record", "segment %s: position %d: got a record of offset %d, expected %d to %d", file,
				s.Position(), o, next, last)
		}
		next = o + 1
	}
	if err := it.Err(); err != nil {
		p.add("bad-record", "segment %s: position %d: %v", file, s.Position(), err)
	}
	return nil
}

// compactedTopics reads in the metadata log which topics are compacted: their logs have gaps by right. Without a
// metadata log these are the ones that Kafka compacts by itself.
func (a *Auditor) compactedTopics() map[string]bool {
	found := map[string]bool{"__consumer_offsets": true, "__transaction_state": true, "__share_group_state": true}
	dir := path.Join(a.root, metadataDir)
	// What cannot be read here is told where the metadata log itself is checked.
	entries, _ := a.fs.List(dir)
	for _, e := range entries {
		if e.Dir || !strings.HasSuffix(e.Name, segment.LogSuffix) && !strings.HasSuffix(e.Name, ".checkpoint") {
			continue
		}
		_ = eachBatch(a.fs, path.Join(dir, e.Name), e.Size, func(s *scan.Scanner) error {
			b, err := s.Whole()
			if err != nil || b.Control() {
				return nil
			}
			it := b.Records(mostInflated)
			defer it.Close()
			for it.Next() {
				note(found, it.Record().Value)
			}
			return nil
		})
	}
	return found
}

// note takes up a metadata record that says how a topic is cleaned. Once compacted, a log keeps its gaps.
func note(found map[string]bool, value []byte) {
	rec, err := meta.DecodeRecord(value)
	if err != nil {
		return
	}
	c, ok := rec.(*meta.ConfigRecord)
	if ok && c.Resource.Type == meta.ResourceTopic && c.Name == "cleanup.policy" && c.Value != nil &&
		strings.Contains(*c.Value, "compact") {
		found[c.Resource.Name] = true
	}
}
