package vfs

import (
	"errors"
	"fmt"
	"io"
	"path"
)

// MaxReadFile is the largest file that ReadFile reads, in bytes: what is read whole is small, and a file that claims
// otherwise must not exhaust memory.
const MaxReadFile = 256 << 20

// ReadFile returns the content of a whole file. One larger than MaxReadFile is ErrInvalid.
func ReadFile(fs FS, name string) ([]byte, error) {
	f, err := fs.Open(name, Read)
	if err != nil {
		return nil, err
	}
	data, err := readAll(f, name)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func readAll(f File, name string) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > MaxReadFile {
		err = fmt.Errorf("%w: %d bytes, expected at most %d", ErrInvalid, size, MaxReadFile)
		return nil, pathError("read", name, err)
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// WriteFileAtomic replaces a file's content, durably and whole: whenever the power goes, the file is found as it was
// before or as it is after, and once WriteFileAtomic returned nil as it is after. As Kafka's checkpoints are written: a
// file name.tmp is written and synced, renamed, and the directory synced. If writing fails, the file is as before and
// name.tmp is removed where that is possible; if syncing the directory fails, either content may be found later.
func WriteFileAtomic(fs FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := writeFile(fs, tmp, data); err != nil {
		_ = fs.Remove(tmp)
		return err
	}
	if err := fs.Rename(tmp, name); err != nil {
		return err
	}
	return fs.SyncDir(path.Dir(name))
}

// writeFile writes and syncs a file.
func writeFile(fs FS, name string, data []byte) error {
	f, err := fs.Open(name, Truncate)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// RemoveAll removes a file, or a directory with all that is in it. A name that does not exist is no error. On an error
// part of it may be gone. It makes nothing durable: that takes SyncDir of the parent.
func RemoveAll(fs FS, name string) error {
	entry, err := fs.Stat(name)
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return removeAll(fs, name, entry.Dir)
}

func removeAll(fs FS, name string, dir bool) error {
	if dir {
		entries, err := fs.List(name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := removeAll(fs, path.Join(name, e.Name), e.Dir); err != nil {
				return err
			}
		}
	}
	return fs.Remove(name)
}

// Exists reports whether a file or directory has this name.
func Exists(fs FS, name string) (bool, error) {
	_, err := fs.Stat(name)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// MkdirSync is Mkdir that makes the names of the directories durable. It works from above, so that a directory made by
// it has durable ones above; only the lowest one that exists may have been left unsynced by a process that was killed,
// so that one's name is synced as well, unless permission to read the directory above is missing.
func MkdirSync(fs FS, name string) error {
	var missing []string
	dir := path.Clean(name)
	for {
		exists, err := Exists(fs, dir)
		if err != nil {
			return err
		}
		if exists {
			break
		}
		missing = append(missing, dir)
		dir = path.Dir(dir)
	}
	if err := fs.SyncDir(path.Dir(dir)); err != nil && !errors.Is(err, ErrPermission) {
		return err
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := fs.Mkdir(missing[i]); err != nil {
			return err
		}
		if err := fs.SyncDir(path.Dir(missing[i])); err != nil {
			return err
		}
	}
	return fs.Mkdir(name)
}
