package node

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AwaitGroups waits until the broker at an address, host:port, coordinates groups, half a minute at most: the topic of
// their offsets comes to be with the first question for a coordinator.
func AwaitGroups(ctx context.Context, address string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := findCoordinator(ctx, client)
		if err == nil {
			return nil
		}
		if !kerr.IsRetriable(err) {
			return fmt.Errorf("find a group's coordinator: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("find a group's coordinator: %w: %w", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// findCoordinator asks once, and returns what the broker calls an error.
func findCoordinator(ctx context.Context, client *kgo.Client) error {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys = "first", []string{"first"}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	code := res.ErrorCode
	for _, c := range res.Coordinators {
		code = max(code, c.ErrorCode)
	}
	return kerr.ErrorForCode(code)
}
