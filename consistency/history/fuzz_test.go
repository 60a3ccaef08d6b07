package history

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// rewrite reads a history line by line and writes what it says.
func rewrite(text []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(text), 1<<16)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := NewWriter(&out, r.Header())
	for {
		line, err := r.Next()
		if err == io.EOF {
			err = w.Flush()
			return out.Bytes(), err
		}
		if err == nil && line.Op != nil {
			err = w.Op(line.Op)
		} else if err == nil {
			err = w.Event(line.Event)
		}
		if err != nil {
			return nil, err
		}
	}
}

// FuzzHistory takes any text for a history: it is refused with one of the documented errors, or it is written and read
// again to the same text; and it loads whole if and only if it reads line by line.
func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"v":1,"kind":"header","source":"sim","seed":7,"class":"fsync","nodes":[1],"compacted":["c"]}
{"kind":"op","process":3,"node":1,"op":"append","topic":"t","partition":0,"start_ns":10,"end_ns":25,"outcome":"ok",` +
		`"acks":-1,"base":40,"values":["3.17","3.18"]}
{"kind":"op","process":4,"node":1,"op":"fetch","topic":"t","partition":0,"start_ns":20,"end_ns":31,"outcome":"ok",` +
		`"from":40,"high_watermark":42,"log_start":0,"records":[[40,"3.17","3.18"]]}
{"kind":"op","process":5,"op":"end","topic":"t","partition":0,"start_ns":40,"end_ns":44,"outcome":"unknown"}
{"kind":"op","process":6,"op":"commit","group":"g","topic":"t","partition":0,"start_ns":50,"end_ns":52,` +
		`"outcome":"ok","offset":42,"values":["6.1"]}
{"kind":"op","process":7,"op":"committed","group":"g","topic":"t","partition":0,"start_ns":60,"end_ns":61,` +
		`"outcome":"ok"}
{"kind":"event","event":"power_loss","node":1,"time_ns":50}
`))
	f.Add([]byte(`{"v":1,"kind":"header"}` + "\n" + strings.Repeat("[", 1000)))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, loadErr := Load(bytes.NewReader(text), 1<<16)
		once, err := rewrite(text)
		known := false
		for _, class := range []error{ErrSyntax, ErrTooLong, ErrVersion, ErrNoHeader, ErrBadOp, ErrTooLarge} {
			known = known || errors.Is(err, class)
		}
		if err != nil && !known || (err == nil) != (loadErr == nil) || loadErr == nil && h == nil {
			t.Fatalf("reading: %v, loading: %v", err, loadErr)
		}
		if err != nil {
			return
		}
		if twice, err := rewrite(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("got %q, %v, expected %q", twice, err, once)
		}
	})
}
