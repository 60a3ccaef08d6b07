package broker

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/replication/meta"
)

// Open makes a broker from its log directories: it locks them, formats those that are empty, replays the metadata log,
// recovers the partitions and registers itself. A directory that it may not use is an error, and untouched. Open blocks
// for as long as recovery takes; Effects of it (removals that are due) are in out.
func Open(o Options, out *Effects) (*Broker, error) {
	b := &Broker{
		fs: o.FS, loggers: config.LoggersOf(o.Log), rand: o.Rand, parallel: o.Parallel,
		residents: segment.NewResidents(o.OpenFiles),
		nodeID:    o.Config.NodeID, advertised: o.Advertised, static: o.Config, apis: newAPITable(),
		mostTold: mostTold,
	}
	b.log, b.storage = b.loggers.Logger(config.BrokerLogger), b.loggers.Logger(config.StorageLogger)
	b.grouping = b.loggers.Logger(config.GroupLogger)
	b.cfg.Store(o.Config)
	b.image.Store(meta.NewImage())
	b.topics.init()
	b.stats.init()
	b.sessions.init(int(o.Config.FetchSessions))
	if err := b.openDirs(o.Config); err != nil {
		return nil, err
	}
	if err := b.start(o.Now); err != nil {
		return nil, errors.Join(err, b.closeDirs())
	}
	b.startChores(o.Now)
	b.followGroups(o.Now, nil, out)
	out.Deadline = b.timers.next()
	return b, nil
}

// openDirs locks all log directories. The first says which cluster it is, if the configuration does not.
func (b *Broker) openDirs(cfg *config.Broker) error {
	want := commitlog.MetaProperties{ClusterID: cfg.ClusterID, NodeID: cfg.NodeID}
	for i, name := range cfg.LogDirs {
		d, err := commitlog.OpenDir(b.fs, name, want, b.rand.Uint64)
		if err != nil && i > 0 && mayBeAbsent(err) {
			b.leaveOut(name, err)
			continue
		}
		if err != nil {
			return errors.Join(err, b.closeDirs())
		}
		want.ClusterID = d.Meta.ClusterID
		b.dirs = append(b.dirs, &logDir{
			Dir: d, recovery: offsetFile{entries: d.Recovery}, starts: offsetFile{entries: d.Starts},
		})
	}
	b.clusterID = want.ClusterID
	return nil
}

func (b *Broker) closeDirs() error {
	var errs []error
	for _, d := range b.dirs {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

func (b *Broker) start(now base.Instant) error {
	if err := b.checkReadable(); err != nil {
		return err
	}
	if err := b.checkPresent(); err != nil {
		return err
	}
	for _, d := range b.dirs {
		if err := d.BeginUse(); err != nil {
			return err
		}
	}
	image, err := b.openMetadata(now)
	if err != nil {
		return err
	}
	if err := b.findAbsent(image); err != nil {
		return err
	}
	if image, err = b.register(now, image); err != nil {
		return err
	}
	b.reconfigure(image)
	if err := b.adopt(now, image); err != nil {
		return err
	}
	b.image.Store(image)
	return nil
}

// checkPresent refuses a log directory whose metadata log was synced and is gone, or cannot be told whose it is, while
// the directory is still as it was: a new log would be the end of all topics.
func (b *Broker) checkPresent() error {
	d := b.dirs[0]
	_, err := commitlog.ReadMetadata(b.fs, path.Join(d.Path(), MetadataPartition.String()))
	if !errors.Is(err, commitlog.ErrNoMetadata) {
		return err
	}
	if lost := d.promised(MetadataPartition, err); lost != nil {
		return fmt.Errorf("metadata log: %w", lost)
	}
	return nil
}

// openMetadata opens the metadata log in the first log directory and replays it.
func (b *Broker) openMetadata(now base.Instant) (*meta.Image, error) {
	d := b.dirs[0]
	recovery, _ := commitlog.LookupOffset(d.Recovery, MetadataPartition)
	options := commitlog.Options{
		FS: b.fs, Dir: path.Join(d.Path(), MetadataPartition.String()), TopicID: metadataTopicID,
		Residents: b.residents, Config: metadataConfig(), Wall: now.Wall, Clean: d.Clean, Trusted: d.Trusted,
		RecoveryPoint: recovery,
	}
	log, report, err := commitlog.Open(options)
	if errors.Is(err, commitlog.ErrNoMetadata) {
		// The first start was cut short: nothing of the log was ever synced (see checkPresent), so nothing was
		// promised.
		if err := vfs.RemoveAll(b.fs, options.Dir); err != nil {
			return nil, fmt.Errorf("metadata log: %w", err)
		}
		log, report, err = commitlog.Open(options)
	}
	if err != nil {
		return nil, fmt.Errorf("metadata log: %w", err)
	}
	if report.Cut != nil {
		b.logRecovery(MetadataPartition, report)
	}
	b.controller.log = log
	image, err := replay(log)
	if err != nil {
		log.Abandon()
		return nil, err
	}
	b.controller.epoch = image.Position().Epoch + 1
	b.controller.mu.machine = meta.NewController(image, b.controller.epoch)
	return image, nil
}

// metadataConfig is the configuration of the metadata log: every change is synced before it counts.
func metadataConfig() commitlog.Config {
	const never = 1<<63 - 1
	return commitlog.Config{
		SegmentBytes: 1 << 30, SegmentMs: never, IndexBytes: 10 << 20, IndexIntervalBytes: 4096,
		RetentionMs: -1, RetentionBytes: -1, FlushMessages: 1, FlushMs: never,
	}
}

// metadataVersion is the level of metadata.version that the records are written for: 4.3-IV0.
const metadataVersion = 30

// supportedFeatures are the levels that this build supports; Kafka 4 begins at 7, which is 3.3-IV3.
var supportedFeatures = []meta.FeatureRange{{Name: "metadata.version", Min: 7, Max: metadataVersion}}

// register writes this start of the broker into the metadata: its addresses and directories, and, if the last stop was
// not clean, new leader epochs for what it leads, since logs may have lost their ends.
func (b *Broker) register(now base.Instant, image *meta.Image) (*meta.Image, error) {
	cmd := meta.RegisterBroker{
		ID: b.nodeID, IncarnationID: b.uuid(), Rack: b.static.Rack,
		Features: supportedFeatures,
		CleanShutdown: len(b.absent.ids) == 0 &&
			!slices.ContainsFunc(b.dirs, func(d *logDir) bool { return !d.Clean }),
	}
	for _, e := range b.advertised {
		cmd.Endpoints = append(cmd.Endpoints, meta.Endpoint{Name: e.Name, Host: e.Host, Port: uint16(e.Port)})
	}
	for _, d := range b.dirs {
		cmd.LogDirs = append(cmd.LogDirs, d.Meta.DirectoryID)
	}
	cmd.LogDirs = append(cmd.LogDirs, b.absent.ids...)
	p := &proposal{}
	for _, c := range []meta.Command{
		meta.Bootstrap{Features: []meta.FeatureLevel{{Name: "metadata.version", Level: metadataVersion}}}, cmd,
	} {
		decided, refused := b.controller.mu.machine.Do(c)
		if refused != nil {
			return nil, fmt.Errorf("register broker %d: %w", b.nodeID, refused)
		}
		p.records = append(p.records, decided.Records...)
		p.last = decided.Last
	}
	if err := b.controller.appendLocked(p, now); err != nil {
		return nil, fmt.Errorf("register broker %d: %w", b.nodeID, err)
	}
	b.controller.mu.queue = nil
	job, _ := b.controller.log.BeginSync()
	if err := job.Run(); err != nil {
		return nil, fmt.Errorf("register broker %d: %w", b.nodeID, err)
	}
	if _, err := b.controller.log.EndSync(job); err != nil {
		return nil, err
	}
	image, _, err := image.Apply(p.last, p.records...)
	if err != nil {
		return nil, fmt.Errorf("register broker %d: %w", b.nodeID, err)
	}
	b.epoch = image.Broker(b.nodeID).Epoch
	return image, nil
}
