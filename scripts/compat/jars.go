package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kafkaVersion is the release that gregor is compared with.
const kafkaVersion = "4.3.1"

// needed are the artifacts of Maven that hold Kafka with its tools; logging is not among what Kafka 4 depends on.
var needed = [][3]string{
	{"org.apache.kafka", "kafka_2.13", kafkaVersion},
	{"org.apache.kafka", "kafka-tools", kafkaVersion},
	{"org.apache.kafka", "kafka-streams", kafkaVersion},
	{"org.apache.kafka", "connect-runtime", kafkaVersion},
	{"org.apache.kafka", "connect-file", kafkaVersion},
	{"org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"},
	{"org.apache.logging.log4j", "log4j-core", "2.24.3"},
}

// pom is Maven's file that asks for what is needed.
func pom() string {
	var b strings.Builder
	b.WriteString(`<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>gregor</groupId> <artifactId>compat</artifactId> <version>1</version> <packaging>pom</packaging>
  <dependencies>
`)
	for _, a := range needed {
		fmt.Fprintf(&b, "    <dependency>\n      <groupId>%s</groupId> <artifactId>%s</artifactId> "+
			"<version>%s</version>\n    </dependency>\n", a[0], a[1], a[2])
	}
	b.WriteString("  </dependencies>\n</project>\n")
	return b.String()
}

// findJars returns the folder of Kafka's jars: the one that KAFKA_LIBS names, else out/libs, filled by Maven if it is
// empty.
func findJars(ctx context.Context, out string) (string, error) {
	if libs := os.Getenv("KAFKA_LIBS"); libs != "" {
		if !hasKafka(libs) {
			return "", fmt.Errorf("KAFKA_LIBS: got %s without all of the jars of kafka, kafka-tools, kafka-streams, "+
				"connect-runtime and connect-file %s", libs, kafkaVersion)
		}
		return filepath.Abs(libs)
	}
	libs, err := filepath.Abs(filepath.Join(out, "libs"))
	if err != nil || hasKafka(libs) {
		return libs, err
	}
	return libs, fetchJars(ctx, out, libs)
}

// fetchJars has Maven fill the folder, which comes to be only when all are there.
func fetchJars(ctx context.Context, out, libs string) error {
	say("fetching the jars of Kafka %s with Maven, once", kafkaVersion)
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("mvn is needed to fetch Kafka's jars (or KAFKA_LIBS, to name a folder of them): %w", err)
	}
	part, file := libs+".part", filepath.Join(out, "pom.xml")
	err := errors.Join(os.RemoveAll(part), os.RemoveAll(libs), os.MkdirAll(part, 0o755),
		os.WriteFile(file, []byte(pom()), 0o644))
	if err != nil {
		return err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DoutputDirectory="+part)
	if text, err := mvn.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, cut(string(text), 4000))
	}
	if !hasKafka(part) {
		return fmt.Errorf("got no jars of Kafka %s from Maven in %s", kafkaVersion, part)
	}
	return os.Rename(part, libs)
}

// hasKafka reports that a folder has the jars of the version that is wanted.
func hasKafka(libs string) bool {
	for _, name := range []string{
		"kafka-clients-", "kafka-tools-", "kafka_2.13-", "kafka-streams-", "connect-runtime-", "connect-file-",
	} {
		if _, err := os.Stat(filepath.Join(libs, name+kafkaVersion+".jar")); err != nil {
			return false
		}
	}
	return true
}

//go:embed Tools.java
var toolsSource []byte

//go:embed WordCount.java
var wordCountSource []byte

// logging has Java's programs write warnings to the file that the property compat.log names.
const logging = `rootLogger.level=WARN
rootLogger.appenderRef.f.ref=F
appender.f.type=File
appender.f.name=F
appender.f.fileName=${sys:compat.log}
appender.f.layout.type=PatternLayout
appender.f.layout.pattern=%d %p %m (%c)%n
`

// java knows how to start Java programs with Kafka's jars.
type java struct {
	// libs is the folder of jars; classes has Tools.class; logs is where logs go.
	libs, classes, logs string
}

// newJava finds the jars and compiles Tools.java and WordCount.java.
func newJava(ctx context.Context, out string) (*java, error) {
	libs, err := findJars(ctx, out)
	if err != nil {
		return nil, err
	}
	j := &java{libs: libs, classes: filepath.Join(out, "classes"), logs: filepath.Join(out, "logs")}
	sources := []string{filepath.Join(j.classes, "Tools.java"), filepath.Join(j.classes, "WordCount.java")}
	err = errors.Join(
		os.MkdirAll(j.classes, 0o755),
		os.MkdirAll(j.logs, 0o755),
		os.MkdirAll(filepath.Join(out, "tmp"), 0o755),
		os.WriteFile(sources[0], toolsSource, 0o644),
		os.WriteFile(sources[1], wordCountSource, 0o644),
		os.WriteFile(filepath.Join(j.classes, "log4j2.properties"), []byte(logging), 0o644),
	)
	if err != nil {
		return nil, err
	}
	say("compiling the programs that run Kafka's tools and Streams")
	javac := exec.CommandContext(ctx, "javac",
		append([]string{"-d", j.classes, "-cp", filepath.Join(libs, "*")}, sources...)...)
	if text, err := javac.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("javac: %w\n%s", err, text)
	}
	return j, nil
}

// command prepares a JVM. Its warnings go to the log of that name.
func (j *java) command(log string, args ...string) *exec.Cmd {
	all := []string{
		"-XX:+UseSerialGC", "-Djava.io.tmpdir=" + filepath.Join(j.classes, "..", "tmp"),
		"-Dlog4j2.configurationFile=" + filepath.Join(j.classes, "log4j2.properties"),
		"-Dcompat.log=" + filepath.Join(j.logs, log+".log"),
		"-cp", j.classes + string(filepath.ListSeparator) + filepath.Join(j.libs, "*"),
	}
	return exec.Command("java", append(all, args...)...)
}
