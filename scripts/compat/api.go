package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// apiRow is one API that Kafka advertises.
type apiRow struct {
	key      int16
	min, max int16
	// served says that gregor advertises it, too.
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
			w.apis = rows
		}
		return errors.Join(errs...)
	})
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
	rows := make([]apiRow, 0, len(theirs))
	var errs []error
	for _, k := range theirs {
		at := slices.IndexFunc(ours, func(g kmsg.ApiVersionsResponseApiKey) bool { return g.ApiKey == k.ApiKey })
		rows = append(rows, apiRow{key: k.ApiKey, min: k.MinVersion, max: k.MaxVersion, served: at >= 0})
		if at < 0 {
			continue
		}
		if g := ours[at]; g.MinVersion != k.MinVersion || g.MaxVersion != k.MaxVersion {
			errs = append(errs, fmt.Errorf("%s: got versions %d-%d, Kafka has %d-%d",
				kmsg.NameForKey(k.ApiKey), g.MinVersion, g.MaxVersion, k.MinVersion, k.MaxVersion))
		}
	}
	for _, g := range ours {
		if !slices.ContainsFunc(rows, func(r apiRow) bool { return r.key == g.ApiKey }) {
			errs = append(errs, fmt.Errorf("%s is advertised, and Kafka does not have it", kmsg.NameForKey(g.ApiKey)))
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
