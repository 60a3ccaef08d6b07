//go:build linux

package matrix_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// serveVariable has this test program be a broker: it holds the folder and the address, a space between.
const serveVariable = "MATRIX_TEST_SERVE"

// TestMain has this test program be a broker on the address that the variable holds, or a raw loop or a stock client as
// its arguments say.
func TestMain(m *testing.M) {
	var err error
	switch of := os.Getenv(serveVariable); {
	case of != "":
		dir, address, _ := strings.Cut(of, " ")
		if err = serve(dir, address); err == nil {
			select {} // until it is killed
		}
	case len(os.Args) > 2 && os.Args[1] == "loop":
		err = loop(os.Args[2], os.Args[3:])
	case len(os.Args) > 2 && os.Args[1] == "client":
		err = client(os.Args[2], os.Args[3:])
	case len(os.Args) > 3 && os.Args[1] == "-cp":
		err = tool(os.Args[3], os.Args[4:])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs a broker that keeps its log in a folder below dir.
func serve(dir, address string) error {
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://" + address}, {Name: "log.dirs", Value: filepath.Join(dir, "log")},
	})
	if err != nil {
		return err
	}
	_, err = server.Start(context.Background(), server.Options{
		Config: cfg, FS: vfs.NewOS(), Log: slog.New(slog.DiscardHandler),
	})
	return err
}
