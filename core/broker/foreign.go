package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// checkReadable refuses a metadata log with records that this build does not know, written by a newer build or another
// broker, while the directory is still as it was: recovery would remove the mark of a clean stop and old snapshots.
// Anything else that is wrong with the log is recovery's to judge.
func (b *Broker) checkReadable() error {
	dir := path.Join(b.dirs[0].Path(), MetadataPartition.String())
	entries, err := b.fs.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("metadata log: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name, segment.LogSuffix) {
			names = append(names, path.Join(dir, e.Name))
		}
	}
	slices.Sort(names) // base offsets have one width
	for _, name := range names {
		if err := b.checkRecords(name); err != nil {
			return err
		}
	}
	return nil
}

// checkRecords looks for unknown records in one segment, up to the first batch that is not whole.
func (b *Broker) checkRecords(name string) error {
	f, err := b.fs.Open(name, vfs.Read)
	if err != nil {
		return fmt.Errorf("metadata log: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("metadata log: %w", err)
	}
	header := make([]byte, batch.HeaderSize)
	for at := int64(0); ; {
		if n, _ := f.ReadAt(header, at); n < len(header) {
			return nil
		}
		length, err := batch.Size(header)
		if err != nil || int64(length) > size-at {
			return nil
		}
		raw := make([]byte, length)
		if n, _ := f.ReadAt(raw, at); n < length {
			return nil
		}
		whole, _, err := batch.Parse(raw)
		if err != nil || whole.CheckCRC() != nil {
			return nil
		}
		if !whole.Control() {
			if _, err := decodeRecords(whole); errors.Is(err, meta.ErrUnsupportedRecord) {
				return err
			}
		}
		at += int64(length)
	}
}
