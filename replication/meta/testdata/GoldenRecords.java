// Prints metadata records as Apache Kafka 4.3.1 writes them: type, version, JSON and bytes, one record a line.
//   java -cp 'libs/*' GoldenRecords.java > records.txt
// With the name of a file of hexadecimal lines it reads them as Kafka does and prints type, version and JSON instead:
//   java -cp 'libs/*' GoldenRecords.java ours.txt
// A line that Kafka does not write back to the same bytes is marked DIFFERS.
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.*;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.metadata.MetadataRecordSerde;

public class GoldenRecords {
    static final Uuid A = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);
    static final Uuid B = new Uuid(-1L, -2L);
    static final MetadataRecordSerde SERDE = new MetadataRecordSerde();

    static byte[] bytes(ApiMessageAndVersion m) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buf = ByteBuffer.allocate(SERDE.recordSize(m, cache));
        SERDE.write(m, cache, new ByteBufferAccessor(buf));
        return buf.array();
    }

    static String json(ApiMessageAndVersion m) throws Exception {
        MetadataRecordType type = MetadataRecordType.fromId(m.message().apiKey());
        return type + " " + m.version() + " " + MetadataJsonConverters.writeJson(m.message(), m.version());
    }

    static void put(ApiMessage record, int... versions) throws Exception {
        for (int version : versions) {
            ApiMessageAndVersion m = new ApiMessageAndVersion(record, (short) version);
            System.out.println(json(m) + " " + HexFormat.of().formatHex(bytes(m)));
        }
    }

    static RegisterBrokerRecord broker() {
        RegisterBrokerRecord r = new RegisterBrokerRecord().setBrokerId(7).setIncarnationId(A).setBrokerEpoch(1L << 40);
        r.endPoints().add(new RegisterBrokerRecord.BrokerEndpoint().setName("PLAINTEXT").setHost("a.example").setPort(65535));
        r.endPoints().add(new RegisterBrokerRecord.BrokerEndpoint().setName("S").setHost("").setPort(1).setSecurityProtocol((short) 3));
        r.features().add(new RegisterBrokerRecord.BrokerFeature().setName("metadata.version").setMinSupportedVersion((short) 7).setMaxSupportedVersion((short) 30));
        return r;
    }

    static void write() throws Exception {
        put(broker(), 0, 1, 2, 3, 4);
        put(broker().setRack("r\u00fc1").setFenced(false).setInControlledShutdown(true), 1, 4);
        put(broker().setRack("").setLogDirs(List.of(A, B)).setCordonedLogDirs(List.of(B)), 4);
        put(broker().setIsMigratingZkBroker(true).setLogDirs(List.of(A)).setCordonedLogDirs(List.of()), 4);
        put(new RegisterBrokerRecord(), 4);
        put(new UnregisterBrokerRecord().setBrokerId(7).setBrokerEpoch(12), 0);
        put(new TopicRecord().setName("a.b_c-1").setTopicId(A), 0);
        PartitionRecord p = new PartitionRecord().setPartitionId(3).setTopicId(A).setReplicas(List.of(1, 2, 3))
            .setIsr(List.of(2, 1)).setRemovingReplicas(List.of(3)).setAddingReplicas(List.of(2)).setLeader(2)
            .setLeaderEpoch(5).setPartitionEpoch(2147483647);
        put(p, 0, 1, 2);
        put(p.duplicate().setDirectories(List.of(A, B, Uuid.ZERO_UUID)).setLeaderRecoveryState((byte) 1), 1, 2);
        put(p.duplicate().setIsr(List.of()).setLeader(-1).setEligibleLeaderReplicas(List.of(1, 2)).setLastKnownElr(List.of(300)), 2);
        put(p.duplicate().setEligibleLeaderReplicas(List.of()), 2);
        put(new PartitionChangeRecord().setPartitionId(1).setTopicId(B), 0, 1, 2);
        put(new PartitionChangeRecord().setPartitionId(1).setTopicId(B).setLeader(-1).setIsr(List.of(4)), 0, 2);
        put(new PartitionChangeRecord().setPartitionId(1).setTopicId(B).setLeader(0).setIsr(List.of())
            .setReplicas(List.of(0, 1)).setRemovingReplicas(List.of()).setAddingReplicas(List.of(9))
            .setLeaderRecoveryState((byte) 0).setEligibleLeaderReplicas(List.of(1)).setLastKnownElr(List.of())
            .setDirectories(List.of(A, B)), 2);
        put(new PartitionChangeRecord().setPartitionId(1).setTopicId(B).setDirectories(List.of()), 1, 2);
        put(new RemoveTopicRecord().setTopicId(B), 0);
        put(new ConfigRecord().setResourceType((byte) 2).setResourceName("t").setName("retention.ms").setValue("1000"), 0);
        put(new ConfigRecord().setResourceType((byte) 4).setResourceName("").setName("log.dirs").setValue(null), 0);
        put(new ConfigRecord().setResourceType((byte) 32).setResourceName("x".repeat(200)).setName("n").setValue("\u20ac"), 0);
        put(new FeatureLevelRecord().setName("metadata.version").setFeatureLevel((short) 30), 0);
        put(new ProducerIdsRecord().setBrokerId(2).setBrokerEpoch(11).setNextProducerId(Long.MAX_VALUE), 0);
        put(new BrokerRegistrationChangeRecord().setBrokerId(1).setBrokerEpoch(211), 0, 1, 2, 3);
        put(new BrokerRegistrationChangeRecord().setBrokerId(1).setBrokerEpoch(211).setFenced((byte) -1), 0, 3);
        put(new BrokerRegistrationChangeRecord().setBrokerId(1).setBrokerEpoch(211).setFenced((byte) 1)
            .setInControlledShutdown((byte) 1), 1, 3);
        put(new BrokerRegistrationChangeRecord().setBrokerId(1).setBrokerEpoch(211).setLogDirs(List.of(B))
            .setCordonedLogDirs(List.of()), 3);
        put(new NoOpRecord(), 0);
    }

    static void read(String file) throws Exception {
        for (String line : Files.readAllLines(Path.of(file))) {
            byte[] raw = HexFormat.of().parseHex(line.trim());
            ApiMessageAndVersion m = SERDE.read(new ByteBufferAccessor(ByteBuffer.wrap(raw)), raw.length);
            System.out.println((Arrays.equals(bytes(m), raw) ? "" : "DIFFERS ") + json(m));
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 0) write(); else read(args[0]);
    }
}
