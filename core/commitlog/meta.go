package commitlog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// ErrBadMeta reports a meta.properties that cannot be used.
var ErrBadMeta = errors.New("bad meta.properties")

// MetaProperties says which cluster, node and directory a log directory belongs to: the content of meta.properties,
// version 1. It is a Java properties file, and only these keys matter:
//
//	version=1
//	cluster.id=<22 characters>
//	node.id=<number>
//	directory.id=<22 characters>
type MetaProperties struct {
	ClusterID   string
	NodeID      base.NodeID
	DirectoryID base.UUID
}

// Format returns the content of the file.
func (m MetaProperties) Format() []byte {
	return fmt.Appendf(nil, "#\n#\ncluster.id=%s\ndirectory.id=%s\nnode.id=%d\nversion=1\n",
		m.ClusterID, m.DirectoryID, m.NodeID)
}

// ParseMeta reads the content of a meta.properties file.
func ParseMeta(content []byte) (MetaProperties, error) {
	m := MetaProperties{NodeID: base.NoNode}
	version := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return m, fmt.Errorf("%w: got line %.80q, expected key=value", ErrBadMeta, line)
		}
		value = strings.TrimSpace(value)
		var err error
		switch strings.TrimSpace(key) {
		case "version":
			version = value
		case "cluster.id":
			m.ClusterID = value
		case "node.id":
			var n int64
			n, err = strconv.ParseInt(value, 10, 32)
			m.NodeID = base.NodeID(n)
		case "directory.id":
			m.DirectoryID, err = base.ParseUUID(value)
		}
		if err != nil {
			return m, fmt.Errorf("%w: line %.80q: %w", ErrBadMeta, line, err)
		}
	}
	if version != "1" {
		return m, fmt.Errorf("%w: got version %q, expected 1", ErrBadMeta, version)
	}
	if m.ClusterID == "" || m.NodeID < 0 {
		return m, fmt.Errorf("%w: got cluster.id %q and node.id %d, expected both", ErrBadMeta, m.ClusterID, m.NodeID)
	}
	return m, nil
}
