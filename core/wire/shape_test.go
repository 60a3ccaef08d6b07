package wire

import (
	"testing"

	fuzz "github.com/google/gofuzz"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every version of every request with a shape, built at random, must be walked to its last byte: a shape that misses a
// field or has one too many cannot pass.
func TestShapesMatchMessages(t *testing.T) {
	for key := range shapes {
		req := kmsg.RequestForKey(key)
		filler := fuzz.NewWithSeed(int64(key)).NilChance(0.2).NumElements(0, 3).MaxDepth(8).
			Funcs(func(tags *kmsg.Tags, c fuzz.Continue) {})
		for v := range req.MaxVersion() + 1 {
			for range 50 {
				filler.Fuzz(req)
				req.SetVersion(v)
				body := req.AppendTo(nil)
				if read, err := CheckRequest(key, v, body); err != nil || len(read) != len(body) {
					t.Fatalf("%s v%d: got %d of %d bytes: %v\n%+v\n% x", kmsg.Key(key).Name(), v, len(read), len(body),
						err, req, body)
				}
				if len(body) > 0 {
					if _, err := CheckRequest(key, v, body[:len(body)-1]); err == nil {
						t.Fatalf("%s v%d: a cut request passed", kmsg.Key(key).Name(), v)
					}
				}
				if read, err := CheckRequest(key, v, append(body, 0)); err != nil || len(read) != len(body) {
					t.Fatalf("%s v%d: of a request with a byte too many, got %d bytes, expected %d: %v",
						kmsg.Key(key).Name(), v, len(read), len(body), err)
				}
			}
		}
	}
}
