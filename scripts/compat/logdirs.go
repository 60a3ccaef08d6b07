package main

import (
	"context"
	"errors"
	"os/exec"
)

// logDirsChecks are those of brokers with two log directories each, which start and end with them: all else runs on
// brokers with one.
func (w *world) logDirsChecks() []check {
	scenes, err := readScript("logdirs")
	if err != nil {
		return []check{{client: "ReassignPartitionsCommand", what: "between log directories",
			body: func(context.Context) error { return err }}}
	}
	var all []check
	for i, scene := range scenes {
		all = append(all, check{
			client: scene.client, what: scene.what, commands: scene.compared(),
			body: func(ctx context.Context) error { return w.onTwoDirs(ctx, scene, w.transcript("logdirs", i)) },
		})
	}
	return all
}

// onTwoDirs plays a scene on two brokers of its own.
func (w *world) onTwoDirs(ctx context.Context, s scene, transcript string) (err error) {
	pair := &world{out: w.out, binary: w.binary, rep: w.rep, met: w.met}
	pair.gregor, err = newSide(w.out, "two-gregor", w.gregor.apps, w.launchGregor, "data2")
	if err != nil {
		return err
	}
	j := w.kafka.apps.java
	pair.kafka, err = newSide(w.out, "two-kafka", w.kafka.apps, func(file string) *exec.Cmd {
		return j.command("broker-two", "-Xmx512m", "kafka.Kafka", file)
	}, "data2")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, pair.both(func(s *side) error { return errors.Join(s.kill(), s.log.Close()) }))
	}()
	if err := errors.Join(pair.format(ctx), pair.startBoth(ctx)); err != nil {
		return err
	}
	return pair.playScene(ctx, s, transcript)
}
