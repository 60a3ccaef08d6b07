package vfs

import "sync/atomic"

// OpKind names a call of FS or File.
type OpKind int

// The kinds of calls, first those that change nothing on the disk, then those that may.
const (
	OpList OpKind = iota
	OpStat
	OpRead
	OpSize
	OpClose
	OpUnlock
	OpOpen
	OpLock
	OpMkdir
	OpRemove
	OpRename
	OpSyncDir
	OpWrite
	OpTruncate
	OpSync
)

var opNames = [...]string{
	"list", "stat", "read", "size", "close", "unlock", "open", "lock", "mkdir", "remove", "rename", "syncdir", "write",
	"truncate", "sync",
}

// String returns the call's name in lower case.
func (k OpKind) String() string {
	if k < 0 || int(k) >= len(opNames) {
		return "unknown"
	}
	return opNames[k]
}

// Changes reports whether the call may change what is on the disk or what of it is durable.
func (k OpKind) Changes() bool {
	return k >= OpOpen
}

// Op is one call.
type Op struct {
	Kind OpKind
	// Name is the path of the file or directory, as it was given to Open for the calls of a File.
	Name string
	// To is the new path of a rename.
	To string
	// Mode is that of an OpOpen.
	Mode Mode
	// Off and Len are the range of a read or a write in bytes; Off is the size of a truncation.
	Off int64
	Len int
	// Seq is the number of the call, from 1.
	Seq int
}

// Decision says what becomes of a call. The zero Decision lets it through.
type Decision struct {
	// Err is what the call returns instead, wrapped with its name and path; nil lets the call through.
	Err error
	// Apply makes the call take effect all the same before Err is returned, as when only the answer is lost.
	Apply bool
	// Partial is the number of bytes of a write that take effect, or of a read that are delivered, before Err is
	// returned, which returns that number with it.
	Partial int
}

// Hook decides what becomes of each call. It is called before the call takes effect, at once by every goroutine that
// makes one. It may also count, record, wait, or change the file system below.
type Hook func(Op) Decision

// Faults is a file system that asks a Hook before each call to another one. Its files are Viewers (by a copy, if those
// below are not) and SlowSyncers, but no Descriptors, which would go past it. Close of a file or lock always takes
// effect, so that nothing leaks; BeginSync is no call of its own, EndSync counts as the OpSync.
type Faults struct {
	inner FS
	hook  atomic.Pointer[Hook]
	calls atomic.Int64
}

var (
	_ FS     = (*Faults)(nil)
	_ Spacer = (*Faults)(nil)
)

// NewFaults returns inner behind hook; a nil hook lets every call through.
func NewFaults(inner FS, hook Hook) *Faults {
	f := &Faults{inner: inner}
	f.SetHook(hook)
	return f
}

// SetHook replaces the hook. The count of calls goes on.
func (f *Faults) SetHook(hook Hook) {
	if hook == nil {
		hook = func(Op) Decision { return Decision{} }
	}
	f.hook.Store(&hook)
}

// Calls returns the number of calls made so far, failed ones included.
func (f *Faults) Calls() int {
	return int(f.calls.Load())
}

// ask counts a call and returns what the hook decides, with the error wrapped.
func (f *Faults) ask(op Op) Decision {
	op.Seq = int(f.calls.Add(1))
	d := (*f.hook.Load())(op)
	if d.Err != nil {
		d.Err = pathError(op.Kind.String(), op.Name, d.Err)
	}
	return d
}

// do asks about a call and makes it, if it is to take effect.
func (f *Faults) do(op Op, call func() error) error {
	d := f.ask(op)
	if d.Err == nil {
		return call()
	}
	if d.Apply {
		if err := call(); err != nil {
			return err
		}
	}
	return d.Err
}

// Open opens a file.
func (f *Faults) Open(name string, mode Mode) (File, error) {
	var file File
	err := f.do(Op{Kind: OpOpen, Name: name, Mode: mode}, func() (err error) {
		file, err = f.inner.Open(name, mode)
		return err
	})
	if err != nil {
		if file != nil {
			_ = file.Close()
		}
		return nil, err
	}
	return &faultFile{fs: f, inner: file, name: name}, nil
}

// Remove removes a file or an empty directory.
func (f *Faults) Remove(name string) error {
	return f.do(Op{Kind: OpRemove, Name: name}, func() error { return f.inner.Remove(name) })
}

// Rename moves a file or a directory.
func (f *Faults) Rename(from, to string) error {
	return f.do(Op{Kind: OpRename, Name: from, To: to}, func() error { return f.inner.Rename(from, to) })
}

// Mkdir creates a directory and its missing parents.
func (f *Faults) Mkdir(name string) error {
	return f.do(Op{Kind: OpMkdir, Name: name}, func() error { return f.inner.Mkdir(name) })
}

// List returns the entries of a directory.
func (f *Faults) List(dir string) (entries []Entry, err error) {
	err = f.do(Op{Kind: OpList, Name: dir}, func() (err error) {
		entries, err = f.inner.List(dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Stat describes one name.
func (f *Faults) Stat(name string) (entry Entry, err error) {
	err = f.do(Op{Kind: OpStat, Name: name}, func() (err error) {
		entry, err = f.inner.Stat(name)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	return entry, nil
}

// SyncDir makes the names of a directory durable.
func (f *Faults) SyncDir(dir string) error {
	return f.do(Op{Kind: OpSyncDir, Name: dir}, func() error { return f.inner.SyncDir(dir) })
}

// Lock takes an exclusive lock.
func (f *Faults) Lock(name string) (Unlocker, error) {
	var lock Unlocker
	err := f.do(Op{Kind: OpLock, Name: name}, func() (err error) {
		lock, err = f.inner.Lock(name)
		return err
	})
	if err != nil {
		if lock != nil {
			_ = lock.Close()
		}
		return nil, err
	}
	return &faultLock{fs: f, inner: lock, name: name}, nil
}

// Space returns what the file system below says, uncounted; -1 if it does not know.
func (f *Faults) Space(name string) (total, usable int64, err error) {
	if s, ok := f.inner.(Spacer); ok {
		return s.Space(name)
	}
	return -1, -1, nil
}

type faultLock struct {
	fs    *Faults
	inner Unlocker
	name  string
}

var _ Unlocker = (*faultLock)(nil)

func (l *faultLock) Close() error {
	d := l.fs.ask(Op{Kind: OpUnlock, Name: l.name})
	err := l.inner.Close()
	if d.Err != nil {
		return d.Err
	}
	return err
}
