package meta

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
)

//go:embed testdata/*.txt
var testdata embed.FS

// readLines reads a file of testdata. The files are explained in testdata/README.md.
func readLines(t *testing.T, name string) []string {
	t.Helper()
	raw, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestGoldenRecords decodes what Kafka wrote, compares every field with Kafka's JSON of it, and writes it again: to the
// same bytes where Kafka wrote the newest version, and to an equal record where it wrote an older one.
func TestGoldenRecords(t *testing.T) {
	types := map[string]bool{}
	for _, line := range readLines(t, "records.txt") {
		first, last := strings.Index(line, "{"), strings.LastIndex(line, "}")
		head := strings.Fields(line[:first])
		raw := unhex(t, strings.TrimSpace(line[last+1:]))
		rec, err := DecodeRecord(raw)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		types[head[0]] = true
		if rec.Type().String() != head[0] {
			t.Errorf("%s: got %v", line, rec.Type())
		}
		compareJSON(t, rec, line[first:last+1])
		again, err := AppendRecord([]byte{0xff}, rec)
		if err != nil || again[0] != 0xff {
			t.Fatalf("%s: %v", line, err)
		}
		if version, _ := strconv.Atoi(head[1]); version == newestVersion(rec.Type()) {
			if got := hex.EncodeToString(again[1:]); got != hex.EncodeToString(raw) {
				t.Errorf("%s: wrote %s", line, got)
			}
		}
		if twice, err := DecodeRecord(again[1:]); err != nil || !reflect.DeepEqual(rec, twice) {
			t.Errorf("%s: read back %+v, %v", line, twice, err)
		}
	}
	if len(types) != 11 {
		t.Errorf("got %d types %v, expected 11", len(types), types)
	}
}

// compareJSON compares a record with Kafka's JSON. What the JSON leaves out must have its default value.
func compareJSON(t *testing.T, rec Record, text string) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	got, defaults := fieldsOf(rec), fieldsOf(emptyRecord(rec.Type()))
	for name, value := range got {
		expected, ok := want[name]
		if !ok {
			expected = defaults[name]
		}
		if !reflect.DeepEqual(plain(t, value), plain(t, expected)) {
			t.Errorf("%s: got %s = %v, expected %v", text, name, value, expected)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("%s: fields not compared: %v", text, want)
	}
}

// plain takes a value through JSON, so that numbers and lists of any type compare.
func plain(t *testing.T, value any) any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var result any
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func emptyRecord(kind RecordType) Record {
	if kind == TypePartitionChange {
		return NewPartitionChange(base.UUID{}, 0)
	}
	return newRecord(uint32(kind))
}

// ids and uuids give a list its JSON form: null only for what Kafka takes for null.
func ids(list []base.NodeID, nullable bool) any {
	if list == nil && !nullable {
		return []base.NodeID{}
	}
	return list
}

func uuids(list []base.UUID, nullable bool) any {
	if list == nil && nullable {
		return nil
	}
	texts := []string{}
	for _, u := range list {
		texts = append(texts, u.String())
	}
	return texts
}

// fieldsOf names the fields of a record as Kafka's JSON does.
func fieldsOf(rec Record) map[string]any {
	switch r := rec.(type) {
	case *RegisterBrokerRecord:
		return brokerFields(r)
	case *UnregisterBrokerRecord:
		return map[string]any{"brokerId": r.BrokerID, "brokerEpoch": r.BrokerEpoch}
	case *TopicRecord:
		return map[string]any{"name": r.Name, "topicId": r.ID.String()}
	case *PartitionRecord:
		return map[string]any{
			"partitionId": r.Partition, "topicId": r.TopicID.String(), "replicas": ids(r.Replicas, false),
			"isr": ids(r.ISR, false), "removingReplicas": ids(r.Removing, false),
			"addingReplicas": ids(r.Adding, false), "leader": r.Leader, "leaderEpoch": r.LeaderEpoch,
			"partitionEpoch": r.PartitionEpoch, "leaderRecoveryState": r.LeaderRecoveryState,
			"directories": uuids(r.Directories, false), "eligibleLeaderReplicas": ids(r.ELR, true),
			"lastKnownElr": ids(r.LastKnownELR, true),
		}
	case *PartitionChangeRecord:
		return map[string]any{
			"partitionId": r.Partition, "topicId": r.TopicID.String(), "isr": ids(r.ISR, true), "leader": r.Leader,
			"replicas": ids(r.Replicas, true), "removingReplicas": ids(r.Removing, true),
			"addingReplicas": ids(r.Adding, true), "leaderRecoveryState": r.LeaderRecoveryState,
			"directories": uuids(r.Directories, true), "eligibleLeaderReplicas": ids(r.ELR, true),
			"lastKnownElr": ids(r.LastKnownELR, true),
		}
	case *RemoveTopicRecord:
		return map[string]any{"topicId": r.ID.String()}
	case *ConfigRecord:
		return map[string]any{
			"resourceType": r.Resource.Type, "resourceName": r.Resource.Name, "name": r.Name, "value": r.Value,
		}
	case *FeatureLevelRecord:
		return map[string]any{"name": r.Name, "featureLevel": r.Level}
	case *ProducerIDsRecord:
		return map[string]any{
			"brokerId": r.BrokerID, "brokerEpoch": r.BrokerEpoch, "nextProducerId": r.NextProducerID,
		}
	case *BrokerRegistrationChangeRecord:
		return map[string]any{
			"brokerId": r.BrokerID, "brokerEpoch": r.BrokerEpoch, "fenced": r.Fenced,
			"inControlledShutdown": r.InControlledShutdown, "logDirs": uuids(r.LogDirs, false),
			"cordonedLogDirs": uuids(r.CordonedLogDirs, true),
		}
	}
	return nil
}

func brokerFields(r *RegisterBrokerRecord) map[string]any {
	endpoints, features := []any{}, []any{}
	for _, e := range r.Endpoints {
		endpoints = append(endpoints, map[string]any{
			"name": e.Name, "host": e.Host, "port": e.Port, "securityProtocol": e.SecurityProtocol,
		})
	}
	for _, f := range r.Features {
		features = append(features, map[string]any{
			"name": f.Name, "minSupportedVersion": f.Min, "maxSupportedVersion": f.Max,
		})
	}
	return map[string]any{
		"brokerId": r.BrokerID, "isMigratingZkBroker": r.IsMigratingZKBroker,
		"incarnationId": r.IncarnationID.String(), "brokerEpoch": r.BrokerEpoch, "endPoints": endpoints,
		"features": features, "rack": r.Rack, "fenced": r.Fenced, "inControlledShutdown": r.InControlledShutdown,
		"logDirs": uuids(r.LogDirs, false), "cordonedLogDirs": uuids(r.CordonedLogDirs, true),
	}
}

// replayLines applies a file of "offset epoch hex" lines, each for itself. It returns how many were of a type that
// this build does not know.
func replayLines(t *testing.T, lines []string) (*Image, int) {
	t.Helper()
	image, skipped := NewImage(), 0
	for i, line := range lines {
		fields := strings.Fields(line)
		offset, _ := strconv.ParseInt(fields[0], 10, 64)
		epoch, _ := strconv.ParseInt(fields[1], 10, 32)
		rec, err := DecodeRecord(unhex(t, fields[2]))
		if errors.Is(err, ErrUnsupportedRecord) {
			skipped++
			continue
		}
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		next, _, err := image.Apply(Position{base.Offset(offset), base.LeaderEpoch(epoch)}, rec)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if err := errors.Join(next.CheckInvariants(), image.CheckSuccessor(next)); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		image = next
	}
	return image, skipped
}

// TestKafkasOwnLog applies the metadata log of a real Kafka, which lived through a clean stop and a kill, and compares
// the image with that of the snapshot which Kafka makes of the same log.
func TestKafkasOwnLog(t *testing.T) {
	log, skipped := replayLines(t, readLines(t, "kafka-log.txt"))
	if skipped != 5 { // begin and end of the bootstrap transaction, three registrations of the controller
		t.Errorf("got %d records of other types, expected 5", skipped)
	}
	var records []Record
	for _, line := range readLines(t, "kafka-snapshot.txt") {
		if rec, err := DecodeRecord(unhex(t, strings.Fields(line)[2])); err == nil {
			records = append(records, rec)
		}
	}
	snapshot, _, err := NewImage().Apply(log.Position(), records...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(log), dump(snapshot); got != want || log.TopicCount() != 3 || log.PartitionCount() != 7 {
		t.Errorf("got\n%s\nexpected\n%s", got, want)
	}
}
