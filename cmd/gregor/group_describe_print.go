package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// write prints a group for people.
func (f *groupDescribe) write(w io.Writer, g describedGroup) error {
	var b strings.Builder
	fmt.Fprintf(&b, "group        %s\nstate        %s\n", g.Group, g.State)
	if g.ProtocolType != "" {
		fmt.Fprintf(&b, "protocol     %s\n", strings.TrimSuffix(g.ProtocolType+" "+g.Protocol, " "))
	}
	fmt.Fprintf(&b, "coordinator  %d %s\nmembers      %d\nlag          %d\n", g.Coordinator, g.Address, len(g.Members),
		g.Lag)
	if len(g.Offsets) > 0 && (f.offsets || !f.members && !f.state) {
		b.WriteString("\n")
		if err := f.offsetTable(g).Write(&b); err != nil {
			return err
		}
	}
	if len(g.Members) > 0 && f.members {
		b.WriteString("\n")
		if err := f.memberTable(g).Write(&b); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *groupDescribe) offsetTable(g describedGroup) *cli.Table {
	headings := []string{"TOPIC", ">PARTITION", ">COMMITTED", ">END", ">LAG", "MEMBER", "HOST", "CLIENT"}
	if f.verbose {
		headings = append(headings, ">START", ">EPOCH", "METADATA")
	}
	table := cli.NewTable(headings...)
	for _, p := range g.Offsets {
		lag := number(p.Lag)
		if p.Error != "" {
			lag = p.Error
		}
		cells := []any{
			p.Topic, p.Partition, number(p.Committed), number(p.End), lag, orDash(p.Member), orDash(p.host),
			orDash(p.client),
		}
		if f.verbose {
			cells = append(cells, number(p.Start), number(int64(p.LeaderEpoch)), orDash(p.Metadata))
		}
		table.Add(cells...)
	}
	return table
}

func (f *groupDescribe) memberTable(g describedGroup) *cli.Table {
	headings := []string{"MEMBER", "INSTANCE", "CLIENT", "HOST", ">PARTITIONS"}
	if f.verbose {
		headings = append(headings, "ASSIGNMENT")
	}
	table := cli.NewTable(headings...)
	for _, m := range g.Members {
		instance := "-"
		if m.Instance != nil {
			instance = *m.Instance
		}
		var assigned []string
		for _, t := range m.Assignment {
			assigned = append(assigned, compactPartitions(t.Topic, t.Partitions))
		}
		cells := []any{m.Member, instance, m.Client, m.Host, m.Partitions}
		if f.verbose {
			cells = append(cells, cmp.Or(strings.Join(assigned, "; "), "-"))
		}
		table.Add(cells...)
	}
	return table
}
