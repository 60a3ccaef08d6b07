//go:build linux

package main

import (
	"context"
)

// simulatorRow is the row of the simulator's events a second on one core. It is absent while there is no simulated
// world to measure.
func (b *bench) simulatorRow(context.Context) error {
	return nil
}
