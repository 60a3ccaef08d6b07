package fuzz

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

// FuzzRequest sends up to four requests of any advertised API and version, one behind the other, filled from the
// fuzzer's bytes and so well-formed. Each is answered within the time that it gives, in order; the answer's parts add
// up to its length; it decodes in its version to the last byte; its error codes are Kafka's, and
// no request takes a partition offline. Only Produce with acks=0 may
// close the connection.
func FuzzRequest(f *testing.F) {
	w := shared.get(f)
	f.Add(uint8(0), uint8(0xff), []byte("the first of four requests is Produce"))
	for i := range w.apis {
		f.Add(uint8(i), uint8(0xff), fmt.Appendf(nil, "%064d", i))
		f.Add(uint8(i), uint8(0), fmt.Appendf(nil, "%d and then something else", i))
		for n := range uint8(4) {
			f.Add(uint8(i), n, fmt.Appendf(nil, "%d/%d", n, i)) // what follows is drawn by chance from these bytes
		}
	}
	f.Fuzz(func(t *testing.T, first, version uint8, data []byte) {
		defer watch()()
		m := start(t, w.disk.Clone(), 2)
		x := &exchange{machine: m}
		fill := newFiller(data, w)
		for range 1 + int(version)%4 {
			api := w.apis[int(first)%len(w.apis)]
			x.send(fill.request(api, version))
			fill.Fuzz(&first)
			fill.Fuzz(&version)
		}
		m.advance(10 * time.Second)
		x.check()
		if !m.hungUp {
			m.ask(fetch(version))
		}
		m.end()
	})
}

// fetch asks for what the world holds, whatever was made of that meanwhile.
func fetch(version uint8) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.SessionEpoch = 4+int16(version)%9, 1<<20, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = topicName
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 1 << 20
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return req
}

// request makes a request of an API in one of its versions.
func (f *filler) request(api kmsg.ApiVersionsResponseApiKey, version uint8) kmsg.Request {
	req := kmsg.RequestForKey(api.ApiKey)
	f.Fuzz(req)
	req.SetVersion(api.MinVersion + int16(version)%(api.MaxVersion-api.MinVersion+1))
	if p, ok := req.(*kmsg.ProduceRequest); ok && p.Version < leastProduce {
		p.Version = leastProduce
	}
	return req
}

// leastProduce is the lowest version of Produce that Kafka 4 serves; it advertises 0 all the same.
const leastProduce = 3

// exchange is requests and what was answered.
type exchange struct {
	*machine
	asked []kmsg.Request
	// silent says that a request was sent that may close the connection instead of answering.
	silent bool
}

// send sends a request, unless the connection is closed already.
func (x *exchange) send(req kmsg.Request) {
	if x.hungUp {
		return
	}
	p, ok := req.(*kmsg.ProduceRequest)
	if ok && p.Acks == 0 {
		x.silent = true
	} else {
		x.asked = append(x.asked, req)
	}
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, int32(len(x.asked)))
	x.machine.send(frame[wire.LengthSize:])
}

// check holds the replies against the requests.
func (x *exchange) check() {
	x.Helper()
	if x.hungUp && !x.silent {
		last := x.asked[len(x.asked)-1]
		x.Fatalf("%s v%d closed the connection: %+v", kmsg.Key(last.Key()).Name(), last.GetVersion(), last)
	}
	if len(x.frames) > len(x.asked) || len(x.frames) < len(x.asked) && !x.hungUp {
		x.Fatalf("got %d replies to %d requests", len(x.frames), len(x.asked))
	}
	for i, frame := range x.frames {
		req := x.asked[i]
		res := x.decode(req, int32(i+1), frame)
		eachErrorCode(reflect.ValueOf(res), func(code int16) {
			// Kafka answers UNKNOWN_SERVER_ERROR where a codec refuses what a producer compressed. The disk is healthy.
			known := kerr.TypedErrorForCode(code) != nil && (code != kerr.UnknownServerError.Code || req.Key() == 0)
			if code != 0 && !known || code == kerr.KafkaStorageError.Code {
				name := kmsg.Key(req.Key()).Name()
				x.Fatalf("%s v%d: got error code %d: %+v to %+v", name, req.GetVersion(), code, res, req)
			}
		})
	}
}

// eachErrorCode visits every field of that name.
func eachErrorCode(v reflect.Value, visit func(int16)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachErrorCode(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Struct {
				eachErrorCode(v.Index(i), visit)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name == "ErrorCode" {
				visit(int16(v.Field(i).Int()))
			} else if field.IsExported() {
				eachErrorCode(v.Field(i), visit)
			}
		}
	}
}
