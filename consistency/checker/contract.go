package checker

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// ErrClass reports a durability class without a known contract.
var ErrClass = errors.New("checker: unknown durability class")

// Every is the number of nodes in a Contract that survives a fault of all of them at once.
const Every = math.MaxInt

// Contract says which faults a durability class survives: on how many nodes at a time each may strike, counted from the
// fault to the node's restart, without anything being lost that was acknowledged or read.
type Contract struct {
	// Class is the name of the durability class.
	Class string
	// Kill is the number of nodes whose processes may end at a time.
	Kill int
	// PowerLoss is the number of nodes that may lose power at a time.
	PowerLoss int
	// AcksAll says that the promise needs acks=all; a smaller acks counts as an unknown outcome.
	AcksAll bool
}

// classes are the contracts that do not depend on the cluster.
var classes = []Contract{
	{Class: "memory"},
	{Class: "page-cache", Kill: Every},
	{Class: "fsync", Kill: Every, PowerLoss: Every},
	{Class: "quorum", Kill: Every, AcksAll: true},
	{Class: "quorum+fsync", Kill: Every, PowerLoss: Every, AcksAll: true},
}

// ContractOf returns the contract of a durability class. A quorum without fsync survives the loss of power of as many
// nodes as min.insync.replicas leaves over, minInsync - 1: one copy stays. No class means page-cache, Kafka's default.
func ContractOf(class string, minInsync int) (Contract, error) {
	if class == "" {
		class = "page-cache"
	}
	at := slices.IndexFunc(classes, func(c Contract) bool { return c.Class == class })
	if at < 0 {
		names := make([]string, len(classes))
		for i := range classes {
			names[i] = classes[i].Class
		}
		return Contract{}, fmt.Errorf("%w: got %q, expected one of %s", ErrClass, class, strings.Join(names, ", "))
	}
	contract := classes[at]
	if class == "quorum" {
		contract.PowerLoss = max(minInsync-1, 0)
	}
	return contract, nil
}

// contract returns the contract to judge by.
func (o *Options) contract(h *history.Header) (Contract, error) {
	if o.Contract != nil {
		return *o.Contract, nil
	}
	return ContractOf(h.Class, h.MinInsync)
}

// cuts returns the times at which the contract allows a loss, ascending, and the time of the last kill or power loss.
// Events are in the order of time; one without a node strikes all nodes.
func (c *Contract) cuts(events []history.Event) (cuts []int64, quiet int64) {
	quiet = -1
	killed, dark := make(map[base.NodeID]bool), make(map[base.NodeID]bool)
	for _, e := range events {
		switch e.Name {
		case history.EventKill:
			killed[e.Node] = true
		case history.EventPowerLoss:
			killed[e.Node], dark[e.Node] = true, true
		case history.EventRestart:
			if e.Node == base.NoNode {
				clear(killed)
				clear(dark)
			}
			delete(killed, e.Node)
			delete(dark, e.Node)
			continue
		default:
			continue
		}
		quiet = e.Time
		lost := exceeds(killed, c.Kill) || (e.Name == history.EventPowerLoss && exceeds(dark, c.PowerLoss))
		if lost && (len(cuts) == 0 || cuts[len(cuts)-1] < e.Time) {
			cuts = append(cuts, e.Time)
		}
	}
	return cuts, quiet
}

// exceeds reports whether more nodes are struck than may be.
func exceeds(struck map[base.NodeID]bool, most int) bool {
	return most != Every && (struck[base.NoNode] || len(struck) > most)
}
