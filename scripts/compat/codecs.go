package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// codecs are the names of the codecs, as all clients know them.
var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// perCodec is how many records a client produces with each codec.
const perCodec = 120

// codecChecks have each client produce the same records with each codec, to a topic for each, and each client read all
// of them. What is read is compared with what was produced, so Kafka is not needed for it.
func (w *world) codecChecks() []check {
	producers := []struct {
		name    string
		produce func(context.Context, *side, string, string, []record) error
	}{
		{"kcat", kcatProduce}, {"ConsoleProducer", consoleProduce}, {"franz-go", franzProduce},
	}
	var all []check
	for _, p := range producers {
		what := "produce with every codec, keys, headers, nulls; read back by kcat, ConsoleConsumer and franz-go"
		all = append(all, check{client: p.name, what: what, body: func(ctx context.Context) error {
			var errs []error
			for _, codec := range codecs {
				topic := strings.ToLower(p.name) + "-" + codec
				all := plainRecords(codec)
				err := w.gregor.createTopic(ctx, topic, nil)
				if err == nil {
					err = p.produce(ctx, w.gregor, topic, codec, all)
				}
				if err == nil {
					err = w.gregor.readByAll(ctx, topic, all)
				}
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", topic, err))
				}
			}
			return errors.Join(errs...)
		}})
	}
	return all
}

// createTopic creates a topic of one partition.
func (s *side) createTopic(ctx context.Context, topic string, configs map[string]*string) error {
	_, err := kadm.NewClient(s.client).CreateTopic(ctx, 1, 1, configs, topic)
	return err
}

// plainRecords are records that all clients can take from a line: without times.
func plainRecords(codec string) []record {
	var all []record
	for i := range perCodec {
		r := record{
			Offset:  int64(i),
			Key:     ptr(fmt.Sprintf("key %d", i)),
			Value:   ptr(strings.Repeat(fmt.Sprintf("%s ü %d;", codec, i), 1+i%50)),
			Headers: [][2]string{{"codec", codec}, {"n", "2"}},
		}
		switch i % 10 {
		case 3:
			r.Key = nil
		case 7:
			r.Value = nil
		}
		all = append(all, r)
	}
	return all
}

// kcatProduce writes one record a line, as key|value, with -Z for nulls.
func kcatProduce(ctx context.Context, s *side, topic, codec string, all []record) error {
	args := []string{"-P", "-t", topic, "-p", "0", "-K", "|", "-Z", "-z", codec, "-X", "linger.ms=20"}
	for _, h := range all[0].Headers {
		args = append(args, "-H", h[0]+"="+h[1])
	}
	a, err := s.kcat(ctx, lines(all, "|", ""), args...)
	return failure(a, err)
}

// consoleProduce writes headers, key and value, with a marker for nulls.
func consoleProduce(ctx context.Context, s *side, topic, codec string, all []record) error {
	var head []string
	for _, h := range all[0].Headers {
		head = append(head, h[0]+":"+h[1])
	}
	text := strings.Join(head, ",") + "\t"
	input := text + strings.ReplaceAll(strings.TrimSuffix(lines(all, "\t", "NULL"), "\n"), "\n", "\n"+text) + "\n"
	a, err := s.tools.run(ctx, input, class("ConsoleProducer"), "--bootstrap-server", s.address, "--topic", topic,
		"--compression-codec", codec, "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true",
		"--reader-property", "null.marker=NULL")
	return failure(a, err)
}

// lines writes records as lines of key and value.
func lines(all []record, separator, null string) string {
	var text strings.Builder
	for _, r := range all {
		key, value := null, null
		if r.Key != nil {
			key = *r.Key
		}
		if r.Value != nil {
			value = *r.Value
		}
		text.WriteString(key + separator + value + "\n")
	}
	return text.String()
}

// failure is the error of a command that should have worked.
func failure(a answer, err error) error {
	if err == nil && a.code != 0 {
		err = fmt.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	return err
}

// readByAll reads a topic of one partition with each client and compares. Times count where the records have any.
func (s *side) readByAll(ctx context.Context, topic string, want []record) error {
	timed := len(want) > 0 && want[0].Time != 0
	var errs []error
	for _, reader := range []struct {
		name string
		read func(context.Context, string, int) ([]record, error)
	}{
		{"kcat", s.readKcat}, {"ConsoleConsumer", s.readConsole}, {"franz-go", s.readFranz},
	} {
		got, err := reader.read(ctx, topic, len(want))
		if err == nil {
			if !timed {
				got = withoutTimes(got)
			}
			err = sameRecords(got, want)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read by %s: %w", reader.name, err))
		}
	}
	return errors.Join(errs...)
}

// readKcat reads partition 0 to its end.
func (s *side) readKcat(ctx context.Context, topic string, _ int) ([]record, error) {
	a, err := s.kcat(ctx, "", "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-J",
		"-X", "fetch.wait.max.ms=20")
	if err := failure(a, err); err != nil {
		return nil, err
	}
	return parseKcat(a.stdout)
}

// readConsole reads n records of partition 0.
func (s *side) readConsole(ctx context.Context, topic string, n int) ([]record, error) {
	args := []string{"--bootstrap-server", s.address, "--topic", topic, "--partition", "0", "--offset", "earliest",
		"--max-messages", fmt.Sprint(n), "--timeout-ms", "10000",
		"--command-property", "fetch.max.wait.ms=20"}
	a, err := s.tools.run(ctx, "", class("ConsoleConsumer"), append(args, consoleOptions...)...)
	if err := failure(a, err); err != nil {
		return nil, err
	}
	return parseConsole(a.stdout)
}

// readFranz reads n records of partition 0.
func (s *side) readFranz(ctx context.Context, topic string, n int) ([]record, error) {
	return s.franzRead(ctx, topic, kgo.NewOffset().AtStart(), n)
}
