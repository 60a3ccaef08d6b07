package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// versions are those of an API, from the first to the last.
type versions struct{ first, last int16 }

// String is "3-7", or "3" for one alone.
func (v versions) String() string {
	if v.first == v.last {
		return fmt.Sprint(v.first)
	}
	return fmt.Sprintf("%d-%d", v.first, v.last)
}

// apiRow is one API that Kafka advertises.
type apiRow struct {
	key   int16
	name  string
	kafka versions
	// gregor has its versions, if served says that it advertises any.
	gregor versions
	served bool
}

// checkAPIs compares which versions of which APIs both brokers advertise: where gregor serves an API, it must be in all
// of Kafka's versions.
func (w *world) checkAPIs(ctx context.Context) {
	what := "every API that gregor advertises, in all of Kafka's versions; in every version of the request"
	w.rep.check(ctx, "ApiVersions", what, func(ctx context.Context) error {
		var errs []error
		for version := int16(0); version <= 4; version++ {
			rows, err := w.compareAPIs(ctx, version)
			if err != nil {
				errs = append(errs, fmt.Errorf("ApiVersions v%d: %w", version, err))
			}
			// A later version may list more.
			if len(rows) > 0 {
				w.apis = rows
			}
		}
		return errors.Join(errors.Join(errs...), w.nameAPIs(ctx))
	})
}

// toolLine is how BrokerApiVersionsCommand shows an API that a broker has.
var toolLine = regexp.MustCompile(`(?m)^\t(\w+)\((\d+)\): \d`)

// nameAPIs takes the names of the APIs from Kafka's tool.
func (w *world) nameAPIs(ctx context.Context) error {
	a, err := w.kafka.tools.run(ctx, "", class("BrokerApiVersionsCommand"), "--bootstrap-server", w.kafka.address)
	if err := failure(a, err); err != nil {
		return err
	}
	named := apiNames(a.stdout)
	for i, row := range w.apis {
		if w.apis[i].name = named[row.key]; w.apis[i].name == "" {
			return fmt.Errorf("BrokerApiVersionsCommand has no name for API %d", row.key)
		}
	}
	return nil
}

// apiNames reads the names of APIs, by key, from what BrokerApiVersionsCommand prints.
func apiNames(text string) map[int16]string {
	named := make(map[int16]string)
	for _, m := range toolLine.FindAllStringSubmatch(text, -1) {
		if key, err := strconv.ParseInt(m[2], 10, 16); err == nil {
			named[int16(key)] = m[1]
		}
	}
	return named
}

func (w *world) compareAPIs(ctx context.Context, version int16) ([]apiRow, error) {
	ours, err := w.gregor.apiVersions(ctx, version)
	if err != nil {
		return nil, err
	}
	theirs, err := w.kafka.apiVersions(ctx, version)
	if err != nil {
		return nil, err
	}
	return matchAPIs(ours, theirs)
}

// matchAPIs lays what gregor advertises beside what Kafka does. The rows are in the order of keys, and complete even if
// there is an error.
func matchAPIs(ours, theirs []kmsg.ApiVersionsResponseApiKey) ([]apiRow, error) {
	rows := make([]apiRow, 0, len(theirs))
	var errs []error
	for _, k := range theirs {
		row := apiRow{key: k.ApiKey, kafka: versions{k.MinVersion, k.MaxVersion}}
		at := slices.IndexFunc(ours, func(g kmsg.ApiVersionsResponseApiKey) bool { return g.ApiKey == k.ApiKey })
		if at >= 0 {
			row.served, row.gregor = true, versions{ours[at].MinVersion, ours[at].MaxVersion}
		}
		if row.served && row.gregor != row.kafka {
			errs = append(errs, fmt.Errorf("API %d: got versions %v, Kafka has %v", k.ApiKey, row.gregor, row.kafka))
		}
		rows = append(rows, row)
	}
	for _, g := range ours {
		if !slices.ContainsFunc(rows, func(r apiRow) bool { return r.key == g.ApiKey }) {
			errs = append(errs, fmt.Errorf("API %d is advertised, and Kafka does not have it", g.ApiKey))
		}
	}
	slices.SortFunc(rows, func(a, b apiRow) int { return int(a.key) - int(b.key) })
	return rows, errors.Join(errs...)
}

// apiVersions asks in one version of the request, on a connection of its own.
func (s *side) apiVersions(ctx context.Context, version int16) ([]kmsg.ApiVersionsResponseApiKey, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "compat", "1"
	req.SetVersion(version)
	frame, err := s.ask(ctx, kmsg.NewRequestFormatter().AppendRequest(nil, req, 1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	reply := kmsg.NewPtrApiVersionsResponse()
	reply.SetVersion(version)
	// This answer's header is a correlation id alone, whatever the version.
	if len(frame) < 4 {
		return nil, fmt.Errorf("%s: got an answer of %d bytes", s.name, len(frame))
	}
	if err := reply.ReadFrom(frame[4:]); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if reply.ErrorCode != 0 || len(reply.ApiKeys) == 0 {
		return nil, fmt.Errorf("%s: got error %d and %d keys", s.name, reply.ErrorCode, len(reply.ApiKeys))
	}
	return reply.ApiKeys, nil
}

// ask sends one frame on a new connection and returns the answer without its length.
func (s *side) ask(ctx context.Context, frame []byte) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	var length int32
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	const most = 1 << 20
	if length < 0 || length > most {
		return nil, fmt.Errorf("got an answer of %d bytes, expected at most %d", length, most)
	}
	answer := make([]byte, length)
	_, err = io.ReadFull(conn, answer)
	return answer, err
}
