// Prints metadata records and control messages as Apache Kafka 4.3.1 writes them, each with the JSON of its dump tool:
//   java -cp 'libs/*' Messages.java > messages.txt
// record <bytes of the value> <JSON>, or control <type> <bytes of the value> <JSON>. The types that package meta writes
// are in its own testdata.
import java.nio.ByteBuffer;
import java.util.*;
import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.metadata.*;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class Messages {
    static final Uuid A = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);
    static final MetadataRecordSerde SERDE = new MetadataRecordSerde();

    static void record(ApiMessage message) {
        ApiMessageAndVersion m = new ApiMessageAndVersion(message, message.highestSupportedVersion());
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buf = ByteBuffer.allocate(SERDE.recordSize(m, cache));
        SERDE.write(m, cache, new ByteBufferAccessor(buf));
        String type = MetadataRecordType.fromId(message.apiKey()).toString();
        System.out.println("record " + HexFormat.of().formatHex(buf.array()) + " {\"type\":\"" + type + "\",\"version\":"
            + m.version() + ",\"data\":" + MetadataJsonConverters.writeJson(message, m.version()) + "}");
    }

    static void control(int type, Message message, int version, JsonNode json) {
        byte[] raw = MessageUtil.toByteBufferAccessor(message, (short) version).buffer().array();
        System.out.println("control " + type + " " + HexFormat.of().formatHex(raw) + " " + json);
    }

    static void records() {
        record(new FenceBrokerRecord().setId(3).setEpoch(1L << 40));
        record(new UnfenceBrokerRecord().setId(3).setEpoch(-1));
        record(new DelegationTokenRecord().setOwner("User:a").setRequester("User:b").setRenewers(List.of("User:c", ""))
            .setIssueTimestamp(1).setMaxTimestamp(2).setExpirationTimestamp(3).setTokenId("id"));
        record(new DelegationTokenRecord());
        record(new UserScramCredentialRecord().setName("n\u00fc\"\\\n").setMechanism((byte) 1).setSalt(new byte[] {0, -1, 2})
            .setStoredKey(new byte[0]).setServerKey(new byte[] {1}).setIterations(4096));
        for (double v : new double[] {0, 1, 1024, 1e6, 9999999, 1e7, 123456789.5, 0.001, 0.00099, 1e-7, -2.5, 1.5e300})
            record(new ClientQuotaRecord().setKey("producer_byte_rate").setValue(v).setRemove(v == 0).setEntity(List.of(
                new ClientQuotaRecord.EntityData().setEntityType("user").setEntityName(null),
                new ClientQuotaRecord.EntityData().setEntityType("client-id").setEntityName("c"))));
        record(new AccessControlEntryRecord().setId(A).setResourceType((byte) 2).setResourceName("*").setPatternType((byte) 3)
            .setPrincipal("User:*").setHost("*").setOperation((byte) 2).setPermissionType((byte) 3));
        record(new RemoveAccessControlEntryRecord().setId(A));
        record(new ZkMigrationStateRecord().setZkMigrationState((byte) 1));
        record(new RemoveUserScramCredentialRecord().setName("n").setMechanism((byte) 2));
        record(new BeginTransactionRecord());
        record(new BeginTransactionRecord().setName("t"));
        record(new EndTransactionRecord());
        record(new AbortTransactionRecord().setReason(""));
        record(new RemoveDelegationTokenRecord().setTokenId("id"));
        RegisterControllerRecord c = new RegisterControllerRecord().setControllerId(7).setIncarnationId(A).setZkMigrationReady(true);
        c.endPoints().add(new RegisterControllerRecord.ControllerEndpoint().setName("C").setHost("h").setPort(65535).setSecurityProtocol((short) 1));
        c.features().add(new RegisterControllerRecord.ControllerFeature().setName("f").setMinSupportedVersion((short) 1).setMaxSupportedVersion((short) 2));
        record(c);
        record(new ClearElrRecord().setTopicName("t"));
    }

    static void controls() {
        LeaderChangeMessage l = new LeaderChangeMessage().setVersion((short) 0).setLeaderId(1)
            .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1), new LeaderChangeMessage.Voter().setVoterId(2)));
        control(2, l, 0, LeaderChangeMessageJsonConverter.write(l, (short) 0));
        l = new LeaderChangeMessage().setVersion((short) 1).setLeaderId(1)
            .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1).setVoterDirectoryId(A)));
        control(2, l, 1, LeaderChangeMessageJsonConverter.write(l, (short) 1));
        SnapshotHeaderRecord h = new SnapshotHeaderRecord().setLastContainedLogTimestamp(1700000000000L);
        control(3, h, 0, SnapshotHeaderRecordJsonConverter.write(h, (short) 0));
        SnapshotFooterRecord f = new SnapshotFooterRecord();
        control(4, f, 0, SnapshotFooterRecordJsonConverter.write(f, (short) 0));
        KRaftVersionRecord k = new KRaftVersionRecord().setKRaftVersion((short) 1);
        control(5, k, 0, KRaftVersionRecordJsonConverter.write(k, (short) 0));
        VotersRecord v = new VotersRecord();
        VotersRecord.Voter voter = new VotersRecord.Voter().setVoterId(1).setVoterDirectoryId(A)
            .setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature().setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1));
        voter.endpoints().add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("h").setPort(9093));
        v.voters().add(voter);
        control(6, v, 0, VotersRecordJsonConverter.write(v, (short) 0));
    }

    public static void main(String[] args) {
        records();
        controls();
    }
}
