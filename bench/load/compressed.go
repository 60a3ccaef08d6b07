//go:build linux

package load

import (
	"fmt"
	"math/rand/v2"

	"github.com/gregor-log/gregor/core/batch"
)

// NewCompressed builds a batch with a codec: as many records with values of record bytes as fit into size bytes before
// they are compressed. The values read like lines of an access log, of which no two are the same, so that a codec has
// about as much to find in them as in what is really sent. They are the same ones in every run.
func NewCompressed(codec batch.Codec, size, record int, timestamp int64) (Batch, error) {
	lines := accessLog{rand.New(rand.NewPCG(1, uint64(record)))}
	options := batch.NewOptions()
	var plain, packed batch.Builder
	plain.Reset(options)
	options.Codec = codec
	packed.Reset(options)
	inflated := plain.Size()
	for {
		value := lines.next(record)
		if plain.Append(timestamp, nil, value); plain.Size() > size {
			break
		}
		inflated = plain.Size()
		packed.Append(timestamp, nil, value)
	}
	if packed.Count() == 0 {
		return Batch{}, fmt.Errorf("%w: %d bytes with records of %d", ErrBatch, size, record)
	}
	b, err := packed.Build()
	return Batch{Bytes: b, Records: packed.Count(), Inflated: inflated}, err
}

// accessLog makes up lines of a web server's log: words that come again and again, and numbers that do not.
type accessLog struct {
	chance *rand.Rand
}

// next returns a line of just so many bytes.
func (a accessLog) next(size int) []byte {
	methods := [...]string{"GET", "GET", "GET", "POST", "PUT", "DELETE"}
	paths := [...]string{"orders", "customers", "basket/items", "search", "images/thumbnails", "sessions"}
	codes := [...]int{200, 200, 200, 201, 204, 304, 404, 500}
	clients := [...]string{"curl/8.5.0", "Go-http-client/2.0", "okhttp/4.12.0", "python-requests/2.31.0"}
	var line []byte
	for len(line) < size {
		n := a.chance.IntN
		line = fmt.Appendf(line, `10.%d.%d.%d - %s /v1/%s/%d HTTP/1.1 %d %d "%s" took=%dus; `, n(4), n(256), n(256),
			methods[n(len(methods))], paths[n(len(paths))], n(100_000), codes[n(len(codes))], n(50_000),
			clients[n(len(clients))], n(10_000))
	}
	return line[:size]
}
