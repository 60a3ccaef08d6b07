package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Version is the release that gregor is compared with.
const Version = "4.3.1"

// needed are the artifacts of Maven that a broker and its tools are made of; logging is not among what Kafka 4 depends
// on.
var needed = [][3]string{
	{"org.apache.kafka", "kafka_2.13", Version},
	{"org.apache.kafka", "kafka-tools", Version}, // the clients that measure
	{"org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"},
	{"org.apache.logging.log4j", "log4j-core", "2.24.3"},
}

// ErrNoJars reports that Kafka's jars are neither there nor to be had.
var ErrNoJars = errors.New("no jars of kafka " + Version)

// Libs returns the folder of Kafka's jars: named, if it is not empty, else the one that KAFKA_LIBS names, else
// out/kafka-libs, filled by Maven if it is empty.
func Libs(ctx context.Context, named, out string) (string, error) {
	if named == "" {
		named = os.Getenv("KAFKA_LIBS")
	}
	if named != "" {
		if !complete(named) {
			return "", fmt.Errorf("%w in %s", ErrNoJars, named)
		}
		return filepath.Abs(named)
	}
	libs, err := filepath.Abs(filepath.Join(out, "kafka-libs"))
	if err != nil || complete(libs) {
		return libs, err
	}
	return libs, fetch(ctx, libs)
}

// complete reports that a folder has the jars of the version that is wanted.
func complete(libs string) bool {
	for _, name := range []string{"kafka_2.13-", "kafka-clients-", "kafka-server-", "kafka-tools-"} {
		if _, err := os.Stat(filepath.Join(libs, name+Version+".jar")); err != nil {
			return false
		}
	}
	return true
}

// fetch has Maven fill the folder, which comes to be only when all are there.
func fetch(ctx context.Context, libs string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("%w: mvn is needed to fetch them: %w", ErrNoJars, err)
	}
	part := libs + ".part"
	file := filepath.Join(part, "pom.xml")
	err := errors.Join(os.RemoveAll(part), os.RemoveAll(libs), os.MkdirAll(part, 0o755),
		os.WriteFile(file, []byte(pom()), 0o644))
	if err != nil {
		return err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DoutputDirectory="+part)
	if text, err := mvn.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: mvn: %w\n%s", ErrNoJars, err, text)
	}
	if !complete(part) {
		return fmt.Errorf("%w from Maven in %s", ErrNoJars, part)
	}
	return os.Rename(part, libs)
}

// pom is Maven's file that asks for what is needed.
func pom() string {
	var b strings.Builder
	b.WriteString(`<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>gregor</groupId> <artifactId>kafka</artifactId> <version>1</version> <packaging>pom</packaging>
  <dependencies>
`)
	for _, a := range needed {
		fmt.Fprintf(&b, "    <dependency>\n      <groupId>%s</groupId> <artifactId>%s</artifactId> "+
			"<version>%s</version>\n    </dependency>\n", a[0], a[1], a[2])
	}
	b.WriteString("  </dependencies>\n</project>\n")
	return b.String()
}
