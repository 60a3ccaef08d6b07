// Command modules prints how many modules gregor links besides its own, and which. It is run from the repository's
// root:
//
//	go run ./scripts/tidy/cmd/modules           the broker's and the whole binary's count
//	go run ./scripts/tidy/cmd/modules -list     each module and its version too
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/gregor-log/gregor/scripts/tidy"
)

func main() {
	list := flag.Bool("list", false, "print each module and its version")
	flag.Parse()
	if err := run(*list); err != nil {
		fmt.Fprintln(os.Stderr, "modules:", err)
		os.Exit(1)
	}
}

func run(list bool) error {
	repo, err := tidy.Load(os.DirFS("."))
	if err != nil {
		return err
	}
	parts := []struct {
		name     string
		patterns []string
	}{
		{fmt.Sprintf("the broker (base, replication, core; at most %d)", tidy.MaxBrokerModules), repo.Broker()},
		{"the binary (cmd/gregor)", []string{"./cmd/gregor"}},
	}
	for _, part := range parts {
		modules, err := tidy.Linked(part.patterns...)
		if err != nil {
			return err
		}
		fmt.Printf("%d modules linked by %s\n", len(modules), part.name)
		if !list {
			continue
		}
		for _, module := range modules {
			fmt.Println("    " + module)
		}
	}
	return nil
}
