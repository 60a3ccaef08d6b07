package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is the id that a broker gave to a member of a group.
type member struct {
	// template is the name that the step gave it, and name is that with the version in place of "$v".
	template, name, id string
}

// uuid is what Kafka ends the ids of members with.
var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

var errNoMember = errors.New("no member was kept")

// text reads a word that stands for a string: member(NAME), or itself.
func (run *run) text(word string) (string, error) {
	name, ok := strings.CutPrefix(word, "member(")
	if !ok {
		return run.expand(word), nil
	}
	name = run.expand(strings.TrimSuffix(name, ")"))
	for i := len(run.members) - 1; i >= 0; i-- {
		if run.members[i].name == name {
			return run.members[i].id, nil
		}
	}
	return "", fmt.Errorf("%w as %s", errNoMember, name)
}

// maskMembers puts the names of members for their ids, and hides what is random in those of others.
func (run *run) maskMembers(s string) string {
	for _, m := range run.members {
		name := m.name
		if run.expand(m.template) == m.name {
			name = m.template
		}
		if m.id != "" {
			s = strings.ReplaceAll(s, m.id, "member("+name+")")
		}
	}
	return uuid.ReplaceAllString(s, "UUID")
}

// subscription is what a consumer tells its group: the topics that it reads.
func (run *run) subscription(topics string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	for topic := range strings.SplitSeq(topics, ",") {
		if topic = strings.TrimSpace(topic); topic != "" {
			m.Topics = append(m.Topics, run.expand(topic))
		}
	}
	return m.AppendTo(nil)
}

// renderBytes writes what members said as the word that makes it, and all other bytes as record batches.
func (run *run) renderBytes(field string, p []byte) string {
	switch field {
	case "ProtocolMetadata", "MemberAssignment":
	default:
		return run.renderBatches(p)
	}
	m := kmsg.NewConsumerMemberMetadata()
	if len(p) > 6 && p[0] == 0 && m.ReadFrom(p) == nil {
		return "subscription(" + run.maskString(field, strings.Join(m.Topics, ", ")) + ")"
	}
	for _, c := range p {
		if c < ' ' || c > '~' {
			return "hex(" + hex.EncodeToString(p) + ")"
		}
	}
	return "text(" + run.maskString(field, string(p)) + ")"
}

// answer takes the answer to what was sent before.
func (run *run) answer(w *wantedStep) ([]string, error) {
	name := w.option("conn")
	c, req := run.conns[name], run.sent[name]
	if c == nil || req == nil {
		return nil, fmt.Errorf("nothing was sent later on connection %q", name)
	}
	delete(run.sent, name)
	frame, err := c.receive()
	if err != nil {
		return run.ended(name, err)
	}
	run.version = req.GetVersion()
	res, err := decode(req, frame)
	if err != nil {
		return run.ended(name, err)
	}
	return run.tell(w, res), nil
}

// coordinated waits until the broker coordinates groups: all that are asked for, which are enough to meet every
// partition of its offsets.
func (run *run) coordinated() error {
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "anyone"
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for i := range 500 {
		describe.Groups = append(describe.Groups, "group-"+strconv.Itoa(i))
	}
	return run.until("coordinated", func() (bool, error) {
		res, err := run.askMain(find)
		if err != nil || res.(*kmsg.FindCoordinatorResponse).ErrorCode != 0 {
			return false, err
		}
		if res, err = run.askMain(describe); err != nil {
			return false, err
		}
		for _, g := range res.(*kmsg.DescribeGroupsResponse).Groups {
			if kerr.IsRetriable(kerr.ErrorForCode(g.ErrorCode)) {
				return false, nil
			}
		}
		return true, nil
	})
}

// awaitGroup waits until a group is as wanted: its name, its state, and how many members it has.
func (run *run) awaitGroup(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("got %q, expected a group, a state and a number after await", args)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{run.expand(args[0])}
	return run.until(strings.Join(args, " "), func() (bool, error) {
		res, err := run.askMain(req)
		if err != nil {
			return false, err
		}
		g := res.(*kmsg.DescribeGroupsResponse).Groups[0]
		return g.State == args[1] && len(g.Members) == n, nil
	})
}

// until asks until the answer is yes, for retryTime at most.
func (run *run) until(what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), retryTime)
	defer cancel()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not so after %v", what, retryTime)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
