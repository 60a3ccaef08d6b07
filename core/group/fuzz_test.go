package group

import (
	"bytes"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// FuzzLoadRecord loads any record after others: it never panics nor takes much memory, an error changes nothing, and
// what is loaded is what its snapshot loads as.
func FuzzLoadRecord(f *testing.F) {
	for version := int16(0); version <= 4; version++ {
		v := groupValue(version)
		f.Add(groupKey("g"), v.AppendTo(nil), false)
	}
	o, _ := offsetRecord(nil, "g", "t", 3, &offset{offset: 5, metadata: "m", expires: noTime, topicID: [16]byte{1}})
	f.Add(o.Key, o.Value, false)
	f.Add(o.Key, []byte(nil), true)
	f.Add(groupKey("g"), []byte(nil), true)
	f.Add([]byte{0, 7, 1}, []byte("foreign"), false)
	f.Fuzz(func(t *testing.T, key, value []byte, tombstone bool) {
		c := New(Options{Config: func() Config { return Config{MaxSize: 2} }, Random: func() uint64 { return 1 }})
		v := groupValue(3)
		if c.Load(groupKey("g"), v.AppendTo(nil)) != nil || c.Load(o.Key, o.Value) != nil {
			t.Fatal("good records do not load")
		}
		if tombstone {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		before := snapshot(c)
		if err := c.Load(key, value); err != nil {
			if !bytes.Equal(snapshot(c), before) {
				t.Fatalf("%v, and something has changed", err)
			}
		}
		check(t, c)
		after := snapshot(c)
		loaded := New(c.options)
		c.Snapshot(func(r Record) {
			if err := loaded.Load(r.Key, r.Value); err != nil {
				t.Fatal(err)
			}
		})
		if !bytes.Equal(snapshot(loaded), after) {
			t.Fatalf("the snapshot %x loads as %x", after, snapshot(loaded))
		}
		var out Effects
		loaded.Loaded(base.Instant{Mono: 1, Wall: 1}, nil, &out)
		for i := 0; i < 100 && loaded.Next() != 0; i++ {
			loaded.Expire(base.Instant{Mono: loaded.Next(), Wall: 2}, &out)
			for range out.Writes {
				loaded.Written(base.Instant{Mono: 1, Wall: 2}, 0, &out)
			}
			out.Reset()
		}
		check(t, loaded)
	})
}
