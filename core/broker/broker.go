package broker

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// Options says what a broker is made of.
type Options struct {
	// FS is what all of Config.LogDirs are on.
	FS     vfs.FS
	Config *config.Broker
	// Advertised are the addresses that clients are told, one a listener, with the ports that they got.
	Advertised []config.Endpoint
	// Rand draws ids.
	Rand env.Source
	// Log takes the broker's events.
	Log *slog.Logger
	// Now is the instant of opening.
	Now base.Instant
	// Parallel calls work(0) to work(n-1), on several goroutines if it likes, and returns when all have returned. It is
	// used for recovery, for closing, and where a step opens or makes many partitions.
	Parallel func(n int, work func(i int))
	// OpenFiles is how many sealed segments may keep their files open.
	OpenFiles int
}

// Broker is one broker. See the package comment.
type Broker struct {
	fs vfs.FS
	// loggers are what clients alter as BROKER_LOGGER; log, storage and grouping are three of them.
	loggers   *config.Loggers
	log       *slog.Logger
	storage   *slog.Logger
	grouping  *slog.Logger
	rand      env.Source
	parallel  func(n int, work func(i int))
	residents *segment.Residents

	nodeID     base.NodeID
	clusterID  string
	epoch      meta.BrokerEpoch
	advertised []config.Endpoint

	// static is the configuration that the broker was started with; cfg is what holds now, dynamic changes included.
	static *config.Broker
	cfg    atomic.Pointer[config.Broker]
	image  atomic.Pointer[meta.Image]

	apis       *apiTable
	dirs       []*logDir
	absent     absence
	topics     topics
	sessions   sessions
	timers     timers
	controller controller
	groups     groups
	producers  producerIDs
	chores     []*chore
	moves      moves
	purge      purge
	stats      stats
	mostTold   int // see checkAnswer
	// checkpoints is held while a checkpoint file is written: tasks that write one may run side by side.
	checkpoints sync.Mutex
	// epochsWritten says up to which leader epoch the partitions' own checkpoints were written since they were opened.
	// One task at a time writes recovery points.
	epochsWritten map[*partition]base.LeaderEpoch
}

// logDir is one log directory.
type logDir struct {
	*commitlog.Dir
	recovery, starts, highs offsetFile

	mu struct {
		sync.Mutex
		partitions int   // how many are placed here
		failure    error // why the directory is offline, or nil
	}
}

func (d *logDir) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.partitions += n
}

func (d *logDir) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.partitions
}

// ClusterID returns the cluster's id.
func (b *Broker) ClusterID() string {
	return b.clusterID
}

// NodeID returns the broker's id.
func (b *Broker) NodeID() base.NodeID {
	return b.nodeID
}

// Image returns the cluster's metadata as it is committed.
func (b *Broker) Image() *meta.Image {
	return b.image.Load()
}

// Listener returns the advertised address of the listener of that name.
func (b *Broker) Listener(name string) *Listener {
	for _, e := range b.advertised {
		if e.Name == name {
			return &Listener{Name: e.Name, Host: e.Host, Port: e.Port}
		}
	}
	return &Listener{Name: name}
}

func (b *Broker) config() *config.Broker {
	return b.cfg.Load()
}

// partitions returns all partitions that this broker holds, in the order of their names.
func (b *Broker) partitions() []*partition {
	var found []*partition
	for t := range b.Image().Topics() {
		if have := b.topics.find("", t.ID); have != nil {
			found = append(found, have.all()...)
		}
	}
	return found
}

// logConfig returns what a log must know of its topic's configuration.
func logConfig(t config.Topic, b *config.Broker) commitlog.Config {
	return commitlog.Config{
		SegmentBytes: t.SegmentBytes, SegmentMs: t.MaxSegmentMs(), SegmentJitterMs: t.SegmentJitterMs,
		IndexBytes: t.IndexBytes, IndexIntervalBytes: t.IndexIntervalBytes, RetentionMs: t.RetentionMs,
		RetentionBytes: t.RetentionBytes, FileDeleteDelayMs: t.FileDeleteDelayMs, FlushMessages: t.FlushMessages,
		FlushMs: t.FlushMs, Delete: t.Delete, ProducerExpirationMs: b.ProducerIDExpirationMs,
	}
}

// topicConfig resolves a topic's configuration from an image. Overrides that are no longer valid, as after an upgrade,
// leave the broker's defaults.
func (b *Broker) topicConfig(image *meta.Image, name string) config.Topic {
	cfg, err := config.TopicFrom(b.config(), overrides(image, meta.ResourceTopic, name))
	if err != nil {
		b.log.Error("topic configuration is not valid", "topic", name, "cause", err.Error())
		return b.config().Defaults
	}
	return cfg
}

// overrides returns what was altered of a resource.
func overrides(image *meta.Image, kind meta.ResourceType, name string) map[string]string {
	entries := image.Config(meta.ConfigResource{Type: kind, Name: name})
	found := make(map[string]string, len(entries))
	for _, e := range entries {
		found[e.Name] = e.Value
	}
	return found
}
