package main

import (
	"context"
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
//	answer [OPTION...]        the answer to what was sent "later" on the same connection
//	coordinated               waits until the broker coordinates every group
//	await GROUP STATE N       waits until the group is in that state, with N members
//
// with the options
//
//	conn=NAME   another connection than the usual one
//	mine        leave out topics of others
//	noreply     expect no answer, and say whether there was one
//	sort        order topics, resources, configs, groups and members by name, partitions and producers by number
//	quiet       leave error messages out
//	later       send it, and go on without the answer; of one version
//	keep=NAME   remember the session's, the producer's or the member's id as NAME; member(NAME) stands for the last
//	retry       ask until there is no error, for retryTime at most
//	only=FIELD,FIELD   tell these fields of the response alone
//	keys=N,N    of ApiVersions' list, tell these keys alone
//	configs=NAME,NAME   of a new topic's configs, tell these alone

// retryTime is how long a step with "retry" asks. Kafka makes its internal topics upon the first question for them.
const retryTime = 30 * time.Second

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
	known := []string{"mine", "noreply", "sort", "quiet", "retry", "later"}
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
	case "answer":
		return run.answer(&w)
	case "coordinated":
		return nil, run.coordinated()
	case "await":
		return nil, run.awaitGroup(w.args)
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
	run.version = version
	req, err := run.request(w)
	if err != nil {
		return nil, err
	}
	name := w.option("conn")
	c, err := run.conn(name)
	if err != nil {
		return nil, err
	}
	switch {
	case w.has("noreply"):
		return run.silent(name, c, req)
	case w.has("later"):
		run.sent[name] = req
		return nil, c.send(req)
	}
	res, err := w.ask(c, req)
	if err != nil {
		return run.ended(name, err)
	}
	return run.tell(w, res), nil
}

// request makes the request of a step, in the version that is being asked in.
func (run *run) request(w *wantedStep) (kmsg.Request, error) {
	req := requestNamed(w.name)
	req.SetVersion(run.version)
	if w.body == "" {
		return req, nil
	}
	n, err := parseNode(w.body)
	if err != nil {
		return nil, err
	}
	f := filler{run: run}
	err = f.fill(reflect.ValueOf(req).Elem(), n)
	req.SetVersion(run.version)
	return req, err
}

// tell renders an answer as the step wants it, and keeps what it has to.
func (run *run) tell(w *wantedStep, res kmsg.Response) []string {
	run.remember(w.option("keep"), res)
	if w.has("sort") {
		run.sortByName(reflect.ValueOf(res).Elem())
	}
	return run.renderer(w).render(res)
}

// ask asks once, or until there is no error where the step says so.
func (w *wantedStep) ask(c *client, req kmsg.Request) (kmsg.Response, error) {
	res, err := c.ask(req)
	if !w.has("retry") {
		return res, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), retryTime)
	defer cancel()
	for err == nil && failed(res) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: an error is still answered after %v", w.name, retryTime)
		case <-time.After(50 * time.Millisecond):
		}
		res, err = c.ask(req)
	}
	return res, err
}

// failed reports a response that is an error as a whole.
func failed(res kmsg.Response) bool {
	code := reflect.ValueOf(res).Elem().FieldByName("ErrorCode")
	return code.IsValid() && code.Int() != 0
}

// remember gives the id that the broker drew a name.
func (run *run) remember(name string, res kmsg.Response) {
	if name == "" {
		return
	}
	for _, field := range []string{"SessionID", "ProducerID"} {
		if id := reflect.ValueOf(res).Elem().FieldByName(field); id.IsValid() {
			run.kept[name] = id.Int()
		}
	}
	if id := reflect.ValueOf(res).Elem().FieldByName("MemberID"); id.IsValid() {
		run.members = append(run.members, member{template: name, name: run.expand(name), id: id.String()})
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
func (run *run) sortByName(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				run.sortByName(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			run.sortByName(v.Index(i))
		}
		if v.Type().Elem().Kind() == reflect.Struct {
			sort.SliceStable(v.Interface(), func(i, j int) bool {
				return run.nameIn(v.Index(i)) < run.nameIn(v.Index(j))
			})
		}
	}
}

// nameIn returns what a structure is about.
func (run *run) nameIn(v reflect.Value) string {
	for _, field := range []string{"Topic", "Name", "ResourceName", "TopicID", "Group", "InstanceID", "MemberID"} {
		x := v.FieldByName(field)
		if x.IsValid() && x.Kind() == reflect.Pointer && !x.IsNil() {
			x = x.Elem()
		}
		if x.IsValid() && x.Kind() == reflect.String && x.String() != "" {
			return run.maskMembers(x.String())
		}
		if x.IsValid() && x.Kind() == reflect.Array && !x.IsZero() {
			return run.renderID(x.Interface().([16]byte))
		}
	}
	for _, field := range []string{"Partition", "ProducerID"} {
		if x := v.FieldByName(field); x.IsValid() {
			return fmt.Sprintf("%020d", x.Int())
		}
	}
	return ""
}
