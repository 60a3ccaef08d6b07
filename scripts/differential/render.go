package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// renderer writes responses in the notation, with what no two brokers share masked.
type renderer struct {
	run *run
	// mine leaves out topics that are not this run's.
	mine bool
	// only names the fields of the response to tell, if it names any, and keys those of ApiVersions' list.
	only, keys []string
	// quiet leaves error messages out.
	quiet bool
	// configs names the configs of new topics to tell, if it names any.
	configs []string
}

// renderer returns what renders the answers of a step.
func (run *run) renderer(w *wantedStep) *renderer {
	r := &renderer{run: run, mine: w.has("mine"), quiet: w.has("quiet")}
	for option, list := range map[string]*[]string{"only": &r.only, "keys": &r.keys, "configs": &r.configs} {
		if value := w.option(option); value != "" {
			*list = strings.Split(value, ",")
		}
	}
	return r
}

// widest is how long a structure may be on one line.
const widest = 110

// render returns a response as lines.
func (r *renderer) render(res kmsg.Response) []string {
	return strings.Split(r.value("", reflect.ValueOf(res).Elem(), 0), "\n")
}

func (r *renderer) value(name string, v reflect.Value, indent int) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return r.value(name, v.Elem(), indent)
	case reflect.Struct:
		return layout('{', '}', r.fields(v, indent+1), indent)
	case reflect.Slice:
		if v.IsNil() {
			return "null"
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return r.run.renderBytes(name, v.Bytes())
		}
		var items []string
		for i := range v.Len() {
			if (!r.mine || r.own(v.Index(i))) && r.asked(v.Index(i)) {
				items = append(items, r.value(name, v.Index(i), indent+1))
			}
		}
		return layout('[', ']', items, indent)
	case reflect.Array:
		return r.run.renderID(v.Convert(reflect.TypeFor[[16]byte]()).Interface().([16]byte))
	case reflect.String:
		return quoted(r.run.maskString(name, v.String()))
	case reflect.Float64:
		return fmt.Sprint(v.Float())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Uint16:
		return r.run.maskNumber(name, int64(v.Uint()))
	}
	return r.run.maskNumber(name, v.Int())
}

// fields renders the fields of a structure that say something.
func (r *renderer) fields(v reflect.Value, indent int) []string {
	var parts []string
	for i := range v.NumField() {
		name, x := v.Type().Field(i).Name, v.Field(i)
		if name == "Version" || indent == 1 && r.only != nil && !slices.Contains(r.only, name) {
			continue
		}
		if name == "UnknownTags" {
			tags := x.Addr().Interface().(*kmsg.Tags)
			if tags.Len() > 0 {
				parts = append(parts, fmt.Sprintf("UnknownTags:%d", tags.Len()))
			}
			continue
		}
		if name == "ErrorMessage" && r.quiet {
			continue
		}
		if x.IsZero() && name != "ProducerID" || emptyArray(x) && !nullable(v.Type(), name) {
			continue
		}
		text := r.value(name, x, indent)
		if text != "{}" {
			parts = append(parts, name+":"+text)
		}
	}
	return parts
}

func emptyArray(x reflect.Value) bool {
	return x.Kind() == reflect.Slice && x.Len() == 0 && !x.IsNil()
}

// nullable names the arrays of responses where null and empty are two answers.
func nullable(t reflect.Type, field string) bool {
	return field == "AbortedTransactions" || field == "RecordBatches" || field == "Configs" && t.Name() ==
		"CreateTopicsResponseTopic"
}

// own reports whether a structure is about one of this run's topics or groups, or about none.
func (r *renderer) own(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return true
	}
	if group := v.FieldByName("Group"); group.IsValid() && group.Kind() == reflect.String {
		return strings.Contains(group.String(), r.run.suffix)
	}
	topic := v.FieldByName("Topic")
	if topic.IsValid() && topic.Kind() == reflect.Pointer && !topic.IsNil() {
		topic = topic.Elem()
	}
	return !topic.IsValid() || topic.Kind() != reflect.String || strings.Contains(topic.String(), r.run.suffix)
}

// asked reports whether an element is of an API or of a config that the step wants told.
func (r *renderer) asked(v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case kmsg.ApiVersionsResponseApiKey:
		return r.keys == nil || slices.Contains(r.keys, strconv.Itoa(int(x.ApiKey)))
	case kmsg.CreateTopicsResponseTopicConfig:
		return !ours(x.Name) && (r.configs == nil || slices.Contains(r.configs, x.Name))
	case kmsg.DescribeConfigsResponseResourceConfig:
		return !ours(x.Name)
	}
	return true
}

// ours reports a config that Kafka does not have.
func ours(name string) bool {
	return strings.HasPrefix(name, "gregor.")
}

// layout puts parts on one line if they fit, else one a line.
func layout(open, closing byte, parts []string, indent int) string {
	one := fmt.Sprintf("%c%s%c", open, strings.Join(parts, " "), closing)
	if len(one)+2*indent <= widest && !strings.Contains(one, "\n") {
		return one
	}
	pad := strings.Repeat("  ", indent+1)
	return fmt.Sprintf("%c\n%s%s\n%s%c", open, pad, strings.Join(parts, "\n"+pad), pad[2:], closing)
}

// quoted writes a word, in quotes if it needs them.
func quoted(s string) string {
	if s == "" || s == "null" || strings.ContainsAny(s, " \n\t\"{}[]()") {
		return strconv.Quote(s)
	}
	return s
}

// maskString hides the addresses and names that differ from broker to broker.
func (run *run) maskString(field, s string) string {
	switch field {
	case "ClusterID":
		return "CLUSTER"
	case "Host":
		if s == run.host {
			return "HOST"
		}
	case "LogDir", "Dir":
		return "DIR"
	case "Group", "Key":
		s = strings.ReplaceAll(s, fmt.Sprint(run.version)+run.suffix, "$v@")
	}
	return strings.ReplaceAll(run.maskMembers(s), run.suffix, "@")
}

// maskNumber hides ids that the broker draws, its port, and the time.
func (run *run) maskNumber(field string, n int64) string {
	switch {
	case field == "Port" && n == int64(run.port):
		return "PORT"
	case field == "SessionID" && n != 0:
		return run.nameOf(n)
	case field == "ProducerID" && n >= 0 && n < least:
		return run.nameOf(n)
	case field == "FinalizedFeaturesEpoch" && n >= 0:
		return "EPOCH"
	case strings.HasSuffix(field, "Bytes") && n > 1<<20:
		return "BYTES"
	case strings.Contains(field, "Time") && time.UnixMilli(n).After(run.started.Add(-time.Minute)) &&
		time.UnixMilli(n).Before(run.started.Add(time.Hour)):
		return "NOW"
	}
	return strconv.FormatInt(n, 10)
}

// least is the smallest producer id that scripts make up themselves; smaller ones are the broker's.
const least = 900000

// nameOf returns the name that an id of the broker was kept under.
func (run *run) nameOf(n int64) string {
	for _, name := range slices.Sorted(maps.Keys(run.kept)) {
		if run.kept[name] == n {
			return name
		}
	}
	return "NEW"
}
