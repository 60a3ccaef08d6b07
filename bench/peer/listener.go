//go:build linux

package peer

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listener returns the process that listens on an address of this machine, 0 if it is not to be seen: it runs
// elsewhere, or belongs to somebody else.
func listener(address string) (int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0, err
	}
	if local, err := isLocal(host); err != nil || !local {
		return 0, err
	}
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		found, err := listening(table, number)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		inodes = append(inodes, found...)
	}
	return owner(inodes)
}

// isLocal reports whether a host is one of this machine's addresses.
func isLocal(host string) (bool, error) {
	ips, err := net.LookupIP(host)
	if err != nil {
		return false, err
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(ips, func(ip net.IP) bool {
		return ip.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool {
			n, ok := a.(*net.IPNet)
			return ok && n.IP.Equal(ip)
		})
	}), nil
}

// listening returns the inodes of the sockets in one of the kernel's tables that listen on a port; see proc_net_tcp in
// the kernel's documentation.
func listening(table string, port int) ([]string, error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const (
		local, state, inode = 1, 3, 9
		listens             = "0A"
	)
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > inode && fields[state] == listens && strings.HasSuffix(fields[local], suffix) {
			inodes = append(inodes, fields[inode])
		}
	}
	return inodes, lines.Err()
}

// owner returns a process that has one of the sockets open, 0 if none can be seen.
func owner(inodes []string) (int, error) {
	if len(inodes) == 0 {
		return 0, nil
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, err
	}
	for _, name := range files {
		to, err := os.Readlink(name)
		if err != nil {
			continue // it was closed meanwhile, or is not ours to see
		}
		inode, ok := strings.CutPrefix(to, "socket:[")
		if ok && slices.Contains(inodes, strings.TrimSuffix(inode, "]")) {
			return strconv.Atoi(strings.Split(name, "/")[2])
		}
	}
	return 0, nil
}
