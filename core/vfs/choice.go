package vfs

// Choice decides what a loss of power leaves of the changes that no sync has made durable. PowerLoss calls it once for
// each part of each pending change that can survive by itself, oldest change first: a write is asked about sector by
// sector and then, if it made the file longer, about its length. It must depend on nothing but the Change and its own
// state, so that a run can be repeated.
type Choice func(Change) (survives bool)

// ChangeKind says what a Change is about.
type ChangeKind int

// The kinds of changes.
const (
	// ChangeBytes is the part of a write that lies in one sector. If it survives, the file reaches at least to its end.
	ChangeBytes ChangeKind = iota
	// ChangeLength is the length that a write gave the file; bytes of it that did not survive read as zeros.
	ChangeLength
	// ChangeTruncate is a truncation, or an extension by Truncate.
	ChangeTruncate
	// ChangeCreate is the name of a new file.
	ChangeCreate
	// ChangeMkdir is the name of a new directory.
	ChangeMkdir
	// ChangeRemove is the removal of a name.
	ChangeRemove
	// ChangeRename is a rename, whole. It comes to nothing if the name that it moves did not survive.
	ChangeRename
)

// Change is one thing that may or may not survive a loss of power.
type Change struct {
	Kind ChangeKind
	// Name is the path of the file, relative to the root, as it was when the file was created or last renamed itself;
	// of a rename, the old one.
	Name string
	// To is the new path of a rename.
	To string
	// Off and Len are the range of the whole write in bytes; Off is the new size of a truncation.
	Off int64
	Len int
	// Sector counts the sectors that the write touches, from 0, and Sectors is their number.
	Sector, Sectors int
	// Index counts the pending changes, oldest first, from 0, and Count is their number. All sectors of a write and its
	// length share one index.
	Index, Count int
	// Later is the number of pending writes, to any file, that came after this change.
	Later int
}

// IsName reports whether the change is one to the names of a directory.
func (c Change) IsName() bool {
	return c.Kind >= ChangeCreate
}

// LoseAll is the Choice that leaves only what was synced.
func LoseAll(Change) bool { return false }

// KeepAll is the Choice that loses nothing.
func KeepAll(Change) bool { return true }

// KeepNames loses the content that was not synced and keeps all names: the empty files that journals of metadata leave.
func KeepNames(c Change) bool { return c.IsName() }

// KeepContent keeps all content and loses the names that were not synced.
func KeepContent(c Change) bool { return !c.IsName() }

// ZeroBytes keeps names and lengths and loses the bytes: files that end in zeros.
func ZeroBytes(c Change) bool { return c.Kind != ChangeBytes }

// KeepFirst keeps the n oldest pending changes: the power goes in the middle of a disk that reorders nothing.
func KeepFirst(n int) Choice {
	return func(c Change) bool { return c.Index < n }
}

// LoseFirst loses the n oldest pending changes and keeps what came after them: a disk that reorders.
func LoseFirst(n int) Choice {
	return func(c Change) bool { return c.Index >= n }
}

// TearLast keeps all but the end of the last pending write, of which the first sectors survive; length says whether the
// file is as long as if all of it had, with zeros in their place.
func TearLast(sectors int, length bool) Choice {
	return func(c Change) bool {
		switch {
		case c.Later > 0:
			return true
		case c.Kind == ChangeBytes:
			return c.Sector < sectors
		case c.Kind == ChangeLength:
			return length
		}
		return true
	}
}

// Random keeps each part of each change with a chance of permille in a thousand. It draws one number from next for
// each.
func Random(next func() uint64, permille int) Choice {
	return func(Change) bool { return next()%1000 < uint64(max(permille, 0)) }
}
