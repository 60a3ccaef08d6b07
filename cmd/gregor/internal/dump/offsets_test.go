package dump

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// offsetsRecords returns the keys and values of the golden file that Kafka's classes wrote.
func offsetsRecords(t *testing.T) (keys, values [][]byte) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "kafka", "__consumer_offsets-0", "00000000000000000000.log"))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := batch.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	it := b.Records(mostInflated)
	defer it.Close()
	for it.Next() {
		r := it.Record()
		keys, values = append(keys, append([]byte(nil), r.Key...)), append(values, append([]byte(nil), r.Value...))
	}
	if it.Err() != nil || len(keys) != 40 {
		t.Fatalf("got %d records and %v", len(keys), it.Err())
	}
	return keys, values
}

// TestOffsetsDamaged reads records of __consumer_offsets that are cut off or have a byte changed: there is an error or
// JSON, and nothing worse.
func TestOffsetsDamaged(t *testing.T) {
	keys, values := offsetsRecords(t)
	random := rand.New(rand.NewPCG(7, 8))
	read, refused := 0, 0
	for range 20_000 {
		i := random.IntN(len(keys))
		key, value := damage(random, keys[i]), damage(random, values[i])
		keyText, valueText, err := offsetsJSON(key, value)
		if err != nil {
			refused++
			continue
		}
		read++
		if !json.Valid([]byte(keyText)) || valueText != tombstone && !json.Valid([]byte(valueText)) {
			t.Fatalf("key %x value %x: got %s and %s", key, value, keyText, valueText)
		}
	}
	if read < 1000 || refused < 1000 {
		t.Errorf("read %d, refused %d, expected some of both", read, refused)
	}
}

// damage returns bytes that are cut off, or changed in one place, or as they were.
func damage(random *rand.Rand, p []byte) []byte {
	out := append([]byte(nil), p...)
	if len(out) == 0 {
		return out
	}
	switch random.IntN(3) {
	case 0:
		return out[:random.IntN(len(out))]
	case 1:
		out[random.IntN(len(out))] = byte(random.Uint32())
	}
	return out
}

// TestOffsetsMissingKey prints a record without a key, at which Kafka's tool ends, and what follows it.
func TestOffsetsMissingKey(t *testing.T) {
	var out strings.Builder
	d := New(vfs.NewMem(vfs.MemOptions{}), &out, Options{Offsets: true})
	for _, r := range []*batch.Record{{Offset: 4, Value: []byte("x")}, {Offset: 5, Key: []byte{0, 2, 0, 1, 'g'}}} {
		var o recordObject
		d.offsetsRecord(r, "|", &o)
		d.text("\n")
		if r.Offset == 4 && o.OffsetsError == "" || r.Offset == 5 && o.OffsetsValue != "null" {
			t.Errorf("offset %d: got %+v", r.Offset, o)
		}
	}
	if err := d.out.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "| key: Failed to decode message at offset 4 using the specified decoder (message had a missing key)\n" +
		"| key: {\"type\":\"2\",\"data\":{\"group\":\"g\"}} payload: <DELETE>\n"
	if out.String() != want {
		t.Errorf("got\n%s\nexpected\n%s", out.String(), want)
	}
}
