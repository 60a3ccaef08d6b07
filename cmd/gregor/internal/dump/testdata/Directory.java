// Fills the topics "mixed" and "appended" of a broker with batches of every codec, transactions and both timestamp types:
//   java -cp 'libs/*' Directory.java 127.0.0.1:9092
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

public class Directory {
    static String brokers;
    static long ts = 1700000000000L;

    static Producer<String, String> producer(String codec, String txn) {
        Properties c = new Properties();
        c.put("bootstrap.servers", brokers);
        c.put("compression.type", codec);
        c.put("linger.ms", "50");
        if (txn != null) c.put("transactional.id", txn);
        return new KafkaProducer<>(c, new StringSerializer(), new StringSerializer());
    }

    static ProducerRecord<String, String> record(String topic, String key, String value) {
        return new ProducerRecord<>(topic, 0, topic.equals("mixed") ? ts++ : ts, key, value);
    }

    static void topics() throws Exception {
        Properties c = new Properties();
        c.put("bootstrap.servers", brokers);
        try (Admin admin = Admin.create(c)) {
            admin.createTopics(List.of(
                new NewTopic("mixed", 1, (short) 1).configs(Map.of("segment.bytes", "1048576", "index.interval.bytes", "100")),
                new NewTopic("appended", 1, (short) 1).configs(
                    Map.of("message.timestamp.type", "LogAppendTime", "index.interval.bytes", "0")))).all().get();
        }
    }

    static void batches(String codec) {
        try (Producer<String, String> p = producer(codec, null)) {
            for (int batch = 0; batch < 3; batch++) {
                for (int i = 0; i < 3; i++) {
                    ProducerRecord<String, String> r = record("mixed", i == 1 ? null : "key-" + i,
                        i == 2 ? null : codec + " value " + batch + " with some length");
                    if (i == 0) {
                        r.headers().add("h1", "x".getBytes());
                        r.headers().add("second", null);
                    }
                    p.send(r);
                }
                p.flush();
            }
            p.send(record("appended", "k", "\u00e9 \u00fc value"));
        }
    }

    static void transactions() {
        try (Producer<String, String> p = producer("none", "txn-1")) {
            p.initTransactions();
            for (String value : List.of("committed", "aborted", "open")) {
                p.beginTransaction();
                p.send(record("mixed", "t", value));
                p.flush();
                if (value.equals("aborted")) p.abortTransaction(); else p.commitTransaction();
            }
        }
    }

    public static void main(String[] args) throws Exception {
        brokers = args[0];
        topics();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) batches(codec);
        transactions();
    }
}
