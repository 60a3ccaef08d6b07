// Command kfake is a broker that keeps everything in memory, the floor under what a log on a disk costs: franz-go's
// kfake, which speaks Kafka's protocol and was made for tests. It runs until it is interrupted:
//
//	go run ./scripts/peers/kfake -address 127.0.0.1:9192
//	gregor bench fetch-64k --peer kfake=127.0.0.1:9192
//
// It checks less than a broker does and does its work in one goroutine, so what it does not reach is no limit of
// memory. It never writes to a disk: beside a row of the fsync class it shows what the sync costs.
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
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	address := flag.String("address", "127.0.0.1:9192", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kfake:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and says where.
func run(ctx context.Context, address string, out io.Writer) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	one := func(string, string) (net.Listener, error) { return l, nil }
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(one), kfake.DefaultNumPartitions(1))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer c.Close()
	fmt.Fprintln(out, "listening on", l.Addr())
	<-ctx.Done()
	return nil
}
