// Writes a log of __consumer_offsets with records of every version that Kafka 4.3.1 knows, and some that it does not:
//   java -cp 'libs/*' Offsets.java kafka/__consumer_offsets-0/00000000000000000000.log
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.*;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.coordinator.group.generated.*;

public class Offsets {
    static final List<SimpleRecord> records = new ArrayList<>();
    static final Uuid ID = new Uuid(7, 9);

    static void add(byte[] key, byte[] value) {
        records.add(new SimpleRecord(1700000000000L + records.size(), key, value));
    }

    static void add(ApiMessage key, int version, ApiMessage value) {
        add(MessageUtil.toCoordinatorTypePrefixedBytes(key),
            value == null ? null : MessageUtil.toVersionPrefixedBytes((short) version, value));
    }

    static OffsetCommitKey offsetKey(int partition) {
        return new OffsetCommitKey().setGroup("billing \"ü\"").setTopic("orders").setPartition(partition);
    }

    static byte[] bytes(ByteBuffer b) {
        byte[] out = new byte[b.remaining()];
        b.get(out);
        return out;
    }

    static byte[] subscription(int version) {
        return bytes(ConsumerProtocol.serializeSubscription(new Subscription(List.of("orders", "events"),
            version == 0 ? null : ByteBuffer.wrap(new byte[] {1, -1}),
            List.of(new TopicPartition("orders", 0), new TopicPartition("orders", 2), new TopicPartition("events", 1)),
            5, Optional.of("rack-1")), (short) version));
    }

    static byte[] assignment(int version) {
        return bytes(ConsumerProtocol.serializeAssignment(
            new Assignment(List.of(new TopicPartition("orders", 0), new TopicPartition("events", 1)), null),
            (short) version));
    }

    static byte[] altered(byte[] p, int... changes) {
        p = p.clone();
        for (int i = 0; i < changes.length; i += 2) p[changes[i]] = (byte) changes[i + 1];
        return p;
    }

    static GroupMetadataValue group(String type, byte[] subscription, byte[] assignment) {
        GroupMetadataValue.MemberMetadata m = new GroupMetadataValue.MemberMetadata().setMemberId("m-1")
            .setClientId("c").setClientHost("/127.0.0.1").setSessionTimeout(45000).setSubscription(subscription)
            .setAssignment(assignment);
        return new GroupMetadataValue().setProtocolType(type).setGeneration(3).setProtocol("range").setLeader("m-1")
            .setMembers(List.of(m));
    }

    static void offsets() {
        OffsetCommitValue v = new OffsetCommitValue().setOffset(42).setMetadata("m<>&\u2028\u0001\u001f\n\t\u007f\\")
            .setCommitTimestamp(1700000000001L);
        for (int version = 0; version <= 4; version++) add(offsetKey(version), version, v);
        add(offsetKey(5), 1, v.duplicate().setExpireTimestamp(1700000000002L));
        add(offsetKey(6), 3, v.duplicate().setLeaderEpoch(8));
        add(offsetKey(7), 4, v.duplicate().setLeaderEpoch(8).setTopicId(ID));
        add(offsetKey(8), 0, null);
        LegacyOffsetCommitKey legacy = new LegacyOffsetCommitKey().setGroup("old").setTopic("orders").setPartition(1);
        add(legacy, 0, new LegacyOffsetCommitValue().setOffset(3).setMetadata("").setCommitTimestamp(9));
        add(legacy, 0, null);
    }

    static void groups() {
        GroupMetadataKey key = new GroupMetadataKey().setGroup("billing");
        for (int version = 0; version <= 4; version++)
            add(key, version, group("consumer", subscription(Math.min(version, 3)), assignment(Math.min(version, 3))));
        GroupMetadataValue full = group("consumer", subscription(3), assignment(3))
            .setCurrentStateTimestamp(1700000000003L);
        full.members().get(0).setGroupInstanceId("i-1").setRebalanceTimeout(60000);
        for (int version = 2; version <= 4; version++) add(key, version, full);
        add(key, 3, group("connect", new byte[] {0, 1, 2}, new byte[] {}));
        add(key, 3, group("consumer", new byte[] {0}, new byte[] {0, 1, 0}));
        add(key, 3, group("consumer", altered(subscription(1), 1, 9), altered(assignment(0), 1, 9)));
        add(key, 3, new GroupMetadataValue().setProtocolType("").setGeneration(0).setProtocol(null).setLeader(null)
            .setMembers(List.of()));
        add(key, 0, null);
    }

    static void consumerGroups() {
        String g = "new";
        add(new ConsumerGroupMetadataKey().setGroupId(g), 0,
            new ConsumerGroupMetadataValue().setEpoch(4).setMetadataHash(77));
        add(new ConsumerGroupMetadataKey().setGroupId(g), 0, new ConsumerGroupMetadataValue().setEpoch(4));
        add(new ConsumerGroupMemberMetadataKey().setGroupId(g).setMemberId("m"), 0,
            new ConsumerGroupMemberMetadataValue()
            .setClientId("c").setClientHost("h").setSubscribedTopicNames(List.of("orders")).setRebalanceTimeoutMs(5));
        add(new ConsumerGroupMemberMetadataKey().setGroupId(g).setMemberId("m"), 0,
            new ConsumerGroupMemberMetadataValue()
            .setClientId("c").setClientHost("h").setSubscribedTopicNames(List.of()).setRebalanceTimeoutMs(5)
            .setInstanceId("i").setClassicMemberMetadata(new ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()
                .setSessionTimeoutMs(9).setSupportedProtocols(List.of(
                    new ConsumerGroupMemberMetadataValue.ClassicProtocol().setName("range")
                        .setMetadata(new byte[] {1})))));
        add(new ConsumerGroupTargetAssignmentMetadataKey().setGroupId(g), 0,
            new ConsumerGroupTargetAssignmentMetadataValue().setAssignmentEpoch(4).setAssignmentTimestamp(6));
        add(new ConsumerGroupTargetAssignmentMemberKey().setGroupId(g).setMemberId("m"), 0,
            new ConsumerGroupTargetAssignmentMemberValue().setTopicPartitions(List.of(
                new ConsumerGroupTargetAssignmentMemberValue.TopicPartition().setTopicId(ID)
                    .setPartitions(List.of(0, 1)))));
        add(new ConsumerGroupCurrentMemberAssignmentKey().setGroupId(g).setMemberId("m"), 0,
            new ConsumerGroupCurrentMemberAssignmentValue().setMemberEpoch(4).setPreviousMemberEpoch(3)
                .setState((byte) 1).setAssignedPartitions(List.of(
                    new ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions().setTopicId(ID)
                        .setPartitions(List.of(0)).setAssignmentEpochs(List.of(4))))
                .setPartitionsPendingRevocation(List.of(
                    new ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions().setTopicId(ID)
                        .setPartitions(List.of(1)))));
        add(new ConsumerGroupPartitionMetadataKey().setGroupId(g), 0,
            new ConsumerGroupPartitionMetadataValue().setTopics(
            List.of(new ConsumerGroupPartitionMetadataValue.TopicMetadata().setTopicId(ID).setTopicName("orders")
                .setNumPartitions(1).setPartitionMetadata(List.of(
                    new ConsumerGroupPartitionMetadataValue.PartitionMetadata().setPartition(0)
                        .setRacks(List.of("r")))))));
        add(new ConsumerGroupRegularExpressionKey().setGroupId(g).setRegularExpression("a.*"), 0,
            new ConsumerGroupRegularExpressionValue().setTopics(List.of("ab")).setVersion(1).setTimestamp(2));
    }

    static void strange() {
        byte[] key = MessageUtil.toCoordinatorTypePrefixedBytes(offsetKey(9));
        byte[] value = MessageUtil.toVersionPrefixedBytes((short) 3,
            new OffsetCommitValue().setOffset(1).setMetadata(""));
        add(altered(key, 1, 99), value);
        add(altered(key, 1, 99), null);
        add(key, altered(value, 1, 5));
        add(key, altered(value, 0, -1));
        add(key, new byte[] {0});
        add(new byte[] {1}, value);
        add(key, Arrays.copyOf(value, value.length + 3));
    }

    public static void main(String[] args) throws Exception {
        offsets();
        groups();
        consumerGroups();
        strange();
        MemoryRecords all = MemoryRecords.withRecords(Compression.NONE, records.toArray(new SimpleRecord[0]));
        Files.createDirectories(Path.of(args[0]).getParent());
        Files.write(Path.of(args[0]), bytes(all.buffer()));
    }
}
