// Package commitlog keeps one partition's log: segments (package segment) in a directory, the leader epoch cache, the
// state of idempotent producers, and the rules by which all of it is rolled, synced, expired and recovered. It also
// owns the files that a log directory shares among its partitions. All of it is Kafka's bytes.
//
// # A directory
//
//	<log.dir>/
//	    .lock                              one broker at a time
//	    meta.properties                    which cluster, node and directory this is
//	    .kafka_cleanshutdown               exists only after a clean stop
//	    recovery-point-offset-checkpoint   per partition: all below is synced
//	    log-start-offset-checkpoint        per partition: where DeleteRecords moved the log's start
//	    replication-offset-checkpoint      per partition: the high watermark
//	    <topic>-<partition>/
//	        partition.metadata             which topic id the name stands for
//	        leader-epoch-checkpoint        at which offset each leader epoch began
//	        <base offset>.log ...          the segments
//	        <next offset>.snapshot         producer state as of that offset
//
// # Order of durability
//
// An append is one WriteAt of the client's bytes and is durable against a kill of the process. It is durable against
// loss of power once a SyncJob that began after it has ended: the job syncs, in this order, the segments' files oldest
// first, partition.metadata, and the directories whose names changed. The recovery point is moved only by such a job,
// and it reaches its checkpoint only after the leader epochs below it are in theirs.
//
// # Recovery
//
// After an unclean stop everything from the recovery point on is read and checked, and the indexes, the leader epochs
// and the producer state are rebuilt. What the end of a log may look like then:
//
//   - bytes that are no valid batch, with nothing valid after them: a torn tail, which is cut off;
//   - the same with valid batches after it but with a hole of zeros where a write never reached the disk: loss of power
//     before a sync; nothing after the hole was ever promised, and it is cut off there;
//   - anything else (a wrong CRC in bytes that are all there, or damage below the recovery point): corruption. Open
//     refuses, touches nothing and says what would be lost; only Options.AcceptLoss cuts it off.
//
// # Concurrency
//
// Methods that change the log (Append, Expire, DeleteRecords, Close, Abandon) exclude each other by the log's own lock;
// reads run beside them. A SyncJob runs beside everything. A log that was closed or abandoned touches no file any more.
package commitlog

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Errors of a log. Those that a client caused map to Kafka's error codes.
var (
	// ErrOffsetOutOfRange reports a read below the log's start or beyond its end (OFFSET_OUT_OF_RANGE).
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrOffline reports a log that a write or sync error took out of service (KAFKA_STORAGE_ERROR).
	ErrOffline = errors.New("log is offline")
	// ErrTooLargeForSegment reports a batch beyond segment.bytes (RECORD_LIST_TOO_LARGE).
	ErrTooLargeForSegment = errors.New("batch is larger than a segment")
	// ErrOutOfOrderSequence reports a gap in a producer's sequence numbers (OUT_OF_ORDER_SEQUENCE_NUMBER).
	ErrOutOfOrderSequence = errors.New("out of order sequence number")
	// ErrStaleProducerEpoch reports a batch of a fenced producer (INVALID_PRODUCER_EPOCH).
	ErrStaleProducerEpoch = errors.New("stale producer epoch")
	// ErrCorruptLog reports damage that recovery does not cut off by itself.
	ErrCorruptLog = errors.New("log is corrupt")
)

// Config is what the topic's configuration says about a log. Sizes are in bytes, times in milliseconds.
type Config struct {
	SegmentBytes       int32 // segment.bytes
	SegmentMs          int64 // segment.ms
	SegmentJitterMs    int64 // segment.jitter.ms
	IndexBytes         int32 // segment.index.bytes
	IndexIntervalBytes int32 // index.interval.bytes
	RetentionMs        int64 // retention.ms, -1 for ever
	RetentionBytes     int64 // retention.bytes, -1 for no limit
	FileDeleteDelayMs  int64 // file.delete.delay.ms
	FlushMessages      int64 // flush.messages
	FlushMs            int64 // flush.ms
	Delete             bool  // cleanup.policy contains delete
	// Compact says that cleanup.policy contains compact, so that a segment may end before the next one begins.
	Compact bool
	// ProducerExpirationMs is producer.id.expiration.ms.
	ProducerExpirationMs int64
}

func (c Config) segment() segment.Config {
	return segment.Config{IndexBytes: c.IndexBytes, IndexIntervalBytes: c.IndexIntervalBytes}
}

// Options says how to open a log.
type Options struct {
	FS  vfs.FS
	Dir string // the partition's directory
	// TopicID goes into partition.metadata of a new log, and must be the one that an existing log's file names.
	TopicID   base.UUID
	Config    Config
	Residents *segment.Residents
	// Wall is the time of opening in Unix milliseconds.
	Wall int64
	// Jitter is a random number that spreads segment.jitter.ms.
	Jitter uint64
	// Clean says that the log directory was shut down cleanly, so that nothing needs to be read.
	Clean bool
	// Trusted says that the clean stop was this broker's own, so that what it wrote then need not be checked.
	Trusted bool
	// RecoveryPoint and LogStart come from the directory's checkpoints; 0 where those know nothing.
	RecoveryPoint, LogStart base.Offset
	// AcceptLoss lets recovery cut off at corruption instead of refusing.
	AcceptLoss bool
}

// Log is one partition's log.
type Log struct {
	fs        vfs.FS
	dir       atomic.Pointer[string] // a Move changes it
	topicID   base.UUID
	residents *segment.Residents
	jitter    uint64

	// write serialises everything that changes the log; see the package comment.
	write struct {
		sync.Mutex
		producers *producers
		// activeLoaded says that the last segment was reopened for appending.
		activeLoaded bool
		// segmentSince is when the active segment was created, in Unix milliseconds.
		segmentSince int64
	}

	// deleting serialises what changes the directory without the write lock: deletion and the epochs' checkpoint. It is
	// taken before write. Who ends the log holds both, so that nothing is done by name that is another log's by then.
	deleting sync.Mutex
	// retire is what the move that brought the log where it is has yet to do, or nil; the lock deleting guards it.
	retire func() error

	// mu guards what readers look at. It is held for moments, never during I/O, and taken after write.
	mu struct {
		sync.Mutex
		cfg      Config
		segments []*segment.Segment // ascending by base offset, at least one; replaced, never changed in place
		start    base.Offset
		end      base.Offset // log end offset, exclusive
		// noted is the start that the checkpoint of log starts has, and oldest the first offset of the oldest segment
		// that the disk may hold after a loss of power.
		noted, oldest base.Offset
		// endPosition is the size of the last segment's log when end was published: what readers may see of it.
		endPosition int64
		synced      base.Offset // all below is durable
		epochs      epochCache
		// Appends from flushFrom to flushTo wait for a sync that flush.messages asks for, if flushTo is beyond synced.
		flushFrom, flushTo base.Offset
		failure            error // why the log is offline

		sealed      []*segment.Segment // segments whose indexes were written and not synced, oldest first
		snapshots   []base.Offset      // producer snapshots that were written and not synced
		namesDirty  bool               // names in dir changed since its last sync
		parentDirty bool               // dir itself is new
		metaDirty   bool               // partition.metadata is new
		epochsDirty bool               // the epoch cache is ahead of its file
		// appendedAt is when the oldest unsynced record was appended, in Unix milliseconds; 0 if all is synced.
		appendedAt int64
		syncing    bool
		closed     bool
		trash      []trashed // deleted segments whose files are still there, oldest first
	}
}

// Dir returns the log's directory.
func (l *Log) Dir() string {
	return *l.dir.Load()
}

// TopicID returns the topic id in the log's partition.metadata.
func (l *Log) TopicID() base.UUID {
	return l.topicID
}

// Start returns the log start offset: the first offset that may be read.
func (l *Log) Start() base.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.start
}

// End returns the log end offset: the offset that the next record gets.
func (l *Log) End() base.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end
}

// Synced returns the offset below which everything survives loss of power: the recovery point.
func (l *Log) Synced() base.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	point := l.mu.synced
	for _, s := range l.mu.sealed {
		// Recovery makes the indexes anew only of what it reads.
		point = min(point, s.BaseOffset())
	}
	return point
}

// StartCheckpoint returns the offset that belongs into the log-start-offset checkpoint, and whether one does: only
// where the log's start lies beyond the oldest segment that the disk may hold. What lies before it may then be deleted:
// whoever calls Trim has written the checkpoint, and calls StartCheckpoint again only after that.
func (l *Log) StartCheckpoint() (base.Offset, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.noted = l.mu.start
	return l.mu.start, l.mu.start > l.mu.oldest
}

// Failure returns why the log is offline, or nil.
func (l *Log) Failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.failure
}

// unusable returns the error of a log that is offline or closed, or nil.
func (l *Log) unusable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unusableLocked()
}

func (l *Log) unusableLocked() error {
	switch {
	case l.mu.failure != nil:
		return offline(l.mu.failure)
	case l.mu.closed:
		return offline(errClosed)
	}
	return nil
}

var errClosed = errors.New("closed")

// Size returns the bytes of all segments' logs.
func (l *Log) Size() int64 {
	segments := l.segments()
	var n int64
	for _, s := range segments {
		n += s.Size()
	}
	return n
}

// SegmentCount returns how many segments the log has.
func (l *Log) SegmentCount() int {
	return len(l.segments())
}

// SetConfig replaces the configuration; it holds from the next operation on.
func (l *Log) SetConfig(cfg Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.cfg = cfg
	for _, s := range l.mu.segments {
		s.SetConfig(cfg.segment())
	}
}

func (l *Log) config() Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.cfg
}

func (l *Log) segments() []*segment.Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.segments
}

func (l *Log) active() *segment.Segment {
	segments := l.segments()
	return segments[len(segments)-1]
}

// fail takes the log out of service and returns the error that says so. The first failure is the one that is kept.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.failure == nil {
		l.mu.failure = err
	}
	return offline(l.mu.failure)
}

func offline(cause error) error {
	return &offlineError{cause: cause}
}

// offlineError is ErrOffline with the reason.
type offlineError struct{ cause error }

func (e *offlineError) Error() string {
	return ErrOffline.Error() + ": " + e.cause.Error()
}

func (e *offlineError) Is(target error) bool {
	return target == ErrOffline
}

func (e *offlineError) Unwrap() error {
	return e.cause
}
