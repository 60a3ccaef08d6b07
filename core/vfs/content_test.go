package vfs

import (
	"bytes"
	"slices"
	"testing"
)

// contentTwin is content as one slice and a set of blocks.
type contentTwin struct {
	data   []byte
	blocks map[int64]bool
}

func (w *contentTwin) clone() contentTwin {
	blocks := map[int64]bool{}
	for b := range w.blocks {
		blocks[b] = true
	}
	return contentTwin{bytes.Clone(w.data), blocks}
}

func (w *contentTwin) put(p []byte, off int64) {
	w.resize(max(int64(len(w.data)), off+int64(len(p))))
	copy(w.data[off:], p)
	for b := off / blockSize; b <= (off+int64(len(p))-1)/blockSize; b++ {
		w.blocks[b] = true
	}
}

func (w *contentTwin) resize(size int64) {
	w.data = append(w.data, make([]byte, max(size-int64(len(w.data)), 0))...)[:size:size]
	for b := range w.blocks {
		if b*blockSize >= size {
			delete(w.blocks, b)
		}
	}
}

func grantAll(blocks int) int { return blocks }

// undo takes back one change of a content, as inode.undone does.
type undo func(c *content)

// somewhere returns offsets near the edges of blocks, chunks and the first chunk's early sizes, and any others.
func somewhere(d dice) int64 {
	edge := of(d, 0, 512, 1024, blockSize, 2*blockSize, chunkSize-blockSize, chunkSize, 2*chunkSize,
		d.below(3*chunkSize))
	return int64(max(edge+d.below(5)-2, 0))
}

func TestContentAgainstTwin(t *testing.T) {
	for seed := range uint64(20) {
		d := newDice(seed)
		c, w := &content{}, contentTwin{blocks: map[int64]bool{}}
		var undos []undo
		var befores []contentTwin
		for range 40 {
			befores = append(befores, w.clone())
			if d.below(4) == 0 {
				size, before := somewhere(d), c.size
				cut := c.setSize(size)
				w.resize(size)
				undos = append(undos, func(c *content) { c.restore(size, before, cut) })
			} else {
				undos = append(undos, randomPut(t, d, c, &w))
			}
			sameContent(t, seed, c, &w, true)
		}
		// Blocks are not compared on the way back: undone writes may leave some in use.
		for i, back := range slices.Backward(undos) {
			back(c)
			sameContent(t, seed, c, &befores[i], false)
		}
	}
}

func randomPut(t *testing.T, d dice, c *content, w *contentTwin) undo {
	off, size := somewhere(d), c.size
	p := bytes.Repeat([]byte{byte(1 + d.below(250))}, of(d, 1, 500, blockSize, chunkSize, 1+d.below(2*chunkSize)))
	old := make([]byte, clampLen(int64(len(p)), off, size))
	c.readAt(old, off)
	if got := c.claim(off, len(p), grantAll); got != len(p) {
		t.Fatalf("claimed %d of %d bytes although all was granted", got, len(p))
	}
	c.put(p, off)
	w.put(p, off)
	return func(c *content) { c.erase(off, off+int64(len(p)), size, old) }
}

func sameContent(t *testing.T, seed uint64, c *content, w *contentTwin, blocks bool) {
	t.Helper()
	got := make([]byte, len(w.data)+10)
	n := c.readAt(got, 0)
	if n != len(w.data) || !bytes.Equal(got[:n], w.data) {
		t.Fatalf("seed %d: got %s, expected %s", seed, brief(got[:n]), brief(w.data))
	}
	if blocks && c.blocks != int64(len(w.blocks)) {
		t.Fatalf("seed %d: %d blocks in use, expected %d", seed, c.blocks, len(w.blocks))
	}
	for i, ch := range c.chunks {
		from := min(max(c.size-int64(i)*chunkSize, 0), int64(len(ch.data)))
		if tail := ch.data[from:]; !bytes.Equal(tail, make([]byte, len(tail))) {
			t.Fatalf("seed %d: bytes past the size: %s", seed, brief(tail))
		}
	}
}

// TestViews takes views while a file grows, is cut and grows again: they must show what was there, for ever.
func TestViews(t *testing.T) {
	for seed := range uint64(40) {
		d := newDice(seed)
		c := &content{}
		var views [][][]byte
		var copies [][]byte
		for range 30 {
			p := bytes.Repeat([]byte{byte(1 + d.below(250))}, 1+d.below(2*blockSize))
			off := c.size + int64(of(d, 0, 0, 0, d.below(chunkSize)))
			c.claim(off, len(p), grantAll)
			c.put(p, off)
			if d.below(5) == 0 {
				c.setSize(c.size - min(c.size, int64(d.below(3*blockSize))))
			}
			from, n := int64(d.below(int(c.size)+1)), d.below(3*chunkSize)
			want := make([]byte, n)
			want = want[:c.readAt(want, from)]
			view, held := c.view(nil, from, n)
			if held != len(want) || len(want) < n && from+int64(held) != c.size {
				t.Fatalf("seed %d: view of %d bytes at %d holds %d, file has %d", seed, n, from, held, c.size)
			}
			views, copies = append(views, view), append(copies, want)
		}
		for i := range views {
			if got := bytes.Join(views[i], nil); !bytes.Equal(got, copies[i]) {
				t.Fatalf("seed %d, view %d: got %s, expected %s", seed, i, brief(got), brief(copies[i]))
			}
			for _, part := range views[i] {
				if cap(part) != len(part) {
					t.Fatalf("seed %d: a view has room to append into the file", seed)
				}
			}
		}
	}
}

// TestClaimStopsAtTheFirstMissingBlock grants every number of blocks for writes over files with holes.
func TestClaimStopsAtTheFirstMissingBlock(t *testing.T) {
	for seed := range uint64(200) {
		d := newDice(seed)
		c, w := &content{}, contentTwin{blocks: map[int64]bool{}}
		for range 3 {
			randomPut(t, d, c, &w)
		}
		off, n, free := somewhere(d), 1+d.below(chunkSize), d.below(20)
		want := n
		left := free
		for i := range n {
			if b := (off + int64(i)) / blockSize; !w.blocks[b] {
				if left == 0 {
					want = i
					break
				}
				left--
				w.blocks[b] = true
			}
		}
		got := c.claim(off, n, func(blocks int) int {
			granted := min(blocks, free)
			free -= granted
			return granted
		})
		if got != want || c.blocks != int64(len(w.blocks)) {
			t.Fatalf("seed %d: claimed %d of %d bytes at %d and %d blocks, expected %d and %d",
				seed, got, n, off, c.blocks, want, len(w.blocks))
		}
	}
}
