// Command nats is a NATS server with JetStream on a file store, for scripts/peers/natsbench. It runs until it is
// interrupted:
//
//	go run ./scripts/peers/nats -address 127.0.0.1:4222 -dir out/nats
//	go run ./scripts/peers/nats -address 127.0.0.1:4223 -dir out/nats-sync -sync
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	address := flag.String("address", "127.0.0.1:4222", "where to listen")
	dir := flag.String("dir", "", "folder of the file store, which must be given")
	sync := flag.Bool("sync", false, "sync each message before it is acknowledged, instead of every two minutes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address, *dir, *sync, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

var (
	errNotReady = errors.New("nats is not ready")
	errNoDir    = errors.New("no folder was given")
)

// run serves until ctx ends, and says where.
func run(ctx context.Context, address, dir string, sync bool, out io.Writer) error {
	const patience = 30 * time.Second
	if dir == "" {
		return errNoDir
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		Host: host, Port: port, JetStream: true, StoreDir: dir, SyncAlways: sync, NoSigs: true,
	})
	if err != nil {
		return err
	}
	go s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(patience) {
		return fmt.Errorf("%w after %v", errNotReady, patience)
	}
	fmt.Fprintln(out, "listening on", s.Addr())
	<-ctx.Done()
	return nil
}
