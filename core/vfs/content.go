package vfs

import "math/bits"

// The bytes of a file in memory lie in chunks of a fixed size, so that a file grows without being copied; only the
// first chunk starts small and doubles, because most files of a broker are small. A chunk is counted in blocks, the
// unit in which space is taken: a hole takes none.
const (
	blockSize = 4 << 10
	// chunkSize is 64 blocks, which makes the blocks in use one machine word.
	chunkSize = 64 * blockSize
	// firstSize is the least that is allocated for a file that holds anything.
	firstSize = 512
	// MaxFileSize is the largest file that Mem keeps, in bytes (1 TiB).
	MaxFileSize = 1 << 40
)

// chunk holds chunkSize bytes of a file, or fewer if the bytes after them are a hole.
type chunk struct {
	// data is nil for a hole. Invariant: what lies past the file's size is zero.
	data []byte
	// used has a bit for each block that was written to.
	used uint64
}

// content is a sparse array of bytes. It is not safe for concurrent use.
//
// Invariant: memory that once was below size is written to by put alone, and only where put is told to. Growing and
// cutting move to fresh memory, so that slices which view gave out keep what they hold.
type content struct {
	chunks []chunk
	size   int64
	// blocks is the number of blocks in use, over all chunks.
	blocks int64
}

// readAt copies what lies at off into p and returns the number of bytes, fewer than len(p) at the end of the file.
func (c *content) readAt(p []byte, off int64) int {
	n := clampLen(int64(len(p)), off, c.size)
	p = p[:n]
	for len(p) > 0 {
		have, want := c.piece(off, len(p))
		copied := copy(p[:want], have)
		clear(p[copied:want])
		p, off = p[want:], off+int64(want)
	}
	return n
}

// zeros stands for the holes in views.
var zeros [64 << 10]byte

// view appends slices of the bytes [off, off+n) to dst and returns it with the number of bytes they hold.
func (c *content) view(dst [][]byte, off int64, n int) ([][]byte, int) {
	n = clampLen(int64(n), off, c.size)
	for left := n; left > 0; {
		have, want := c.piece(off, left)
		if len(have) > 0 {
			// The capacity ends with the slice, so that nobody can append into the file.
			dst = append(dst, have[:len(have):len(have)])
		}
		for hole := want - len(have); hole > 0; hole -= len(zeros) {
			k := min(hole, len(zeros))
			dst = append(dst, zeros[:k:k])
		}
		left, off = left-want, off+int64(want)
	}
	return dst, n
}

// piece returns what is allocated of the first bytes of [off, off+n) that lie in one chunk, and how many those are.
func (c *content) piece(off int64, n int) (have []byte, want int) {
	index, at := off/chunkSize, int(off%chunkSize)
	want = min(n, chunkSize-at)
	if index >= int64(len(c.chunks)) {
		return nil, want
	}
	data := c.chunks[index].data
	return data[min(at, len(data)):min(at+want, len(data))], want
}

// claim takes the blocks under [off, off+n) into use. It asks take for those that are new, and returns how many of the
// n bytes may be written if take grants fewer than asked for.
func (c *content) claim(off int64, n int, take func(blocks int) int) int {
	for done := 0; done < n; {
		index, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		want := min(n-done, chunkSize-at)
		c.reach(index)
		ch := &c.chunks[index]
		if fresh := blockMask(at, want) &^ ch.used; fresh != 0 {
			asked := bits.OnesCount64(fresh)
			granted := min(take(asked), asked)
			for range granted {
				ch.used |= fresh & -fresh
				fresh &= fresh - 1
			}
			c.blocks += int64(granted)
			if fresh != 0 {
				end := bits.TrailingZeros64(fresh) * blockSize
				return done + max(end-at, 0)
			}
		}
		done += want
	}
	return n
}

// blockMask has a bit for each block of a chunk that [at, at+n) touches; n is positive and the range in the chunk.
func blockMask(at, n int) uint64 {
	first, last := at/blockSize, (at+n-1)/blockSize
	return ^uint64(0) << first & (^uint64(0) >> (63 - last))
}

// reach makes the list of chunks long enough to hold index.
func (c *content) reach(index int64) {
	for int64(len(c.chunks)) <= index {
		c.chunks = append(c.chunks, chunk{})
	}
}

// put writes p at off, whose blocks have been claimed.
func (c *content) put(p []byte, off int64) {
	if len(p) == 0 {
		return
	}
	c.size = max(c.size, off+int64(len(p)))
	for len(p) > 0 {
		index, at := off/chunkSize, int(off%chunkSize)
		n := min(len(p), chunkSize-at)
		c.reach(index)
		ch := &c.chunks[index]
		if n == chunkSize && ch.data == nil {
			// This spares the clearing of memory that is about to be filled.
			ch.data = append([]byte(nil), p[:n]...)
		} else {
			ch.ensure(index, at+n)
			copy(ch.data[at:], p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
}

// ensure allocates the first end bytes of a chunk.
func (ch *chunk) ensure(index int64, end int) {
	if end <= len(ch.data) {
		return
	}
	size := chunkSize
	if index == 0 {
		size = max(firstSize, 1<<bits.Len(uint(end-1)))
	}
	data := make([]byte, size)
	copy(data, ch.data)
	ch.data = data
}

// setSize cuts or extends the content to size bytes. It returns the chunks from the cut on as they were, for restore.
func (c *content) setSize(size int64) (cut []chunk) {
	was := c.size
	c.size = size
	index, rest := size/chunkSize, int(size%chunkSize)
	if size >= was || index >= int64(len(c.chunks)) {
		return nil
	}
	cut = append(cut, c.chunks[index:]...)
	for _, ch := range cut {
		c.blocks -= int64(bits.OnesCount64(ch.used))
	}
	clear(c.chunks[index:])
	c.chunks = c.chunks[:index]
	if rest > 0 {
		kept := chunk{used: cut[0].used & blockMask(0, rest)}
		if keep := cut[0].data[:min(rest, len(cut[0].data))]; len(keep) > 0 {
			kept.ensure(index, len(keep))
			copy(kept.data, keep)
		}
		c.chunks = append(c.chunks, kept)
		c.blocks += int64(bits.OnesCount64(kept.used))
	}
	return cut
}

// restore undoes setSize: it puts back the chunks that were cut when the size was set to size, and the size before.
// The content must be as setSize left it; cut is copied.
func (c *content) restore(size, before int64, cut []chunk) {
	if len(cut) > 0 {
		c.chunks = append(c.chunks[:size/chunkSize], cloneChunks(cut)...)
	}
	c.size = before
	c.trimBlocks()
}

// erase undoes a write that began at off and made a file of size bytes end at end: old is what lay there before. It
// leaves blocks that only the write used in use if they lie within size.
func (c *content) erase(off, end, size int64, old []byte) {
	c.put(old, off)
	if from := max(off, size); from < end {
		for n := end - from; n > 0; {
			have, want := c.piece(from, int(min(n, chunkSize)))
			clear(have)
			from, n = from+int64(want), n-int64(want)
		}
	}
	c.size = size
	c.trimBlocks()
}

// trimBlocks gives up the blocks past the size.
func (c *content) trimBlocks() {
	index, rest := c.size/chunkSize, int(c.size%chunkSize)
	if rest > 0 && index < int64(len(c.chunks)) {
		c.chunks[index].used &= blockMask(0, rest)
		index++
	}
	if index < int64(len(c.chunks)) {
		clear(c.chunks[index:])
		c.chunks = c.chunks[:index]
	}
	c.recount()
}

func (c *content) recount() {
	c.blocks = 0
	for _, ch := range c.chunks {
		c.blocks += int64(bits.OnesCount64(ch.used))
	}
}

// clone returns a copy that shares no memory.
func (c *content) clone() content {
	return content{chunks: cloneChunks(c.chunks), size: c.size, blocks: c.blocks}
}

func cloneChunks(from []chunk) []chunk {
	chunks := make([]chunk, len(from))
	for i, ch := range from {
		chunks[i] = chunk{used: ch.used}
		if ch.data != nil {
			chunks[i].data = append([]byte(nil), ch.data...)
		}
	}
	return chunks
}

// clampLen returns how many of n bytes from off lie below size.
func clampLen(n, off, size int64) int {
	return int(max(min(n, size-off), 0))
}
