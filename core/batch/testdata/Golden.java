import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/** Writes batches as Kafka's own classes build them, each with Kafka's own reading of it beside. */
public class Golden {
    static final long T = 1700000000000L;
    static Path dir;

    static byte[] utf8(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    static String text(int n, int salt) {
        StringBuilder s = new StringBuilder();
        for (int i = salt; s.length() < n; i++)
            s.append(i % 20 == 0 ? "paragraph " + i + '\n' : "all lines but the first are the same\n");
        return s.substring(0, n);
    }

    static List<SimpleRecord> few() {
        Header[] headers = {
            new RecordHeader("trace", utf8("00-4bf9")), new RecordHeader("", new byte[0]),
            new RecordHeader("trace", null), new RecordHeader("na\u00efve", utf8("\u20ac"))};
        return List.of(
            new SimpleRecord(T, utf8("key"), utf8("value")),
            new SimpleRecord(T + 5, null, utf8("no key")),
            new SimpleRecord(T - 70000, utf8("no value"), null),
            new SimpleRecord(T + 1, null, (byte[]) null),
            new SimpleRecord(T + 90000000, new byte[0], new byte[0]),
            new SimpleRecord(T + 2, utf8("headers"), utf8("four"), headers),
            new SimpleRecord(-1, utf8("no time"), utf8("at all")));
    }

    static List<SimpleRecord> many() {
        List<SimpleRecord> l = new ArrayList<>();
        for (int i = 0; i < 300; i++)
            l.add(new SimpleRecord(T + i * 17, utf8("k" + i % 41), utf8(text(i, i))));
        l.add(new SimpleRecord(T, utf8("large"), utf8(text(200000, 1)),
            new Header[] {new RecordHeader("large", utf8(text(70000, 2)))}));
        for (int i = 0; i < 20; i++)
            l.add(new SimpleRecord(T + i, null, utf8(text(3000 + i, i))));
        return l;
    }

    static ByteBuffer build(List<SimpleRecord> records, CompressionType codec, TimestampType type, long baseOffset,
                            long pid, short epoch, int sequence, boolean txn) {
        ByteBufferOutputStream out = new ByteBufferOutputStream(1024);
        MemoryRecordsBuilder b = new MemoryRecordsBuilder(out, (byte) 2, Compression.of(codec).build(), type, baseOffset,
            T + 123, pid, epoch, sequence, txn, false, 9, 1 << 24);
        for (SimpleRecord r : records)
            b.append(r);
        return b.build().buffer();
    }

    static void write(String name, ByteBuffer buffer) throws Exception {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        Files.write(dir.resolve(name + ".batch"), bytes);
        StringBuilder s = new StringBuilder();
        for (MutableRecordBatch b : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
            s.append(String.format("batch %d %d epoch %d codec %s type %s pid %d %d seq %d %d txn %b control %b max %d count %d%n",
                b.baseOffset(), b.lastOffset(), b.partitionLeaderEpoch(), b.compressionType().name, b.timestampType(),
                b.producerId(), b.producerEpoch(), b.baseSequence(), b.lastSequence(), b.isTransactional(),
                b.isControlBatch(), b.maxTimestamp(), b.countOrNull()));
            for (org.apache.kafka.common.record.internal.Record r : b) {
                s.append("record ").append(r.offset()).append(' ').append(r.timestamp()).append(' ').append(show(r.key()))
                    .append(' ').append(show(r.value()));
                for (Header h : r.headers())
                    s.append(' ').append(show(ByteBuffer.wrap(utf8(h.key())))).append('=')
                        .append(show(h.value() == null ? null : ByteBuffer.wrap(h.value())));
                s.append('\n');
            }
        }
        Files.writeString(dir.resolve(name + ".txt"), s);
    }

    /** Length and CRC-32C, or null. */
    static String show(ByteBuffer b) {
        if (b == null)
            return "null";
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(b.duplicate());
        return b.remaining() + ":" + Long.toHexString(crc.getValue());
    }

    /** What the log cleaner leaves of a batch: gaps, a delete horizon, or nothing but the header. */
    static ByteBuffer compact(ByteBuffer batch, String keep, boolean empty) {
        ByteBuffer out = ByteBuffer.allocate(1 << 20);
        MemoryRecords.readableRecords(batch).filterTo(new MemoryRecords.RecordFilter(T + 777, 1000) {
            protected BatchRetentionResult checkBatchRetention(RecordBatch b) {
                return new BatchRetentionResult(empty ? BatchRetention.RETAIN_EMPTY : BatchRetention.DELETE_EMPTY, false);
            }
            protected boolean shouldRetainRecord(RecordBatch b, org.apache.kafka.common.record.internal.Record r) {
                return !empty && r.hasKey() && new String(bytes(r.key())).startsWith(keep);
            }
        }, out, BufferSupplier.NO_CACHING);
        out.flip();
        return out;
    }

    static byte[] bytes(ByteBuffer b) {
        byte[] p = new byte[b.remaining()];
        b.duplicate().get(p);
        return p;
    }

    public static void main(String[] args) throws Exception {
        dir = Path.of(args[0]);
        for (CompressionType c : CompressionType.values()) {
            String n = c.name.toLowerCase(Locale.ROOT);
            write(n + "-few", build(few(), c, TimestampType.CREATE_TIME, 0, -1, (short) -1, -1, false));
            write(n + "-append-time", build(few(), c, TimestampType.LOG_APPEND_TIME, 0, -1, (short) -1, -1, false));
            write(n + "-transactional", build(few(), c, TimestampType.CREATE_TIME, 0, 1L << 40, (short) 3, 2147483645, true));
            if (c != CompressionType.NONE)
                write(n + "-many", build(many(), c, TimestampType.CREATE_TIME, 0, 7, (short) 0, 0, false));
            ByteBuffer b = build(few(), c, TimestampType.CREATE_TIME, 1000, 8, (short) 1, 40, false);
            write(n + "-compacted", compact(b.duplicate(), "no ", false));
            write(n + "-emptied", compact(b.duplicate(), "", true));
        }
        write("marker-commit", MemoryRecords.withEndTransactionMarker(0, T, -1, 55, (short) 6,
            new EndTransactionMarker(ControlRecordType.COMMIT, 77)).buffer());
        write("marker-abort", MemoryRecords.withEndTransactionMarker(0, T, -1, 55, (short) 6,
            new EndTransactionMarker(ControlRecordType.ABORT, 77)).buffer());
    }
}
