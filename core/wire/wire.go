// Package wire is the frame around Kafka's messages: request and response headers, a bounded reader of bytes from
// outside, replies whose parts may be ranges of files, and the two messages of the hot path, Produce and Fetch, which
// are read and written without a copy or an allocation per record. All other messages are kmsg's.
//
// # Frames
//
//	 0        4                                          big-endian
//	+--------+--------------------------------------+
//	| length | header and body: length bytes        |
//	+--------+--------------------------------------+
//
//	request header v1             v2 (the API's version is flexible)
//	+---------------------+       +---------------------+
//	| api key       int16 |       | api key       int16 |
//	| api version   int16 |       | api version   int16 |
//	| correlation   int32 |       | correlation   int32 |
//	| client id     int16 |       | client id     int16 |   length, -1 for null, then the bytes: never compact
//	+---------------------+       | tagged fields       |
//	                              +---------------------+
//
//	response header v0            v1 (flexible, but for ApiVersions, which always has v0: KIP-511)
//	+---------------------+       +---------------------+
//	| correlation   int32 |       | correlation   int32 |
//	+---------------------+       | tagged fields       |
//	                              +---------------------+
//
// # Bounds
//
// A message from outside may claim any length. Reader checks each against what is left before anything is made of it,
// and CheckRequest walks a whole request by its shape first, so that what kmsg then decodes is bounded by a small
// multiple of the request's bytes.
package wire

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrMalformed reports bytes that are not the message that they claim to be. The connection they came on is closed.
var ErrMalformed = errors.New("malformed message")

// LengthSize is the size of the length before each frame, in bytes.
const LengthSize = 4

// MaxKey is the largest API key that this package knows the versions of.
const MaxKey = 93

// flexibleFrom holds, by API key, the first version with compact lengths and tagged fields; noFlexible where none is.
var flexibleFrom = func() (table [MaxKey + 1]int16) {
	for key := range table {
		table[key] = noFlexible
		req := kmsg.RequestForKey(int16(key))
		if req == nil {
			continue
		}
		for v := range req.MaxVersion() + 1 {
			req.SetVersion(v)
			if req.IsFlexible() {
				table[key] = v
				break
			}
		}
	}
	return table
}()

const noFlexible = 1<<15 - 1

// Flexible reports whether a version of an API uses compact lengths and tagged fields (KIP-482).
func Flexible(key, version int16) bool {
	return key >= 0 && key <= MaxKey && version >= flexibleFrom[key]
}

// RequestHeader is the header of a request.
type RequestHeader struct {
	Key, Version int16
	Correlation  int32
	// ClientID points into the frame; nil for null.
	ClientID []byte
}

// ParseHeader takes a frame, without its length, apart into header and body. A version beyond those that are known has
// the header of the last one, which is how Kafka reads an ApiVersions request of a newer client.
func ParseHeader(frame []byte) (h RequestHeader, body []byte, err error) {
	r := NewReader(frame, false)
	h.Key, h.Version, h.Correlation = r.Int16(), r.Int16(), r.Int32()
	h.ClientID = r.String()
	if Flexible(h.Key, h.Version) {
		r.flexible = true
		r.Tags(nil)
	}
	if r.Err() != nil {
		return h, nil, fmt.Errorf("request header: %w", r.Err())
	}
	return h, r.Rest(), nil
}

// FlexibleHeader reports whether the response header of an API's version has tagged fields.
func FlexibleHeader(key, version int16) bool {
	return key != int16(kmsg.ApiVersions) && Flexible(key, version)
}
