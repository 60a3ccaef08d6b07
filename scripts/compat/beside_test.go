package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRunning(t *testing.T) {
	r, err := startProcess(exec.Command("sh", "-c", "echo out; echo err >&2; exec sleep 100"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.end(syscall.SIGKILL)
	if err != nil || a.code != -1 {
		t.Errorf("got exit code %d and error %v, expected one that was killed", a.code, err)
	}
	r, err = startProcess(exec.Command("sh", "-c", "echo out; echo err >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	<-r.gone
	a, err = r.end(syscall.SIGTERM)
	if err != nil || a.code != 3 || a.stdout != "out\n" || a.stderr != "err\n" {
		t.Errorf("got %+v and error %v", a, err)
	}
}

func TestBesideNeedsItsCommand(t *testing.T) {
	s := &side{}
	if _, err := s.finish("nobody"); err == nil {
		t.Error("got no error when what never began was ended")
	}
	if err := s.begin("tool", []string{"TopicCommand"}); err == nil {
		t.Error("got no error for a Java tool beside others")
	}
	if err := s.finishAll(); err != nil {
		t.Error(err)
	}
}

func TestAwaitFile(t *testing.T) {
	file, gone := filepath.Join(t.TempDir(), "out.txt"), make(chan struct{})
	if err := os.WriteFile(file, []byte("all"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := awaitFile(t.Context(), file, "all", gone); err != nil {
		t.Error(err)
	}
	close(gone)
	if err := awaitFile(t.Context(), file, "all of it", gone); err == nil || !strings.Contains(err.Error(), "3 bytes") {
		t.Errorf("got error %v, expected that the worker ended", err)
	}
}

func TestGroupRecord(t *testing.T) {
	line := `| offset: 3 CreateTime: 1 keySize: 3 valueSize: 4 sequence: -1 headerKeys: [] ` +
		`key: {"type":"1","data":{"group":"g"}} payload: {"version":"3","data":{"generation":7}}`
	m := groupRecord.FindStringSubmatch(line)
	if m == nil || m[1] != `{"type":"1","data":{"group":"g"}}` {
		t.Fatalf("got %q", m)
	}
	if got := generation.ReplaceAllString(m[2], "N"); got != `{"version":"3","data":{N}}` {
		t.Errorf("got %s", got)
	}
}
