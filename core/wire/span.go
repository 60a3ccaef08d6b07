package wire

import "github.com/gregor-log/gregor/core/vfs"

// Span is a range of a file that stands for bytes of a reply. The kernel can send it without a copy.
type Span struct {
	// File is open for reading until Pin is released.
	File vfs.File
	// Offset and Length say which bytes of the file, all of them written before the span was made.
	Offset, Length int64
	// Pin keeps File open; whoever has sent (or dropped) the span calls Unpin once.
	Pin Pin
}

// Pin is a hold on something that must outlive a reply.
type Pin interface {
	// Unpin gives the hold up. It is called once.
	Unpin()
}

// Release gives up the span's hold on its file. The zero Span needs none.
func (s *Span) Release() {
	if s.Pin != nil {
		s.Pin.Unpin()
		s.Pin = nil
	}
}
