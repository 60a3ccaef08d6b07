package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const contrib = "../../contrib/"

// checkCommand wants a command line of gregor's to name a command with flags and arguments that it has, and returns it
// without the binary's name.
func checkCommand(t *testing.T, line []string) []string {
	t.Helper()
	if len(line) < 2 || filepath.Base(line[0]) != "gregor" {
		t.Fatalf("got %v, expected a command of gregor", line)
	}
	c, rest, err := newRootCommand().Find(line[1:])
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if err != nil || !c.HasParent() {
		t.Fatalf("%v: %v", line, err)
	}
	return line[1:]
}

// unit reads a unit of systemd: the values of each name, in their order.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, line := range lines(t, name) {
		if key, value, ok := strings.Cut(line, "="); ok {
			found[key] = append(found[key], value)
		}
	}
	return found
}

// lines returns a file's lines that are neither empty nor comments, those joined that end with a backslash.
func lines(t *testing.T, name string) []string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(strings.ReplaceAll(string(content), "\\\n", "")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	return found
}

// The unit for systemd runs commands that there are, tells systemd of the broker's states, gives it time to stop and
// the files that it may need; systemd itself, where it is there, finds nothing wrong.
func TestSystemdUnit(t *testing.T) {
	name := contrib + "systemd/gregor.service"
	u := unit(t, name)
	checkCommand(t, strings.Fields(u["ExecStart"][0]))
	// What would end in it is not the main process's code, which alone keeps systemd from trying again.
	if pre := u["ExecStartPre"]; len(pre) > 0 {
		t.Errorf("ExecStartPre: got %v, expected none", pre)
	}
	for key, want := range map[string]string{
		"Type": "notify", "ExecReload": "/bin/kill -HUP $MAINPID", "StateDirectory": "gregor", "LimitNOFILE": "800000",
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "DynamicUser": "yes", "TimeoutStartSec": "infinity",
		"RestartPreventExitStatus": "2",
	} {
		if !slices.Equal(u[key], []string{want}) {
			t.Errorf("%s: got %v, expected %s", key, u[key], want)
		}
	}
	fields := strings.Fields(u["ExecStart"][0])
	shutdown, err := time.ParseDuration(fields[slices.Index(fields, "--shutdown-timeout")+1])
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := time.ParseDuration(u["TimeoutStopSec"][0]); err != nil || stop < shutdown+30*time.Second {
		t.Errorf("TimeoutStopSec: got %v and %v, expected more than --shutdown-timeout %v", stop, err, shutdown)
	}
	ok(t, "", "broker", "-c", contrib+"systemd/server.properties", "--check-config")
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // not on this machine
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// The binary need not be installed for this.
	there := strings.ReplaceAll(string(content), "/usr/local/bin/gregor", "/bin/true")
	copied := filepath.Join(t.TempDir(), "gregor.service")
	if err := os.WriteFile(copied, []byte(there), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", copied).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
}

// instructions are those of a Containerfile that gregor's uses.
var instructions = []string{
	"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
}

// form decodes the JSON form of an instruction's command.
func form(t *testing.T, text string) []string {
	t.Helper()
	var args []string
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return args
}

// The container holds one static binary of the toolchain that go.mod names, runs it as nobody in particular, and its
// command and its check do what they are to do.
func TestContainerfile(t *testing.T) {
	last := make(map[string]string) // the last of each instruction
	var stages []string
	for _, line := range lines(t, contrib+"container/Containerfile") {
		instruction, rest, _ := strings.Cut(line, " ")
		if !slices.Contains(instructions, instruction) {
			t.Errorf("got the instruction %s", line)
		}
		last[instruction] = rest
		switch instruction {
		case "FROM":
			stages = append(stages, rest)
		case "COPY":
			checkSources(t, strings.Fields(rest))
		}
	}
	golang, _, _ := strings.Cut(strings.TrimPrefix(stages[0], "docker.io/library/golang:"), " ")
	content, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 || stages[1] != "scratch" || !strings.Contains(string(content), "\ngo "+golang+".") {
		t.Errorf("got the stages %v", stages)
	}
	if last["USER"] != "65532:65532" || last["VOLUME"] != "/var/lib/gregor" {
		t.Errorf("got the user %s and the volume %s", last["USER"], last["VOLUME"])
	}
	command := checkCommand(t, append(form(t, last["ENTRYPOINT"]), form(t, last["CMD"])...))
	_, check, _ := strings.Cut(last["HEALTHCHECK"], "CMD ")
	asked := checkCommand(t, form(t, check))
	command[slices.Index(command, "-c")+1] = contrib + "container/server.properties"
	command = append(command, "--override", "log.dirs="+t.TempDir(), "--override", "listeners=PLAINTEXT://127.0.0.1:0",
		"--override", "gregor.admin.listener=127.0.0.1:0", "--override", "advertised.listeners=PLAINTEXT://127.0.0.1:0")
	s := serveCommand(t, command...)
	asked[slices.Index(asked, "--brokers")+1], _ = s.ready["address"].(string)
	ok(t, "", asked...)
	s.stop(t)
	if r := gregor(t, "", asked...); r.code != 1 {
		t.Errorf("the check of a stopped broker: got %+v", r)
	}
}

// checkSources wants the files to be there that the image is built from.
func checkSources(t *testing.T, words []string) {
	t.Helper()
	if strings.HasPrefix(words[0], "--from") {
		return
	}
	for _, source := range words[:len(words)-1] {
		if _, err := os.Stat("../../" + source); err != nil {
			t.Error(err)
		}
	}
}
