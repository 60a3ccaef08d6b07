package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A step is one of
//
//	NAME MIN-MAX [OPTION...] followed by the request   an API in some versions; the answers are told by version
//	raw HEX [OPTION...]       a frame as it stands, without its length; as=NAME:VERSION decodes the answer's body
//	create TOPIC PARTITIONS [CONFIG=VALUE...]          makes a topic and waits until it is led
//	delete TOPIC              deletes a topic and waits until it is gone
//	settle                    waits until what was altered has reached the broker
//
// with the options
//
//	conn=NAME   another connection than the usual one
//	mine        leave out topics of others
//	noreply     expect no answer, and say whether there was one
//	sort        order topics, resources and their configs by name, partitions and producers by number
//	quiet       leave error messages out
//	keep=NAME   remember the session's or the producer's id as NAME
//	retry       ask until there is no error
//	only=FIELD,FIELD   tell these fields of the response alone
//	keys=N,N    of ApiVersions' list, tell these keys alone
//	configs=NAME,NAME   of a new topic's configs, tell these alone

// wantedStep is a step's first line, taken apart.
type wantedStep struct {
	name     string
	args     []string
	options  []string
	min, max int16
	body     string
}

// optionWithValue matches options that have a value.
var optionWithValue = regexp.MustCompile(`^(conn|as|only|keys|configs|keep)=`)

func parseStep(s *step) (w wantedStep, err error) {
	words := strings.Fields(s.ask[0])
	w.name, w.body = words[0], strings.Join(s.ask[1:], "\n")
	known := []string{"mine", "noreply", "sort", "quiet", "retry"}
	for _, word := range words[1:] {
		if slices.Contains(known, word) || optionWithValue.MatchString(word) {
			w.options = append(w.options, word)
		} else {
			w.args = append(w.args, word)
		}
	}
	if requestNamed(w.name) == nil {
		return w, nil
	}
	if len(w.args) != 1 {
		return w, fmt.Errorf("got %q, expected versions after %s", w.args, w.name)
	}
	low, high, ranged := strings.Cut(w.args[0], "-")
	if !ranged {
		high = low
	}
	from, err := strconv.ParseInt(low, 10, 16)
	if err != nil {
		return w, err
	}
	to, err := strconv.ParseInt(high, 10, 16)
	w.min, w.max = int16(from), int16(to)
	return w, err
}

func (w *wantedStep) has(option string) bool {
	return slices.Contains(w.options, option)
}

func (w *wantedStep) option(name string) string {
	for _, o := range w.options {
		if value, ok := strings.CutPrefix(o, name+"="); ok {
			return value
		}
	}
	return ""
}

// requestNamed returns an empty request of an API, or nil.
func requestNamed(name string) kmsg.Request {
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.NameForKey(key) == name {
			return kmsg.RequestForKey(key)
		}
	}
	return nil
}

// do runs one step and returns what was answered.
func (run *run) do(s *step) ([]string, error) {
	w, err := parseStep(s)
	if err != nil {
		return nil, err
	}
	switch w.name {
	case "raw":
		return run.raw(&w)
	case "create":
		return nil, run.create(w.args)
	case "delete":
		return nil, run.delete(w.args[0])
	case "settle":
		return nil, run.settle()
	}
	return run.call(&w)
}

// call asks in every version and tells answers that are alike once.
func (run *run) call(w *wantedStep) ([]string, error) {
	if requestNamed(w.name) == nil {
		return nil, fmt.Errorf("unknown step %q", w.name)
	}
	var lines, last []string
	first := w.min
	flush := func(until int16) {
		if last == nil {
			return
		}
		label := fmt.Sprintf("v%d ", first)
		if until > first {
			label = fmt.Sprintf("v%d-v%d ", first, until)
		}
		lines = append(append(lines, label+last[0]), last[1:]...)
	}
	for v := w.min; v <= w.max; v++ {
		answer, err := run.callVersion(w, v)
		if err != nil {
			return nil, fmt.Errorf("version %d: %w", v, err)
		}
		if last == nil || !slices.Equal(answer, last) {
			flush(v - 1)
			first, last = v, answer
		}
	}
	flush(w.max)
	return lines, nil
}

func (run *run) callVersion(w *wantedStep, version int16) ([]string, error) {
	req := requestNamed(w.name)
	req.SetVersion(version)
	run.version = version
	if w.body != "" {
		n, err := parseNode(w.body)
		if err != nil {
			return nil, err
		}
		f := filler{run: run}
		if err := f.fill(reflect.ValueOf(req).Elem(), n); err != nil {
			return nil, err
		}
		req.SetVersion(version)
	}
	name := w.option("conn")
	c, err := run.conn(name)
	if err != nil {
		return nil, err
	}
	if w.has("noreply") {
		return run.silent(name, c, req)
	}
	res, err := c.ask(req)
	for err == nil && w.has("retry") && failed(res) {
		time.Sleep(50 * time.Millisecond)
		res, err = c.ask(req)
	}
	if err != nil {
		return run.ended(name, err)
	}
	if w.has("sort") {
		sortByName(reflect.ValueOf(res).Elem())
	}
	run.remember(w.option("keep"), res)
	return run.renderer(w).render(res), nil
}

// failed reports a response that is an error as a whole.
func failed(res kmsg.Response) bool {
	code := reflect.ValueOf(res).Elem().FieldByName("ErrorCode")
	return code.IsValid() && code.Int() != 0
}

// remember gives the id that the broker drew a name.
func (run *run) remember(name string, res kmsg.Response) {
	for _, field := range []string{"SessionID", "ProducerID"} {
		if id := reflect.ValueOf(res).Elem().FieldByName(field); id.IsValid() && name != "" {
			run.kept[name] = id.Int()
		}
	}
}

// silent sends a request that must not be answered, and one after it that is, to see where an answer would have come.
func (run *run) silent(name string, c *client, req kmsg.Request) ([]string, error) {
	if err := c.send(req); err != nil {
		return run.ended(name, err)
	}
	asked := c.correlation
	probe := kmsg.NewPtrApiVersionsRequest()
	if err := c.send(probe); err != nil {
		return run.ended(name, err)
	}
	frame, err := c.receive()
	if err != nil {
		return run.ended(name, err)
	}
	if correlationOf(frame) == asked {
		return []string{"an answer"}, nil
	}
	return []string{"no answer"}, nil
}

// ended tells how a connection ended, and forgets it.
func (run *run) ended(name string, err error) ([]string, error) {
	run.forget(name)
	if errors.Is(err, errUndecodable) {
		return []string{"undecodable"}, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return []string{"silence"}, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errReset) {
		return []string{"closed"}, nil
	}
	return nil, err
}

// raw sends a frame as it stands.
func (run *run) raw(w *wantedStep) ([]string, error) {
	frame, err := hex.DecodeString(strings.Join(append(w.args, strings.Fields(w.body)...), ""))
	if err != nil {
		return nil, err
	}
	name := w.option("conn")
	c, err := run.conn(name)
	if err != nil {
		return nil, err
	}
	if err := c.write(frame); err != nil {
		return run.ended(name, err)
	}
	answer, err := c.receive()
	if err != nil {
		return run.ended(name, err)
	}
	as, version, ok := strings.Cut(w.option("as"), ":")
	if !ok {
		return []string{fmt.Sprintf("%x", answer)}, nil
	}
	req := requestNamed(as)
	v, err := strconv.ParseInt(version, 10, 16)
	if err != nil {
		return nil, err
	}
	req.SetVersion(int16(v))
	res, err := decode(req, answer)
	if err != nil {
		return run.ended(name, err)
	}
	told := fmt.Sprintf("correlation %d", correlationOf(answer))
	return append([]string{told}, run.renderer(w).render(res)...), nil
}

// sortByName orders the arrays of a response whose order is the broker's own affair.
func sortByName(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				sortByName(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			sortByName(v.Index(i))
		}
		if v.Type().Elem().Kind() == reflect.Struct {
			sort.SliceStable(v.Interface(), func(i, j int) bool { return nameOf(v.Index(i)) < nameOf(v.Index(j)) })
		}
	}
}

// nameOf returns what a structure is about.
func nameOf(v reflect.Value) string {
	for _, field := range []string{"Topic", "Name", "ResourceName", "TopicID"} {
		x := v.FieldByName(field)
		if x.IsValid() && x.Kind() == reflect.Pointer && !x.IsNil() {
			x = x.Elem()
		}
		if x.IsValid() && x.Kind() == reflect.String && x.String() != "" {
			return x.String()
		}
		if x.IsValid() && x.Kind() == reflect.Array && !x.IsZero() {
			return fmt.Sprint(x.Interface())
		}
	}
	for _, field := range []string{"Partition", "ProducerID"} {
		if x := v.FieldByName(field); x.IsValid() {
			return fmt.Sprintf("%020d", x.Int())
		}
	}
	return ""
}
