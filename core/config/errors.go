package config

import "errors"

// The kinds of error that a client is told. Every error of this package wraps one of the two.
var (
	// ErrInvalidConfig stands for Kafka's INVALID_CONFIG: a property that is unknown or whose value is not valid.
	ErrInvalidConfig = errors.New("invalid config")
	// ErrInvalidRequest stands for Kafka's INVALID_REQUEST: an alteration that may not be made.
	ErrInvalidRequest = errors.New("invalid request")
)

// Error is an error whose text is, to the letter, the message that Kafka gives.
type Error struct {
	// Kind is ErrInvalidConfig or ErrInvalidRequest.
	Kind error
	// Message is Kafka's text.
	Message string
}

// Error returns the message alone: it goes to clients as it is.
func (e *Error) Error() string {
	return e.Message
}

// Unwrap returns the kind, for errors.Is.
func (e *Error) Unwrap() error {
	return e.Kind
}

func configError(message string) *Error {
	return &Error{Kind: ErrInvalidConfig, Message: message}
}

func requestError(message string) *Error {
	return &Error{Kind: ErrInvalidRequest, Message: message}
}

// badValue is the form of Kafka's ConfigException: what was got, for which property, and what was expected.
func badValue(name, got, expected string) *Error {
	return configError("Invalid value " + got + " for configuration " + name + ": " + expected)
}
