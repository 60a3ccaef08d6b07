package main

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
)

// servedAPI is an API of the Kafka protocol with the versions that the broker advertises.
type servedAPI struct {
	Key  int16  `json:"key"`
	Name string `json:"name"`
	Min  int16  `json:"min_version"`
	Max  int16  `json:"max_version"`
}

// servedAPIs asks a broker of this binary, in memory and without a socket, which APIs it serves: there is no second
// list that could be out of date.
func servedAPIs() ([]servedAPI, error) {
	frame, err := askBroker(kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return nil, err
	}
	res := kmsg.NewPtrApiVersionsResponse()
	const head = 8 // length and correlation id
	if len(frame) < head {
		return nil, fmt.Errorf("got an answer of %d bytes, expected at least %d", len(frame), head)
	}
	if err := res.ReadFrom(frame[head:]); err != nil {
		return nil, err
	}
	apis := make([]servedAPI, 0, len(res.ApiKeys))
	for _, k := range res.ApiKeys {
		apis = append(apis, servedAPI{
			Key: k.ApiKey, Name: broker.APIName(k.ApiKey), Min: k.MinVersion, Max: k.MaxVersion,
		})
	}
	return apis, nil
}

// askBroker puts one request to a fresh broker in memory and returns the frame of its answer, in version 0.
func askBroker(req kmsg.Request) ([]byte, error) {
	cfg, _, err := config.ParseBroker([]config.KV{{Name: "log.dirs", Value: memoryData}})
	if err != nil {
		return nil, err
	}
	now := env.NewClock().Now()
	var effects broker.Effects
	b, err := broker.Open(broker.Options{
		FS: vfs.NewMem(vfs.MemOptions{}), Config: cfg, Now: now, Rand: env.NewSeeded(0, "version"), OpenFiles: 1,
		Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "localhost", Port: 9092}},
		Log:        slog.New(slog.DiscardHandler),
		Parallel: func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		},
	}, &effects)
	if err != nil {
		return nil, err
	}
	conn := broker.NewConn(b.Listener("PLAINTEXT"), "")
	const length = 4
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)[length:]
	b.Step(now, broker.Input{Kind: broker.Frame, Conn: conn, Frame: frame}, &effects)
	var answer []byte
	for _, reply := range conn.Take(nil) {
		p, _ := reply.Part(0)
		answer = append(answer, p...)
		reply.Release()
	}
	return answer, b.Abandon()
}
