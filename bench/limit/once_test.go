//go:build linux

package limit_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gregor-log/gregor/bench/limit"
)

// counted counts what is read of it.
type counted struct {
	io.ReaderAt
	bytes int
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.bytes += n
	return n, err
}

// TestReadOnce reads all there is, the rest behind the last whole piece as well, and says when there is too little.
func TestReadOnce(t *testing.T) {
	const size = 5<<19 + 3
	from := &counted{ReaderAt: bytes.NewReader(make([]byte, size))}
	if took, err := limit.ReadOnce(t.Context(), from, size); err != nil || took <= 0 || from.bytes != size {
		t.Errorf("got %v, %v, %d bytes read of %d", took, err, from.bytes, size)
	}
	if _, err := limit.ReadOnce(t.Context(), from, size+1); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, expected io.EOF", err)
	}
}
