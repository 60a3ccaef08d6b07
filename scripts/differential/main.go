// Differential sends the same requests to Apache Kafka and to gregor and compares the answers field by field.
//
// The requests stand in scripts (testdata/*.txt) beside the answers that Apache Kafka 4.3.1 gave to them, so that
// gregor is compared with Kafka where no Kafka runs: the package's test does that. With Kafka's jars in a directory,
//
//	go run ./scripts/differential                          compares with the recorded answers
//	go run ./scripts/differential -kafka-libs DIR          starts Kafka and compares both brokers live
//	go run ./scripts/differential -kafka-libs DIR -record  takes Kafka's answers into the scripts
//	go run ./scripts/differential -accept                  writes gregor's answers where a reason stands for them
//
// -kafka HOST:PORT takes a broker that runs instead. gregor is started in this process, in memory, unless -gregor names
// one that runs. Scripts may be named; all are the default. The exit code is 0 if nothing differs, 1 if anything does,
// and 2 if that could not be found out.
//
// # Scripts
//
//	# A comment.
//	> Metadata 0-13
//	> {Topics:[{Topic:missing@}] AllowAutoTopicCreation:false}
//	v0-v8 {...}
//	v9-v13 {...}
//	~ why gregor answers otherwise
//	~|v9-v13 {...}
//
// A step begins with ">": the API, the versions to ask in, options, then the request in the same notation in which
// answers are written: field names of package kmsg, fields that are zero left out. "@" stands for a suffix that makes
// names unique on a broker that is used twice. Answers are those of Kafka; where gregor differs on purpose, lines with
// "~" give the reason and its own answer, and the test demands exactly that difference. What no two brokers share
// (addresses, ids, the time) is masked. See step.go for what else a step can be.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	kafka := flag.String("kafka", "", "address of an Apache Kafka broker")
	libs := flag.String("kafka-libs", "", "directory of Apache Kafka's jars, to start a broker")
	gregor := flag.String("gregor", "", "address of a gregor broker; empty for one in this process")
	record := flag.Bool("record", false, "write the answers of -kafka into the scripts")
	accept := flag.Bool("accept", false, "write gregor's answers where a script gives a reason for a difference")
	dir := flag.String("scripts", "scripts/differential/testdata", "folder of the scripts")
	flag.Parse()
	differences, err := compareAll(options{
		kafka: *kafka, libs: *libs, gregor: *gregor, record: *record, accept: *accept, dir: *dir, names: flag.Args(),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(2)
	}
	if differences > 0 {
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	kafka, libs, gregor, dir string
	record, accept           bool
	names                    []string
}

// compareAll runs the scripts and prints what differs. It returns how many steps did.
func compareAll(o options) (int, error) {
	files, err := scriptFiles(o.dir, o.names)
	if err != nil {
		return 0, err
	}
	if o.libs != "" {
		k, err := startKafka(context.Background(), o.libs)
		if err != nil {
			return 0, err
		}
		defer func() {
			if err := k.stop(); err != nil {
				fmt.Fprintln(os.Stderr, "differential: stop Kafka:", err)
			}
		}()
		o.kafka = k.address
	}
	if o.gregor == "" && !o.record {
		local, err := startLocal(context.Background(), "")
		if err != nil {
			return 0, err
		}
		defer local.stop()
		o.gregor = local.address
	}
	total, differences := 0, 0
	for _, name := range files {
		s, err := readScript(name)
		if err != nil {
			return 0, err
		}
		found, err := s.serve(&o)
		if err != nil {
			return 0, err
		}
		for _, d := range found {
			fmt.Println(d)
		}
		total += len(s.steps)
		differences += len(found)
	}
	fmt.Printf("%d scripts, %d steps, %d differences\n", len(files), total, differences)
	return differences, nil
}

// serve does with one script what the options ask for, and returns what differs.
func (s *script) serve(o *options) ([]string, error) {
	if o.kafka != "" {
		if err := s.record(o.kafka); err != nil {
			return nil, err
		}
	}
	switch {
	case o.record:
		return nil, s.write()
	case o.accept:
		if err := s.accept(o.gregor); err != nil {
			return nil, err
		}
		return nil, s.write()
	}
	return s.compare(o.gregor)
}

// scriptFiles lists the scripts that are named, or all of them.
func scriptFiles(dir string, names []string) ([]string, error) {
	if len(names) == 0 {
		return filepath.Glob(filepath.Join(dir, "*.txt"))
	}
	files := make([]string, len(names))
	for i, name := range names {
		files[i] = filepath.Join(dir, name+".txt")
	}
	return files, nil
}
