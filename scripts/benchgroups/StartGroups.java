import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Forms groups of Kafka's own consumers: for each line of its input, the name of a group, it starts the consumers, and
 * prints how many microseconds went by until each of them had partitions and all partitions had one owner.
 */
public final class StartGroups {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final int partitions;
    private final Map<Integer, Integer> owners = new HashMap<>();
    private final Set<Integer> busy = new HashSet<>();
    private final int consumers;
    private long changed;
    private Throwable failure;

    private StartGroups(int consumers, int partitions) {
        this.consumers = consumers;
        this.partitions = partitions;
    }

    public static void main(String[] args) throws Exception {
        String address = args[0];
        String topic = args[1];
        int consumers = Integer.parseInt(args[2]);
        int partitions = Integer.parseInt(args[3]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String group = in.readLine(); group != null; group = in.readLine()) {
            System.out.println(new StartGroups(consumers, partitions).form(address, topic, group));
        }
    }

    private long form(String address, String topic, String group) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        settings.put("group.id", group);
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        List<KafkaConsumer<byte[], byte[]>> all = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        long began = System.nanoTime();
        for (int i = 0; i < consumers; i++) {
            int number = i;
            Thread t = new Thread(() -> consume(settings, topic, number, all));
            threads.add(t);
            t.start();
        }
        long took = awaitStable(began);
        synchronized (all) {
            all.forEach(KafkaConsumer::wakeup);
        }
        for (Thread t : threads) {
            t.join();
        }
        return took;
    }

    private void consume(Properties settings, String topic, int number, List<KafkaConsumer<byte[], byte[]>> all) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            synchronized (all) {
                all.add(consumer);
            }
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> given) {
                    change(number, given, 1);
                }

                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> taken) {
                    change(number, taken, -1);
                }
            });
            while (true) {
                consumer.poll(Duration.ofSeconds(1));
            }
        } catch (WakeupException e) {
            // The group is formed.
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private synchronized void change(int number, Collection<TopicPartition> which, int by) {
        for (TopicPartition p : which) {
            owners.merge(p.partition(), by, Integer::sum);
        }
        if (by > 0 && !which.isEmpty()) {
            busy.add(number);
        } else if (by < 0 && !which.isEmpty()) {
            busy.remove(number); // with the range assignor, all partitions are given back
        }
        changed = System.nanoTime();
        notifyAll();
    }

    private synchronized void fail(Throwable e) {
        failure = e;
        notifyAll();
    }

    private synchronized boolean isStable() {
        return busy.size() == consumers && owners.size() == partitions
            && owners.values().stream().allMatch(n -> n == 1);
    }

    private synchronized long awaitStable(long began) throws Exception {
        while (!isStable()) {
            long left = PATIENCE.toMillis() - (System.nanoTime() - began) / 1_000_000;
            if (failure != null || left <= 0) {
                throw new IllegalStateException("the group is not stable", failure);
            }
            wait(left);
        }
        return (changed - began) / 1000;
    }
}
