//go:build linux

package limit

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"time"
)

// ReadOnce reads size bytes in order, 1 MiB at a time, computes the CRC-32C of each piece and returns how long that
// took: what a log cannot leave out whose tail may be torn.
func ReadOnce(ctx context.Context, from io.ReaderAt, size int64) (time.Duration, error) {
	const piece = 1 << 20
	buf := make([]byte, piece)
	start := time.Now()
	sum := uint32(0)
	for at := int64(0); at < size; {
		n, err := from.ReadAt(buf[:min(piece, size-at)], at)
		if err != nil {
			return 0, fmt.Errorf("read at %d of %d: %w", at, size, err)
		}
		sum ^= crc32.Checksum(buf[:n], castagnoli)
		at += int64(n)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
	}
	runtime.KeepAlive(sum)
	return time.Since(start), nil
}
