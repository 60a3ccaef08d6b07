package segment

import (
	"bytes"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// A batch that begins shortly before the end of a sector may lose just those bytes when the power goes, since the
// sector was written before for the batch that ends there. With 8 bytes or fewer all of them are of the base offset,
// which no CRC covers: the rest of the batch looks whole. It is a lost write all the same, and no corruption.
func TestLostBeginningOfABatch(t *testing.T) {
	for lost := 1; lost <= 24; lost++ {
		w := &twin{base: 1 << 40}
		o := w.base
		add := func(value int) {
			raw := build(t, []record{{o, 1000}}, o, make([]byte, value))
			w.entries = append(w.entries, entry{raw: raw, first: o, last: o, pos: w.size})
			w.size += int64(len(raw))
			o++
		}
		add(100)
		for value := 1; (w.size+int64(lost))%vfs.SectorSize != 0; value++ {
			w.entries, w.size, o = w.entries[:1], int64(len(w.entries[0].raw)), w.base+1
			add(value)
		}
		add(300)
		add(300)
		content := w.bytes()
		at := w.entries[2].pos
		clear(content[at : at+int64(lost)])
		got, damage := w.recover(t, content)
		if lost <= 2 {
			if damage != nil {
				t.Errorf("%d bytes that were zero: got %v", lost, damage)
			}
			continue
		}
		if got.batches != 2 || !got.torn || !got.tornMid {
			t.Errorf("%d bytes lost: got %+v: %v", lost, got, damage)
		}
	}
	// The same zeros where no sector ends are no lost write.
	w := &twin{base: base.Offset(1 << 40)}
	for i := range base.Offset(3) {
		raw := build(t, []record{{w.base + i, 1000}}, w.base+i, make([]byte, 30))
		w.entries = append(w.entries, entry{raw: raw, pos: w.size})
		w.size += int64(len(raw))
	}
	content := bytes.Clone(w.bytes())
	clear(content[w.entries[1].pos:][:8])
	if got, damage := w.recover(t, content); got.torn || got.batches != 1 {
		t.Errorf("a base offset of zeros: got %+v: %v", got, damage)
	}
}
