package commitlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

func TestParseOffsets(t *testing.T) {
	for _, c := range []struct {
		content string
		want    []OffsetEntry
		bad     bool
	}{
		{"0\n0\n", nil, false},
		{"0\n2\nt 1 5\na 0 7\n", []OffsetEntry{{tp("a", 0), 7}, {tp("t", 1), 5}}, false},
		{"0\r\n1\r\nt 1 5\r\n", []OffsetEntry{{tp("t", 1), 5}}, false},
		{"0\n1\nt 1 9223372036854775807", []OffsetEntry{{tp("t", 1), 1<<63 - 1}}, false},
		{"", nil, true}, {"0", nil, true}, {"0\n", nil, true}, {"1\n0\n", nil, true}, {"0\n-1\n", nil, true},
		{"0\nx\n", nil, true}, {"0\n1\n", nil, true}, {"0\n0\nt 0 1\n", nil, true}, {"0\n1\nt 0\n", nil, true},
		{"0\n1\nt 0 1 2\n", nil, true}, {"0\n1\n 0 1\n", nil, true}, {"0\n1\nt\n", nil, true},
		{"0\n1\nt -1 1\n", nil, true}, {"0\n1\nt 0 -1\n", nil, true}, {"0\n1\nt 2147483648 1\n", nil, true},
		{"0\n1\nt 0 9223372036854775808\n", nil, true}, {"0\n1\nt x 1\n", nil, true},
		{"0\n99999999999999999999\n", nil, true},
	} {
		got, err := ParseOffsets([]byte(c.content))
		if !slices.Equal(got, c.want) || errors.Is(err, ErrBadCheckpoint) != c.bad || !c.bad && err != nil {
			t.Errorf("%q: got %v, %v, expected %v", c.content, got, err, c.want)
		}
	}
}

// Whatever is written is read again, and every partition is found in it, and no other.
func TestOffsetsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fs := newFS(t)
	for range 50 {
		want := make(map[base.TopicPartition]base.Offset)
		var entries []OffsetEntry
		for range r.IntN(30) {
			p := tp(fmt.Sprintf("t%d", r.IntN(9)), int32(r.IntN(9)))
			if _, ok := want[p]; ok {
				continue
			}
			want[p] = base.Offset(r.Int64())
			entries = append(entries, OffsetEntry{p, want[p]})
		}
		must(t, WriteOffsets(fs, "/d", HighWatermarkFile, entries))
		got, err := ReadOffsets(fs, "/d", HighWatermarkFile)
		must(t, err)
		for topic := range 9 {
			for partition := range 9 {
				p := tp(fmt.Sprintf("t%d", topic), int32(partition))
				wanted, known := want[p]
				if o, ok := LookupOffset(got, p); o != wanted || ok != known {
					t.Fatalf("%v: got %d, %t, expected %d, %t", p, o, ok, wanted, known)
				}
			}
		}
	}
}

// A checkpoint that is missing is empty; a disk that fails is not.
func TestReadOffsetsErrors(t *testing.T) {
	fs := newFS(t)
	if got, err := ReadOffsets(fs, "/d", LogStartFile); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	must(t, WriteOffsets(fs, "/d", LogStartFile, nil))
	for k := 1; k <= 3; k++ {
		failing := vfs.NewFaults(fs, vfs.FailAt(k, vfs.ErrIO))
		if _, err := ReadOffsets(failing, "/d", LogStartFile); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v", k, err)
		}
		failing = vfs.NewFaults(fs, vfs.FailAt(k, vfs.ErrIO))
		if err := WriteOffsets(failing, "/d", LogStartFile, nil); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v", k, err)
		}
	}
	write(t, fs, "/d/"+LogStartFile, []byte("torn"))
	if _, err := ReadOffsets(fs, "/d", LogStartFile); !errors.Is(err, ErrBadCheckpoint) {
		t.Errorf("got %v, expected %v", err, ErrBadCheckpoint)
	}
}

func TestParseMeta(t *testing.T) {
	good := MetaProperties{ClusterID: "J5kQ2mXvTtq0rXb3cWz1Ag", NodeID: 3, DirectoryID: base.UUID{1, 2, 3}}
	got, err := ParseMeta(good.Format())
	if err != nil || got != good {
		t.Errorf("got %+v, %v, expected %+v", got, err, good)
	}
	kafkas := "#\n#Sun Nov 22 04:00:00 UTC 2026\n! a comment\n\n node.id = 3 \r\nversion=1\ncluster.id= c\nother=x=y\n"
	if got, err := ParseMeta([]byte(kafkas)); err != nil || got.NodeID != 3 || got.ClusterID != "c" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, content := range []string{
		"", "version=0\ncluster.id=c\nnode.id=3\n", "version=1\nnode.id=3\n", "version=1\ncluster.id=c\n",
		"version=1\ncluster.id=c\nnode.id=-1\n", "version=1\ncluster.id=c\nnode.id=2147483648\n",
		"version=1\ncluster.id=c\nnode.id=x\n", "version=1\ncluster.id=c\nnode.id=3\ndirectory.id=short\n",
		"version=1\ncluster.id=c\nnode.id=3\nstray line\n", "version=2\ncluster.id=c\nnode.id=3\n",
	} {
		if got, err := ParseMeta([]byte(content)); !errors.Is(err, ErrBadMeta) {
			t.Errorf("%q: got %+v, %v, expected %v", content, got, err, ErrBadMeta)
		}
	}
}

func TestParseMetadata(t *testing.T) {
	if got, err := ParseMetadata(formatMetadata(topicID)); err != nil || got != topicID {
		t.Errorf("got %v, %v, expected %v", got, err, topicID)
	}
	id := topicID.String()
	for content, want := range map[string]error{
		"version: 0\ntopic_id: " + id:             nil,
		"version: 0\r\ntopic_id: " + id + "\n":    nil,
		"topic_id:" + id + "\nversion:0\nmore: x": nil,
		"":                                 ErrNoMetadata,
		"version: 0\n":                     ErrNoMetadata,
		"version: 1\ntopic_id: " + id:      ErrNoMetadata,
		"version: 0\ntopic_id: " + id[:21]: ErrNoMetadata,
		"version: 0\nnonsense\ntopic_id: ": ErrNoMetadata,
		"\x00\x00\x00":                     ErrNoMetadata,
		"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA": ErrNoMetadata,
	} {
		got, err := ParseMetadata([]byte(content))
		if !errors.Is(err, want) || want == nil && (err != nil || got != topicID) {
			t.Errorf("%q: got %v, %v, expected %v", content, got, err, want)
		}
	}
}
