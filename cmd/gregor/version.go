package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// buildInfo says what this binary was made of.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Time     string `json:"commit_time"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// build reads what the go command has put into the binary.
func build() buildInfo {
	b := buildInfo{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time = s.Value
		}
	}
	return b
}

func newVersionCommand() *cobra.Command {
	var format *cli.Choice
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the APIs that the broker serves",
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			apis, err := servedAPIs()
			if err != nil {
				return fmt.Errorf("ask for the served APIs: %w", err)
			}
			if format.String() == cli.JSON {
				return cli.WriteJSON(c, struct {
					buildInfo
					APIs []servedAPI `json:"apis"`
				}{build(), apis})
			}
			return printVersion(c, build(), apis)
		},
	}
	format = cli.AddFormat(c)
	return c
}

func printVersion(c *cobra.Command, b buildInfo, apis []servedAPI) error {
	commit := b.Commit
	switch {
	case commit == "":
		commit = "unknown"
	case b.Modified:
		commit += " (modified)"
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "gregor   %s\ncommit   %s\ngo       %s\nsystem   %s/%s\n\n", b.Version, commit, b.Go, b.OS, b.Arch)
	table := cli.NewTable(">KEY", "API", "VERSIONS")
	for _, a := range apis {
		table.Add(a.Key, a.Name, fmt.Sprintf("%d-%d", a.Min, a.Max))
	}
	return table.Write(out)
}
