package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// PartitionMetadataFile names the file that ties a partition's directory to a topic id. Its content is exactly
//
//	version: 0\ntopic_id: <22 characters>
//
// without a newline at the end.
const PartitionMetadataFile = "partition.metadata"

// Errors of partition.metadata.
var (
	// ErrNoMetadata reports a directory whose partition.metadata is missing or torn: nothing in it was ever synced, as
	// the first sync covers that file too, unless its recovery point or a clean stop says otherwise.
	ErrNoMetadata = errors.New("no partition.metadata")
	// ErrOtherTopic reports a directory that belongs to another topic of the same name.
	ErrOtherTopic = errors.New("directory belongs to another topic id")
)

func formatMetadata(id base.UUID) []byte {
	return []byte("version: 0\ntopic_id: " + id.String())
}

// ParseMetadata reads the content of a partition.metadata file.
func ParseMetadata(content []byte) (base.UUID, error) {
	var id base.UUID
	seen := false
	for _, line := range bytes.Split(content, []byte("\n")) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			if len(bytes.TrimSpace(line)) > 0 {
				return base.UUID{}, fmt.Errorf("%w: got line %.80q", ErrNoMetadata, line)
			}
			continue
		}
		value = bytes.TrimSpace(value)
		switch string(bytes.TrimSpace(key)) {
		case "version":
			if string(value) != "0" {
				return base.UUID{}, fmt.Errorf("%w: got version %.20q, expected 0", ErrNoMetadata, value)
			}
		case "topic_id":
			var err error
			if id, err = base.ParseUUID(string(value)); err != nil {
				return base.UUID{}, fmt.Errorf("%w: %w", ErrNoMetadata, err)
			}
			seen = true
		}
	}
	if !seen || id.IsZero() {
		return base.UUID{}, fmt.Errorf("%w: got no topic_id", ErrNoMetadata)
	}
	return id, nil
}

// ReadMetadata returns the topic id that a partition's directory belongs to.
func ReadMetadata(fs vfs.FS, dir string) (base.UUID, error) {
	content, err := vfs.ReadFile(fs, path.Join(dir, PartitionMetadataFile))
	if errors.Is(err, vfs.ErrNotExist) {
		return base.UUID{}, fmt.Errorf("%w: %s", ErrNoMetadata, dir)
	}
	if err != nil {
		return base.UUID{}, fmt.Errorf("read partition.metadata: %w", err)
	}
	id, err := ParseMetadata(content)
	if err != nil {
		return base.UUID{}, fmt.Errorf("%s: %w", dir, err)
	}
	return id, nil
}

func checkMetadata(fs vfs.FS, dir string, want base.UUID) error {
	got, err := ReadMetadata(fs, dir)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: %s: got %s, expected %s", ErrOtherTopic, dir, got, want)
	}
	return nil
}
