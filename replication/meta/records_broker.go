package meta

import "github.com/gregor-log/gregor/base"

// RegisterBrokerRecord registers a broker, or amends its registration. Versions 0 to 4: 1 adds InControlledShutdown, 2
// IsMigratingZKBroker (kept for the bytes alone), 3 LogDirs, 4 CordonedLogDirs, where nil means "not told yet".
type RegisterBrokerRecord struct {
	BrokerID             base.NodeID
	IsMigratingZKBroker  bool
	IncarnationID        base.UUID
	BrokerEpoch          BrokerEpoch
	Endpoints            []Endpoint
	Features             []FeatureRange
	Rack                 *string
	Fenced               bool
	InControlledShutdown bool
	LogDirs              []base.UUID
	CordonedLogDirs      []base.UUID
}

// UnregisterBrokerRecord forgets a broker. Version 0.
type UnregisterBrokerRecord struct {
	BrokerID    base.NodeID
	BrokerEpoch BrokerEpoch
}

// The values of BrokerRegistrationChangeRecord.Fenced.
const (
	Unfence  int8 = -1
	KeepAsIs int8 = 0
	Fence    int8 = 1
)

// BrokerRegistrationChangeRecord changes the state of a registered broker. Fenced is Unfence, KeepAsIs or Fence;
// InControlledShutdown is KeepAsIs or 1; an empty LogDirs and a nil CordonedLogDirs mean "unchanged". Versions 0 to 3:
// 1 adds InControlledShutdown, 2 LogDirs, 3 CordonedLogDirs.
type BrokerRegistrationChangeRecord struct {
	BrokerID             base.NodeID
	BrokerEpoch          BrokerEpoch
	Fenced               int8
	InControlledShutdown int8
	LogDirs              []base.UUID
	CordonedLogDirs      []base.UUID
}

// Type implements Record.
func (*RegisterBrokerRecord) Type() RecordType { return TypeRegisterBroker }

// Type implements Record.
func (*UnregisterBrokerRecord) Type() RecordType { return TypeUnregisterBroker }

// Type implements Record.
func (*BrokerRegistrationChangeRecord) Type() RecordType { return TypeBrokerRegistrationChange }

// The least bytes that an endpoint and a feature take: an empty name is one byte, and so is an empty set of tags.
const (
	endpointBytes = 1 + 1 + 2 + 2 + 1
	featureBytes  = 1 + 2 + 2 + 1
)

func (rec *RegisterBrokerRecord) appendBody(w *writer) {
	w.int32(int32(rec.BrokerID))
	w.bool(rec.IsMigratingZKBroker)
	w.uuid(rec.IncarnationID)
	w.int64(int64(rec.BrokerEpoch))
	w.uvarint(uint32(len(rec.Endpoints)) + 1)
	for _, e := range rec.Endpoints {
		w.string(e.Name)
		w.string(e.Host)
		w.uint16(e.Port)
		w.int16(e.SecurityProtocol)
		w.noTags()
	}
	w.uvarint(uint32(len(rec.Features)) + 1)
	for _, f := range rec.Features {
		w.string(f.Name)
		w.int16(f.Min)
		w.int16(f.Max)
		w.noTags()
	}
	w.nullableString(rec.Rack)
	w.bool(rec.Fenced)
	w.bool(rec.InControlledShutdown)
	tags := tagSet{w: w}
	if len(rec.LogDirs) > 0 {
		tags.uuids(0, rec.LogDirs)
	}
	tags.uuids(1, rec.CordonedLogDirs)
	tags.end()
}

func (rec *RegisterBrokerRecord) readBody(r *reader, version int) {
	rec.BrokerID = base.NodeID(r.int32())
	if version >= 2 {
		rec.IsMigratingZKBroker = r.bool()
	}
	rec.IncarnationID = r.uuid()
	rec.BrokerEpoch = BrokerEpoch(r.int64())
	if n := r.count(endpointBytes); n > 0 {
		rec.Endpoints = make([]Endpoint, n)
	}
	for i := range rec.Endpoints {
		rec.Endpoints[i] = Endpoint{r.string(), r.string(), r.uint16(), r.int16()}
		r.skipTags()
	}
	if n := r.count(featureBytes); n > 0 {
		rec.Features = make([]FeatureRange, n)
	}
	for i := range rec.Features {
		rec.Features[i] = FeatureRange{r.string(), r.int16(), r.int16()}
		r.skipTags()
	}
	rec.Rack = r.nullableString()
	rec.Fenced = r.bool()
	if version >= 1 {
		rec.InControlledShutdown = r.bool()
	}
	r.tags(func(tag uint32, payload *reader) bool {
		switch {
		case tag == 0 && version >= 3:
			rec.LogDirs = payload.uuids()
		case tag == 1 && version >= 4:
			rec.CordonedLogDirs = payload.nullableUUIDs()
		default:
			return false
		}
		return true
	})
}

func (rec *UnregisterBrokerRecord) appendBody(w *writer) {
	w.int32(int32(rec.BrokerID))
	w.int64(int64(rec.BrokerEpoch))
	w.noTags()
}

func (rec *UnregisterBrokerRecord) readBody(r *reader, _ int) {
	rec.BrokerID = base.NodeID(r.int32())
	rec.BrokerEpoch = BrokerEpoch(r.int64())
	r.skipTags()
}

func (rec *BrokerRegistrationChangeRecord) appendBody(w *writer) {
	w.int32(int32(rec.BrokerID))
	w.int64(int64(rec.BrokerEpoch))
	tags := tagSet{w: w}
	tags.int8(0, rec.Fenced, KeepAsIs)
	tags.int8(1, rec.InControlledShutdown, KeepAsIs)
	if len(rec.LogDirs) > 0 {
		tags.uuids(2, rec.LogDirs)
	}
	tags.uuids(3, rec.CordonedLogDirs)
	tags.end()
}

func (rec *BrokerRegistrationChangeRecord) readBody(r *reader, version int) {
	rec.BrokerID = base.NodeID(r.int32())
	rec.BrokerEpoch = BrokerEpoch(r.int64())
	r.tags(func(tag uint32, payload *reader) bool {
		switch {
		case tag == 0:
			rec.Fenced = payload.int8()
		case tag == 1 && version >= 1:
			rec.InControlledShutdown = payload.int8()
		case tag == 2 && version >= 2:
			rec.LogDirs = payload.uuids()
		case tag == 3 && version >= 3:
			rec.CordonedLogDirs = payload.nullableUUIDs()
		default:
			return false
		}
		return true
	})
}
