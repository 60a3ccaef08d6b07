//go:build linux

package peer

import "path/filepath"

// Program is a peer that a program starts: "program prepare DIR HOST:PORT" once in an empty folder, then
// "program run DIR HOST:PORT" as often as it takes. See the package comment for what the program owes.
func Program(name, program string) Peer {
	call := func(verb string) func(string, string) ([]string, error) {
		return func(dir, address string) ([]string, error) {
			dir, err := filepath.Abs(dir)
			return []string{program, verb, dir, address}, err
		}
	}
	return Peer{Name: name, Prepare: call("prepare"), Command: call("run")}
}
