package fuzz

import (
	"encoding/binary"
	"errors"
	"path"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// segmentConfig has an index entry for about every other batch.
var segmentConfig = segment.Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}

func openSegment(fs vfs.FS, size int) *segment.Segment {
	return segment.Open(fs, logDir, 0, int64(size), segmentConfig, segment.NewResidents(1))
}

// FuzzSegment takes any bytes for a .log. Recovery keeps the longest prefix that a walk by hand takes for valid; that
// prefix, cut off and sealed, has indexes by which each offset is found again, and an audit finds nothing wrong.
func FuzzSegment(f *testing.F) {
	g, err := madeLog()
	must(f, err)
	for _, s := range g.batches[:perSegment] {
		content := get(f, g.killed, path.Join(logDir, s.file))
		f.Add(content[s.position:], uint8(0))
		f.Add(content[s.position:], uint8(1))
	}
	for _, content := range goldenBatches(f) {
		f.Add(slices.Concat(content, content, make([]byte, 600), content), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, bits uint8) {
		defer watch()()
		data = slices.Clone(data)
		if bits&1 != 0 {
			renumber(data)
		}
		fs := vfs.NewMem(vfs.MemOptions{})
		put(t, fs, path.Join(logDir, segment.Name(0, segment.LogSuffix)), data)
		s := openSegment(fs, len(data))
		var found []batch.Batch
		damage, err := s.Recover(func(b batch.Batch, _ int64) error {
			found = append(found, slices.Clone(b))
			return nil
		})
		if err != nil {
			if !errors.Is(err, batch.ErrOldMagic) {
				t.Fatalf("recover: %v", err)
			}
			return
		}
		checkPrefix(t, data, found, damage)
		if damage != nil {
			must(t, s.TruncateTo(damage.Position, damage.Next))
		}
		must(t, s.Seal())
		s.Close()
		checkSealed(t, fs, found)
	})
}

// renumber gives whatever looks like batches in data offsets that follow each other and right CRCs.
func renumber(data []byte) {
	next := base.Offset(0)
	for rest := data; len(rest) >= batch.HeaderSize; {
		rest[16] = batch.Magic
		size, err := batch.Size(rest)
		if err != nil || size > len(rest) {
			return
		}
		b := batch.Batch(rest[:size])
		b.SetBaseOffset(next)
		if delta := b.LastOffsetDelta(); delta < 0 || delta > 1<<20 {
			binary.BigEndian.PutUint32(b[23:], uint32(b.Count()&0xff))
		}
		b.UpdateCRC()
		next, rest = b.NextOffset(), rest[size:]
	}
}

// checkPrefix walks a log by hand and holds what recovery found against it.
func checkPrefix(t *testing.T, data []byte, found []batch.Batch, damage *segment.Damage) {
	t.Helper()
	rest, next := data, base.Offset(0)
	for i := 0; ; i++ {
		b, after, err := batch.Parse(rest)
		valid := err == nil && b.CheckCRC() == nil && b.BaseOffset() >= next && b.LastOffset() >= b.BaseOffset() &&
			b.LastOffset() <= 1<<31-1
		if valid != (i < len(found)) || valid && string(b) != string(found[i]) {
			t.Fatalf("batch %d at %d: valid: %v, but %d were found: %v", i, len(data)-len(rest), valid, len(found),
				damage)
		}
		if !valid {
			break
		}
		rest, next = after, b.NextOffset()
	}
	if (damage == nil) != (len(rest) == 0) {
		t.Fatalf("got damage %v with %d bytes left", damage, len(rest))
	}
	if damage != nil && (damage.Position != int64(len(data)-len(rest)) || damage.Lost != int64(len(rest)) ||
		damage.Next != next || damage.String() == "") {
		t.Fatalf("got %v, expected position %d, offset %d", damage, len(data)-len(rest), next)
	}
}

// checkSealed opens a sealed segment of some batches and finds all of them.
func checkSealed(t *testing.T, fs vfs.FS, all []batch.Batch) {
	t.Helper()
	size := 0
	for _, b := range all {
		size += len(b)
	}
	s := openSegment(fs, size)
	defer s.Close()
	if _, problems := s.Audit(0, func(batch.Batch, int64) {}); len(problems) > 0 {
		t.Fatal(problems)
	}
	position := int64(0)
	for i, b := range all {
		for _, o := range []base.Offset{b.BaseOffset(), b.LastOffset()} {
			want := segment.Place{Position: position, Size: int64(len(b)), First: b.BaseOffset(), Last: b.LastOffset()}
			if got, ok, err := s.Locate(o); err != nil || !ok || got != want {
				t.Fatalf("batch %d, offset %d: got %+v, %v, %v, expected %+v", i, o, got, ok, err, want)
			}
		}
		position += int64(len(b))
		found, ok, err := s.LocateTime(b.MaxTimestamp(), 0)
		if err != nil && !errors.Is(err, segment.ErrUnreadable) {
			t.Fatalf("at or after %d: %v", b.MaxTimestamp(), err)
		}
		if ok && found.Timestamp < b.MaxTimestamp() {
			t.Fatalf("at or after %d: got %+v", b.MaxTimestamp(), found)
		}
	}
}

// FuzzIndexes puts any bytes in the place of the index files of a good log. Every answer is right all the same: what an
// index says is held against the log before it is believed. Which files are replaced is in bits.
func FuzzIndexes(f *testing.F) {
	g, err := madeLog()
	must(f, err)
	name := g.batches[0].file[:len(g.batches[0].file)-len(segment.LogSuffix)]
	offsets := get(f, g.closed, path.Join(logDir, name+segment.IndexSuffix))
	times := get(f, g.closed, path.Join(logDir, name+segment.TimeIndexSuffix))
	for bits := range uint8(4) {
		f.Add(offsets, times, bits)
		f.Add(times, offsets, bits)
	}
	f.Add(slices.Concat(offsets, make([]byte, 80)), slices.Concat(times, make([]byte, 240)), uint8(3))
	var all []batch.Batch
	for _, s := range g.batches {
		if s.file == g.batches[0].file {
			all = append(all, s.raw)
		}
	}
	log := get(f, g.closed, path.Join(logDir, g.batches[0].file))
	f.Fuzz(func(t *testing.T, index, timeIndex []byte, bits uint8) {
		defer watch()()
		fs := vfs.NewMem(vfs.MemOptions{})
		put(t, fs, path.Join(logDir, name+segment.LogSuffix), log)
		if bits&1 == 0 {
			index = offsets
		}
		if bits&2 == 0 {
			timeIndex = times
		}
		put(t, fs, path.Join(logDir, name+segment.IndexSuffix), index)
		put(t, fs, path.Join(logDir, name+segment.TimeIndexSuffix), timeIndex)
		checkIndexes(t, index, timeIndex, int64(len(log)))
		s := openSegment(fs, len(log))
		defer s.Close()
		for _, b := range all {
			for o := b.BaseOffset(); o <= b.LastOffset(); o++ {
				got, ok, err := s.Locate(o)
				if err != nil || !ok || got.First != b.BaseOffset() || got.Last != b.LastOffset() {
					t.Fatalf("offset %d: got %+v, %v, %v", o, got, ok, err)
				}
			}
		}
		checkTimes(t, s, all)
	})
}

// checkTimes asks for each timestamp of batches whose timestamps ascend with their offsets.
func checkTimes(t *testing.T, s *segment.Segment, all []batch.Batch) {
	t.Helper()
	for _, b := range all {
		records, err := readAll(t, b)
		must(t, err)
		for _, r := range records {
			got, ok, err := s.LocateTime(r.timestamp, 0)
			if err != nil || !ok || got.Offset != r.offset || got.Timestamp != r.timestamp {
				t.Fatalf("at or after %d: got %+v, %v, %v, expected offset %d", r.timestamp, got, ok, err, r.offset)
			}
		}
	}
	// A time index that lost its end by whole entries is one of a shorter log; what it says is true all the same.
	must(t, s.CheckLargest())
	ts, o, err := s.LargestTimestamp()
	if err != nil || !slices.ContainsFunc(all, func(b batch.Batch) bool {
		return b.MaxTimestamp() == ts && b.LastOffset() == o
	}) {
		t.Fatalf("largest timestamp: got %d at %d, %v, where no batch has it", ts, o, err)
	}
}

// checkIndexes holds the entries of what passes for an index against its rules.
func checkIndexes(t *testing.T, index, timeIndex []byte, size int64) {
	t.Helper()
	if valid, err := segment.CheckOffsetIndex(index, 0, size); err == nil {
		entries, err := segment.OffsetEntries(valid, 0)
		must(t, err)
		for i, e := range entries {
			if e.Position >= size || i > 0 && (e.Offset <= entries[i-1].Offset || e.Position <= entries[i-1].Position) {
				t.Fatalf("entry %d of a valid offset index: %+v", i, entries)
			}
		}
	} else if !errors.Is(err, segment.ErrBadIndex) {
		t.Fatal(err)
	}
	if valid, err := segment.CheckTimeIndex(timeIndex, 0); err == nil {
		entries, err := segment.TimeEntries(valid, 0)
		must(t, err)
		for i, e := range entries {
			if i > 0 && (e.Timestamp <= entries[i-1].Timestamp || e.Offset < entries[i-1].Offset) {
				t.Fatalf("entry %d of a valid time index: %+v", i, entries)
			}
		}
	} else if !errors.Is(err, segment.ErrBadIndex) {
		t.Fatal(err)
	}
}
