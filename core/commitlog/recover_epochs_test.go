package commitlog

import (
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// A leader epoch that recovery learns from the batches is in the checkpoint's file before anything is moved beyond
// them: else a second crash would forget the epoch of records that need no recovery any more.
func TestRecoveredEpochsReachTheirFile(t *testing.T) {
	fs := vfs.NewMem(vfs.MemOptions{Crashable: true})
	o := Options{FS: fs, Dir: "/d/t-0", TopicID: base.UUID{5: 3}, Residents: segment.NewResidents(4), Config: Config{
		SegmentBytes: 1 << 14, SegmentMs: 1 << 40, IndexBytes: 1 << 20, IndexIntervalBytes: 4096,
		RetentionMs: -1, RetentionBytes: -1, FlushMessages: 1, FlushMs: 1 << 60,
	}}
	l, _, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	var builder batch.Builder
	for epoch := range base.LeaderEpoch(3) {
		l.AssignEpoch(epoch)
		builder.Reset(batch.NewOptions())
		builder.Append(1000, nil, []byte("value"))
		b, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(b, epoch, 0); err != nil {
			t.Fatal(err)
		}
		j, _ := l.BeginSync()
		if err := j.Run(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.EndSync(j); err != nil {
			t.Fatal(err)
		}
	}
	fs.Kill()
	if _, _, err = Open(o); err != nil {
		t.Fatal(err)
	}
	content, err := vfs.ReadFile(fs, o.Dir+"/"+EpochsFile)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(content), "0\n3\n0 0\n1 1\n2 2\n"; got != want {
		t.Errorf("after recovery the checkpoint is %q, expected %q", got, want)
	}
}
