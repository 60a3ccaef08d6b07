package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// number30 is what librdkafka's tests print, shortened.
const number30 = "[0030_offset_commit          / 0.0s] [ do_empty_commit:401 ]\n" +
	"\x1b[32m[0030_offset_commit          / 0.6s] [ do_empty_commit:401: PASS (0.67s) ]\x1b[0m\n" +
	"[0030/ 0.6s] [ do_nonexist_commit:430 ]\n" +
	"[0030/ 0.9s] [ do_offset_test:91: AUTO.COMMIT & AUTO.STORE ]\n" +
	"[0030/ 2.9s] [ do_offset_test:91: AUTO.COMMIT & AUTO.STORE: PASS (1.76s) ]\n" +
	"[0030/ 2.9s] [ do_offset_test:91: AUTO.COMMIT & AUTO.STORE ]\n" +
	"[0030/ 2.9s] [ do_offset_test:91: AUTO.COMMIT & AUTO.STORE: SKIP: no time\n" +
	"[0030/ 2.9s] [ consume:12: rdkafkatest_rnd12_x at 0x7f00 ]\n" +
	"| 0030_offset_commit                       |     %s |   6.559s |\n"

func TestPartsOfANumber(t *testing.T) {
	for _, c := range []struct {
		row   string
		clean bool
		open  verdict // what parts without an end become
	}{
		{"PASSED", true, passed},
		{"FAILED", true, failed},
		{"PASSED", false, failed},
	} {
		got := make(map[string]verdict)
		text := plainText(fmt.Appendf(nil, number30, c.row))
		for _, o := range partsOf("0030", text, c.clean, time.Second) {
			got[o.name] = o.verdict
		}
		want := map[string]verdict{
			"0030/do_empty_commit": passed, "0030/do_nonexist_commit": c.open,
			"0030/do_offset_test: AUTO.COMMIT & AUTO.STORE":    passed,
			"0030/do_offset_test: AUTO.COMMIT & AUTO.STORE #2": skipped,
			"0030/consume: TOPIC at PTR":                       c.open,
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s, clean %v: got %v, expected %v", c.row, c.clean, got, want)
		}
	}
}

func TestNumbersWithoutParts(t *testing.T) {
	for _, c := range []struct {
		text  string
		clean bool
		want  verdict
	}{
		{"| 0001_multiobj |     PASSED |   1.2s |\n", true, passed},
		{"| 0001_multiobj |     PASSED |   1.2s |\n", false, failed},
		{"| 0001_multiobj |    SKIPPED |   0.0s |\n", true, skipped},
		{"| 0001_multiobj |     FAILED |   0.0s |\n", true, failed},
		{"", true, failed},
	} {
		got := partsOf("0001", c.text, c.clean, time.Second)
		if len(got) != 1 || got[0].name != "0001" || got[0].verdict != c.want {
			t.Errorf("%q: got %+v, expected %s", c.text, got, c.want)
		}
	}
}

// printed repeats a line for each message; "#" stands for its number.
func printed(count int, line string) string {
	var b strings.Builder
	for i := range count {
		b.WriteString(strings.ReplaceAll(line, "#", fmt.Sprint(i)) + "\n")
	}
	return b.String()
}

func TestWhatToolsPrint(t *testing.T) {
	const (
		sent = `{"timestamp":1,"name":"producer_send_success","key":null,"value":"#","partition":0}`
		done = `{"timestamp":1,"name":"tool_data","sent":1000,"acked":1000}`
		read = `{"timestamp":1,"name":"record_data","value":"#","partition":0}`
		kept = `{"timestamp":1,"name":"offsets_committed","offsets":[],"success":true}` + "\n"
		lost = `{"timestamp":1,"name":"offsets_committed","offsets":[],"error":"x","success":false}` + "\n"
	)
	for _, c := range []struct {
		name  string
		holds func(string) error
		text  string
		good  bool
	}{
		{"produced", producedAll, printed(1000, sent) + done, true},
		{"one missing", producedAll, printed(999, sent) + done, false},
		{"no summary", producedAll, printed(1000, sent), false},
		{"an error", producedAll, printed(1000, sent) + done + `
{"name":"producer_send_error"}`, false},
		{"consumed", consumedAll, printed(1000, read) + kept, true},
		{"one not consumed", consumedAll, printed(999, read) + printed(1, read) + kept, false},
		{"nothing committed", consumedAll, printed(1000, read), false},
		{"a commit refused", consumedAll, printed(1000, read) + lost + kept, false},
		{"numbers", numbersAll, "x\n" + printed(1000, "#"), true},
		{"a number twice", numbersAll, printed(1000, "#") + "7\n", false},
		{"a number less", numbersAll, printed(999, "#"), false},
		{"copied", copiedAll, `{"totalProcessed":1,"name":"shutdown_complete"}`, true},
		{"copied, of old", copiedAll, `{"shutdown_complete":1}`, true},
		{"not to the end", copiedAll, `{"name":"progress"}`, false},
		{"anything", nothing, "", true},
	} {
		if err := c.holds(c.text); (err == nil) != c.good {
			t.Errorf("%s: got %v, expected it to be good: %v", c.name, err, c.good)
		}
	}
}
