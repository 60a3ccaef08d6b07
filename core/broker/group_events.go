package broker

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gregor-log/gregor/core/group"
)

// groupMessages are what the log says of the events of groups. A rebalance that nobody expected is the question most
// often asked about groups: the line that starts it says why.
var groupMessages = map[group.EventKind]string{
	group.RebalanceStarted: "group rebalances",
	group.GenerationFormed: "group has a new generation",
	group.Assigned:         "group is assigned",
	group.Emptied:          "group is empty",
	group.MemberReplaced:   "group member came back",
	group.Removed:          "group is removed",
}

// groupEvent logs what happened to a group.
func (b *Broker) groupEvent(e group.Event) {
	level := slog.LevelInfo
	if e.Kind == group.Assigned {
		level = slog.LevelDebug
	}
	attrs := []any{"group", shortened(e.Group), "generation", e.Generation}
	if e.Why != "" {
		attrs = append(attrs, []any{"why", e.Why}...)
	}
	if e.Member != "" {
		attrs = append(attrs, []any{"member", shortened(e.Member)}...)
	}
	if e.Reason != "" {
		attrs = append(attrs, []any{"reason", e.Reason}...)
	}
	if e.Kind == group.GenerationFormed || e.Kind == group.Assigned {
		attrs = append(attrs, []any{"leader", shortened(e.Leader), "protocol", shortened(e.Protocol)}...)
		attrs = append(attrs, []any{"members", len(e.Members)}...)
	}
	b.grouping.Log(context.Background(), level, groupMessages[e.Kind], attrs...)
}

// shortened cuts what a client named: names may have 32 KiB, and a log has many lines.
func shortened(name string) string {
	const most = 255
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "..."
}
