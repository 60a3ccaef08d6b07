package broker

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every error code that the type of a response has is counted, wherever it stands: the twin sets each field of the name
// in a response with two elements in every array, and counts the fields as it goes.
func TestFailuresCountEveryCode(t *testing.T) {
	for key := range codePaths {
		res := kmsg.ResponseForKey(int16(key))
		if res == nil {
			continue
		}
		want := setCodes(reflect.ValueOf(res).Elem(), 7)
		s := newAPIStats(int16(key))
		s.failures(res)
		if got := s.errors[7].Load(); got != uint64(want) {
			t.Errorf("%T: counted %d codes, expected %d", res, got, want)
		}
		if n := testing.AllocsPerRun(10, func() { s.failures(res) }); n > 0 && !raced {
			t.Errorf("%T: got %v allocations, expected none", res, n)
		}
	}
	if len(codePaths[0]) == 0 || len(codePaths[1]) == 0 || len(codePaths[12]) == 0 {
		t.Error("Produce, Fetch and Heartbeat responses have error codes")
	}
}

func setCodes(v reflect.Value, code int16) int {
	n := 0
	for i := range v.NumField() {
		field := v.Field(i)
		switch {
		case v.Type().Field(i).Name == "ErrorCode":
			field.SetInt(int64(code))
			n++
		case field.Kind() == reflect.Struct:
			n += setCodes(field, code)
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.MakeSlice(field.Type(), 2, 2))
			n += setCodes(field.Index(0), code) + setCodes(field.Index(1), code)
		}
	}
	return n
}

// A histogram puts each value below the first bound that is at least as large.
func TestHistogram(t *testing.T) {
	var h Histogram
	h.Init(&Numbers)
	values := []int64{0, 1, 2, 3, 4, 5, 1000, 131072, 131073, math.MaxInt32}
	for _, v := range values {
		h.Observe(v)
	}
	d := h.Read()
	var sum int64
	for _, v := range values {
		sum += v
	}
	if d.Count != uint64(len(values)) || d.Sum != sum {
		t.Errorf("got %d values with the sum %d", d.Count, d.Sum)
	}
	for i, bound := range d.Bounds {
		below := slices.DeleteFunc(slices.Clone(values), func(v int64) bool { return v > bound })
		if d.AtMost[i] != uint64(len(below)) {
			t.Errorf("at most %d: got %d, expected %d", bound, d.AtMost[i], len(below))
		}
	}
	if !slices.IsSorted(Durations[:]) || !slices.IsSorted(Numbers[:]) {
		t.Error("bounds are not in order")
	}
}

// Requests, errors and bytes are counted by API; a request waits until its answer, and is timed when that is taken.
func TestAPIStats(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.mustProduce("t", 0, values("a"))
	h.produce("nowhere", 0, values("a"))
	c := h.connect()
	req := fetchOf(12, want{topic: "t", offset: 1})
	req.MaxWaitMillis = 100
	c.send(req)
	var waiting [len(codePaths)]int
	c.conn.Waiting(&waiting)
	if waiting[1] != 1 {
		t.Errorf("got %d fetches that wait, expected one", waiting[1])
	}
	found := make(map[string]APIStats)
	for _, s := range h.b.APIStats() {
		found[s.Name] = s
	}
	produced, fetched := found["Produce"], found["Fetch"]
	if produced.Requests != 2 || produced.BytesIn < 100 || produced.BytesOut < 50 ||
		!slices.Equal(produced.Errors, []CodeCount{{Code: unknownTopic, Count: 1}}) {
		t.Errorf("got %+v", produced)
	}
	size := uint64(4 + len(frameOf(req)) + len("harness") - len("loop"))
	if fetched.Requests != 1 || fetched.BytesIn != size || fetched.BytesOut != 0 {
		t.Errorf("got %+v", fetched)
	}
	before := h.b.Rejected()
	h.connect().sendFrame([]byte(strings.Repeat("\xff", 20)))
	if got := h.b.Rejected() - before; got != 1 {
		t.Errorf("got %d rejected requests, expected one", got)
	}
	logs := h.b.TopicLogs()
	if len(logs) != 1 || logs[0].Topic != "t" || logs[0].End != 1 || logs[0].Size < 60 || logs[0].Partitions != 1 {
		t.Errorf("got %+v", logs)
	}
	if all := h.b.PartitionLogs(""); len(all) != 1 || all[0].End != 1 || len(h.b.PartitionLogs("other")) != 0 {
		t.Errorf("got %+v", all)
	}
}
