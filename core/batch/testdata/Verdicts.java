import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Delayed;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Appends each case of cases.txt to a new log of Kafka's and writes down what it answers.
 *
 * In:  name | topic properties | record set in hex
 * Out: name | error code | indexes of record errors | largest timestamp | the log file in hex
 */
public class Verdicts {
    static final long NOW = 1700000000000L;

    static class Never implements ScheduledFuture<Object>, Scheduler, Time {
        public long getDelay(TimeUnit u) { return 0; }
        public int compareTo(Delayed d) { return 0; }
        public boolean cancel(boolean b) { return true; }
        public boolean isCancelled() { return true; }
        public boolean isDone() { return true; }
        public Object get() { return null; }
        public Object get(long t, TimeUnit u) { return null; }
        public void startup() { }
        public void shutdown() { }
        public ScheduledFuture<?> schedule(String name, Runnable r, long delay, long period) { return this; }
        public void resizeThreadPool(int n) { }
        public long milliseconds() { return NOW; }
        public long nanoseconds() { return NOW; }
        public void sleep(long ms) { }
        public void waitObject(Object o, Supplier<Boolean> c, long ms) { }
    }

    static String judge(File dir, String properties, byte[] set) throws Exception {
        Never never = new Never();
        Properties p = new Properties();
        p.put("segment.index.bytes", "1200");
        for (String s : properties.split(" "))
            if (!s.isEmpty())
                p.put(s.substring(0, s.indexOf('=')), s.substring(s.indexOf('=') + 1));
        UnifiedLog log = UnifiedLog.create(dir, new LogConfig(p), 0, 0, never, new BrokerTopicStats(), never, 900000,
            new ProducerStateManagerConfig(86400000, false), 600000, new LogDirFailureChannel(1), true, Optional.empty());
        try {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(set));
            ProduceRequest.validateRecords((short) 13, records);
            LogAppendInfo info = log.appendAsLeader(records, 7);
            byte[] file = Files.readAllBytes(new File(dir, "00000000000000000000.log").toPath());
            return "0|-|" + info.maxTimestamp() + "|" + HexFormat.of().formatHex(file);
        } catch (RecordValidationException e) {
            String indexes = e.recordErrors().stream().map(x -> "" + x.batchIndex).collect(Collectors.joining(","));
            return Errors.forException(e.invalidException()).code() + "|" + indexes + "|-|-";
        } catch (Throwable e) {
            return Errors.forException(e).code() + "|-|-|-";
        } finally {
            log.close();
        }
    }

    static void remove(File f) {
        File[] inside = f.listFiles();
        if (inside != null)
            for (File x : inside)
                remove(x);
        f.delete();
    }

    public static void main(String[] args) throws Exception {
        Path testdata = Path.of(args[0]);
        File dir = new File(args[1], "t-0");
        List<String> out = new ArrayList<>();
        for (String line : Files.readAllLines(testdata.resolve("cases.txt"))) {
            String[] f = line.split("\\|", -1);
            remove(dir);
            dir.mkdirs();
            out.add(f[0] + "|" + judge(dir, f[1], HexFormat.of().parseHex(f[2])));
        }
        Files.write(testdata.resolve("verdicts.txt"), out);
        System.exit(0);
    }
}
