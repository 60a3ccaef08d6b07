package meta

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Error is why a command is not carried out: the code to answer with and the text that Kafka's tools show. Functions
// that return one return it as *Error, so that the code is at hand: a nil *Error must not be assigned to an error.
type Error struct {
	Code    *kerr.Error
	Message string
}

// Error returns the code's name and the message.
func (e *Error) Error() string { return e.Code.Message + ": " + e.Message }

// Unwrap returns the code, for errors.Is(err, kerr.TopicAlreadyExists).
func (e *Error) Unwrap() error { return e.Code }

// refuse makes an Error.
func refuse(code *kerr.Error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuseWith makes an Error with the text that Kafka has for the code itself.
func refuseWith(code *kerr.Error) *Error {
	return &Error{Code: code, Message: code.Description}
}
