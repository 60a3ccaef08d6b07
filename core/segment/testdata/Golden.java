import java.io.File;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Delayed;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.requests.ListOffsetsRequest;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile;
import org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Writes partition directories with Kafka's own UnifiedLog, and beside each what was appended to it and what Kafka
 * answers about it. See README.md for the formats.
 */
public class Golden {
    static final long T = 1700000000000L;
    static final Uuid TOPIC = Uuid.fromString("Z3JlZ29yR29sZGVuTG9ncw");

    /** A clock that is set by hand, and a scheduler that runs what is due at once and nothing else. */
    static class Hand implements ScheduledFuture<Object>, Scheduler, Time {
        long now = T;
        public long getDelay(TimeUnit u) { return 0; }
        public int compareTo(Delayed d) { return 0; }
        public boolean cancel(boolean b) { return true; }
        public boolean isCancelled() { return true; }
        public boolean isDone() { return true; }
        public Object get() { return null; }
        public Object get(long t, TimeUnit u) { return null; }
        public void startup() { }
        public void shutdown() { }
        public ScheduledFuture<?> schedule(String name, Runnable r, long delay, long period) {
            if (delay == 0 && period < 0)
                r.run();
            return this;
        }
        public void resizeThreadPool(int n) { }
        public long milliseconds() { return now; }
        public long nanoseconds() { return now * 1000000; }
        public void sleep(long ms) { now += ms; }
        public void waitObject(Object o, Supplier<Boolean> c, long ms) { }
    }

    /** One batch to append: its records all have the same size and no key. */
    record Step(int epoch, long now, long pid, short pidEpoch, int seq, int size, long[] times) {
        MemoryRecords records() {
            SimpleRecord[] r = new SimpleRecord[times.length];
            byte[] value = new byte[size];
            java.util.Arrays.fill(value, (byte) 'x');
            for (int i = 0; i < r.length; i++)
                r[i] = new SimpleRecord(times[i], null, value);
            if (pid < 0)
                return MemoryRecords.withRecords(Compression.NONE, r);
            // Kafka's builder refuses the negative epochs that a client can send all the same.
            ByteBuffer b = MemoryRecords.withIdempotentRecords(Compression.NONE, pid, (short) 0, seq, r).buffer();
            b.putShort(51, pidEpoch);
            b.putInt(17, (int) Crc32C.compute(b, 21, b.limit() - 21));
            return MemoryRecords.readableRecords(b);
        }
        public String toString() {
            String t = java.util.Arrays.stream(times).mapToObj(x -> "" + x).collect(Collectors.joining(","));
            return epoch + " " + now + " " + pid + " " + pidEpoch + " " + seq + " " + size + " " + t;
        }
    }

    static Path out, scratch;

    static UnifiedLog open(File dir, Map<String, String> properties, Hand hand, boolean clean) throws Exception {
        Properties p = new Properties();
        p.putAll(properties);
        return UnifiedLog.create(dir, new LogConfig(p), 0, 0, hand, new BrokerTopicStats(), hand, 900000,
            new ProducerStateManagerConfig(86400000, false), 600000, new LogDirFailureChannel(1), clean,
            Optional.of(TOPIC));
    }

    static void remove(File f) {
        File[] inside = f.listFiles();
        if (inside != null)
            for (File x : inside)
                remove(x);
        f.delete();
    }

    static File fresh() {
        File dir = scratch.resolve("t-0").toFile();
        remove(dir);
        dir.mkdirs();
        return dir;
    }

    static String append(UnifiedLog log, Step s) {
        try {
            LogAppendInfo info = log.appendAsLeader(s.records(), s.epoch);
            return "0 " + info.firstOffset();
        } catch (Throwable e) {
            return Errors.forException(e).code() + " -1";
        }
    }

    static void directory(String name, Map<String, String> properties, List<Step> steps) throws Exception {
        File dir = fresh();
        Hand hand = new Hand();
        UnifiedLog log = open(dir, properties, hand, true);
        try (PrintWriter w = new PrintWriter(out.resolve(name + ".txt").toFile())) {
            new TreeMap<>(properties).forEach((k, v) -> w.println("property " + k + "=" + v));
            for (Step s : steps) {
                hand.now = s.now;
                w.println("step " + s + " | " + append(log, s));
            }
            times(log, w, steps);
            log.close();
            File[] files = dir.listFiles(f -> f.isFile() && !f.getName().endsWith(".lock"));
            java.util.Arrays.sort(files);
            for (File f : files)
                w.println("file " + f.getName() + " " + HexFormat.of().formatHex(Files.readAllBytes(f.toPath())));
        }
    }

    /** Asks for the first record at or after each of many timestamps, and for the largest one. */
    static void times(UnifiedLog log, PrintWriter w, List<Step> steps) throws Exception {
        java.util.TreeSet<Long> asked = new java.util.TreeSet<>();
        for (Step s : steps)
            for (long t : s.times)
                for (long d = -1; d <= 1; d++)
                    if (t + d >= 0)
                        asked.add(t + d);
        asked.add(0L);
        asked.add(Long.MAX_VALUE);
        asked.add(ListOffsetsRequest.MAX_TIMESTAMP);
        List<Long> some = new ArrayList<>(asked);
        for (int i = 0; i < some.size(); i += 1 + some.size() / 100) {
            long ts = some.get(i);
            var found = log.fetchOffsetByTimestamp(ts, Optional.empty()).timestampAndOffsetOpt();
            w.println("time " + ts + " | " + found.map(f -> f.timestamp + " " + f.offset + " " +
                f.leaderEpoch.orElse(-1)).orElse("none"));
        }
    }

    static Step plain(int epoch, long now, int size, long... times) {
        return new Step(epoch, now, -1, (short) -1, -1, size, times);
    }

    static void directories() throws Exception {
        Random r = new Random(1);
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            long[] t = new long[1 + r.nextInt(4)];
            for (int j = 0; j < t.length; j++)
                t[j] = T + i * 10 + j;
            steps.add(plain(i / 50, T + i * 10, 20 + r.nextInt(100), t));
        }
        directory("plain", Map.of("internal.segment.bytes", "6000", "index.interval.bytes", "700"), steps);

        steps = new ArrayList<>();
        long[] drift = {0, 5, -900, 40, 0, 0, 17, -3};
        for (int i = 0; i < 150; i++) {
            long[] t = new long[1 + r.nextInt(3)];
            for (int j = 0; j < t.length; j++)
                t[j] = r.nextInt(5) == 0 ? -1 : T + i * 7 / 3 * 3 + drift[r.nextInt(drift.length)];
            steps.add(plain(3, T + i * 8, r.nextInt(90), t));
        }
        directory("times", Map.of("internal.segment.bytes", "4000", "index.interval.bytes", "100"), steps);

        steps = new ArrayList<>();
        long at = T;
        for (int i = 0; i < 60; i++) {
            at += r.nextInt(400);
            long ts = r.nextInt(4) == 0 ? -1 : at - r.nextInt(200);
            steps.add(plain(i / 7, at, 10, ts));
        }
        directory("roll-by-time", Map.of("segment.ms", "1000", "index.interval.bytes", "0"), steps);

        steps = new ArrayList<>();
        for (int i = 0; i < 40; i++)
            steps.add(plain(0, T + i * 300, 10, -1));
        directory("roll-by-clock", Map.of("segment.ms", "1000", "index.interval.bytes", "50"), steps);

        steps = new ArrayList<>();
        for (int i = 0; i < 50; i++)
            steps.add(plain(0, T + i, 10 + r.nextInt(50), T + i));
        directory("roll-by-index", Map.of("segment.index.bytes", "48", "index.interval.bytes", "60"), steps);
        steps = new ArrayList<>();
        for (int i = 0; i < 30; i++)
            steps.add(plain(0, T + i, 10, i % 4 == 0 ? T + i : T));
        directory("roll-by-timeindex", Map.of("segment.index.bytes", "47", "index.interval.bytes", "0"), steps);
        steps = new ArrayList<>();
        for (int i = 0; i < 60; i++)
            steps.add(plain(1, T + i / 3 * 5, 30, 5 + i, 4));
        directory("append-time", Map.of("message.timestamp.type", "LogAppendTime", "internal.segment.bytes", "3000",
            "index.interval.bytes", "200"), steps);

        directory("empty", Map.of(), new ArrayList<>());
        directory("one", Map.of(), new ArrayList<>(List.of(plain(9, T, 100, T, T + 1))));
        producers(r);
    }

    /** Producers that repeat, skip, bump their epoch, fall back, and wrap around. */
    static void producers(Random r) throws Exception {
        List<Step> steps = new ArrayList<>();
        int[] next = {0, 0, 2147483640, 7, 0, 0};
        short[] epoch = {0, 0, 5, 32767, -1, 0};
        for (int i = 0; i < 900; i++) {
            int p = r.nextInt(next.length);
            int count = 1 + r.nextInt(4), seq = next[p];
            short e = epoch[p];
            boolean bumped = false;
            switch (r.nextInt(12)) {
                case 0 -> seq += 1;
                case 1, 2, 3 -> { seq = back(seq, r.nextInt(9)); }
                case 4 -> { e = (short) (e - 1 - r.nextInt(2)); }
                case 5 -> { if (r.nextInt(6) == 0 && e < 32767) { e++; seq = 0; epoch[p] = e; bumped = true; } }
                case 6 -> { if (r.nextInt(6) == 0) { e = (short) -r.nextInt(4); } }
                case 7 -> { if (r.nextInt(4) == 0) { seq = 0; } }
                default -> { }
            }
            if (seq < 0)
                seq = 0;
            long[] t = new long[count];
            java.util.Arrays.fill(t, T + i);
            steps.add(new Step(i / 300, T + i, 1000 + p, e, seq, 5, t));
            if (e == epoch[p] && (seq == next[p] || bumped))
                next[p] = forward(seq, count);
        }
        directory("producers", Map.of("internal.segment.bytes", "20000", "index.interval.bytes", "4096"), steps);
    }

    static int forward(int seq, int n) { return (int) (((long) seq + n) & 0x7fffffffL); }
    static int back(int seq, int n) { return (int) (((long) seq - n) & 0x7fffffffL); }

    /** Random calls to the leader epoch cache and its answers. */
    static void epochs() throws Exception {
        Random r = new Random(2);
        try (PrintWriter w = new PrintWriter(out.resolve("epochs.txt").toFile())) {
            for (int run = 0; run < 40; run++) {
                File dir = fresh();
                Hand hand = new Hand();
                LeaderEpochCheckpointFile file = new LeaderEpochCheckpointFile(
                    LeaderEpochCheckpointFile.newFile(dir), new LogDirFailureChannel(1));
                LeaderEpochFileCache cache = new LeaderEpochFileCache(new TopicPartition("t", 0), file, hand);
                int epoch = 0;
                long end = 0, start = 0;
                w.println("new");
                for (int i = 0; i < 40; i++) {
                    switch (r.nextInt(6)) {
                        case 0, 1 -> {
                            end += r.nextInt(4) == 0 ? 0 : r.nextInt(20);
                            epoch += r.nextInt(3);
                            // As a log does it: an epoch that is not newer is not assigned.
                            if (cache.latestEpoch().isEmpty() || cache.latestEpoch().get() < epoch)
                                cache.assign(epoch, end);
                            w.println("assign " + epoch + " " + end);
                            end += r.nextInt(5);
                        }
                        case 2 -> {
                            if (r.nextInt(3) == 0) {
                                end = Math.max(start, end - r.nextInt(15));
                                cache.truncateFromEndAsyncFlush(end);
                                w.println("end " + end);
                            }
                        }
                        case 3 -> {
                            if (r.nextInt(3) == 0) {
                                start = Math.min(end, start + r.nextInt(15));
                                cache.truncateFromStartAsyncFlush(start);
                                w.println("start " + start);
                            }
                        }
                        default -> {
                            int asked = r.nextInt(epoch + 4) - 1;
                            var e = cache.endOffsetFor(asked, end);
                            w.println("ask " + asked + " " + end + " " + e.getKey() + " " + e.getValue());
                            long o = r.nextInt((int) end + 3);
                            var at = cache.epochForOffset(o);
                            w.println("at " + o + " " + (at.isPresent() ? at.getAsInt() : -1));
                        }
                    }
                    w.println("is " + cache.epochEntries().stream().map(e -> e.epoch() + ":" + e.startOffset())
                        .collect(Collectors.joining(",")));
                }
            }
        }
    }

    /** Random logs of one batch a segment, and what retention leaves of them. */
    static void retention() throws Exception {
        Random r = new Random(3);
        try (PrintWriter w = new PrintWriter(out.resolve("retention.txt").toFile())) {
            for (int run = 0; run < 250; run++) {
                File dir = fresh();
                Hand hand = new Hand();
                long ms = r.nextInt(3) == 0 ? -1 : r.nextInt(1000);
                long bytes = r.nextInt(3) == 0 ? -1 : r.nextInt(900);
                String policy = r.nextInt(8) == 0 ? "compact" : r.nextInt(5) == 0 ? "compact,delete" : "delete";
                UnifiedLog log = open(dir, Map.of("internal.segment.bytes", "200", "retention.ms", "" + ms,
                    "retention.bytes", "" + bytes, "cleanup.policy", policy), hand, true);
                int n = r.nextInt(6);
                StringBuilder batches = new StringBuilder();
                for (int i = 0; i < n; i++) {
                    long ts = r.nextInt(5) == 0 ? -1 : T + i * 200 + r.nextInt(300) - 150;
                    int size = 25 + r.nextInt(25);
                    byte[] key = {'k'};
                    log.appendAsLeader(MemoryRecords.withRecords(Compression.NONE,
                        new SimpleRecord(ts, key, new byte[size]), new SimpleRecord(ts, key, new byte[size])), 0);
                    batches.append(i == 0 ? "" : ",").append(ts).append(":").append(size);
                }
                for (File f : dir.listFiles())
                    if (f.getName().endsWith(".log"))
                        f.setLastModified(T + 300);
                long high = Math.max(0, 2 * n - (r.nextInt(3) == 0 ? r.nextInt(2 * n + 1) : 0));
                log.updateHighWatermark(high);
                long start = r.nextInt(4) == 0 ? r.nextInt((int) high + 1) : 0;
                log.maybeIncrementLogStartOffset(start, LogStartOffsetIncrementReason.ClientRecordDeletion);
                hand.now = T + r.nextInt(2500);
                log.deleteOldSegments();
                w.println(ms + " " + bytes + " " + policy + " " + high + " " + start + " " + hand.now + " " +
                    (n == 0 ? "-" : batches) + " | " + log.logStartOffset() + " " + log.numberOfSegments() + " " +
                    log.logEndOffset() + " " + log.logSegments().get(0).baseOffset());
                log.close();
            }
        }
    }

    /** Message sets of the formats before record batches. */
    static void old() throws Exception {
        for (byte magic = 0; magic < 2; magic++)
            for (CompressionType codec : new CompressionType[] {CompressionType.NONE, CompressionType.GZIP}) {
                MemoryRecordsBuilder b = MemoryRecords.builder(ByteBuffer.allocate(4096), magic,
                    Compression.of(codec).build(),
                    magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME, 0L);
                for (int i = 0; i < 3; i++)
                    b.append(magic == 0 ? -1 : T + i, ("key" + i).getBytes(), "an old value".getBytes());
                ByteBuffer set = b.build().buffer();
                byte[] raw = new byte[set.remaining()];
                set.get(raw);
                Files.write(out.resolve("v" + magic + "-" + codec.name + ".log"), raw);
            }
    }

    public static void main(String[] args) throws Exception {
        out = Path.of(args[0]);
        scratch = Path.of(args[1]);
        Files.createDirectories(out);
        directories();
        epochs();
        retention();
        old();
        System.exit(0);
    }
}
