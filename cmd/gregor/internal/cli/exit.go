// Package cli is the contract that every command of gregor keeps with its user and with scripts: what goes to stdout
// and what to stderr, what JSON looks like, what the exit codes mean, and which environment variable sets which flag.
// The commands themselves are in package main; docs/reference/cli.md is the contract in prose.
//
//	stdout   data, and nothing else: text for people, or JSON
//	stderr   diagnostics, logs and progress
//	exit     0 ok, 1 failure or violation, 2 usage, 3 inconclusive, 4 the harness failed, 130 and 143 interrupted
//	JSON     one object with "_command" and "_version"; streams are one object a line
//	flags    each has an environment variable, which --help names; a flag given wins over it
package cli

import (
	"errors"
	"fmt"
)

// The exit codes.
const (
	// CodeOK says that the command did what it was asked for.
	CodeOK = 0
	// CodeFailed says that something failed, or that a violation was found.
	CodeFailed = 1
	// CodeUsage says that the command line or the configuration is wrong; nothing was done.
	CodeUsage = 2
	// CodeInconclusive says that nothing can be said: a check ran out of time or had nothing to look at.
	CodeInconclusive = 3
	// CodeHarness says that a check itself failed, so that its verdict is worth nothing.
	CodeHarness = 4
	// CodeSignal is added to the number of the signal that interrupted a command.
	CodeSignal = 128
)

// Error is an error that knows the exit code it leads to. Without Err the command has said already what is wrong.
type Error struct {
	Code int
	Err  error
}

// Error returns the text of the error, or a note of the exit code.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the error within.
func (e *Error) Unwrap() error {
	return e.Err
}

// Usagef returns an error that ends the command with CodeUsage.
func Usagef(format string, args ...any) error {
	return &Error{Code: CodeUsage, Err: fmt.Errorf(format, args...)}
}

// Usage gives an error CodeUsage; nil stays nil, and a code that the error has stays.
func Usage(err error) error {
	var coded *Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return &Error{Code: CodeUsage, Err: err}
}

// Exit returns an error that ends the command with a code and without another word; nil for CodeOK.
func Exit(code int) error {
	if code == CodeOK {
		return nil
	}
	return &Error{Code: code}
}

// Code returns the exit code of a command that ended with err.
func Code(err error) int {
	var coded *Error
	switch {
	case err == nil:
		return CodeOK
	case errors.As(err, &coded):
		return coded.Code
	}
	return CodeFailed
}

// Silent reports that everything about err has been said.
func Silent(err error) bool {
	var coded *Error
	return errors.As(err, &coded) && coded.Err == nil
}
