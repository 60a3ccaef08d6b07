//go:build linux

package limit

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
)

// The loops that are servers in C as well, with the same frames and files: what Go costs.
const (
	StoreC Kind = "store-c"
	KeepC  Kind = "keep-c"
	SpansC Kind = "spans-c"
)

// Native reports whether the loop is a program in C.
func (k Kind) Native() bool { return k == StoreC || k == KeepC || k == SpansC }

//go:embed c/*.c c/*.h
var sources embed.FS

// ErrCompiler reports a machine without a C compiler.
var ErrCompiler = errors.New("no C compiler, cc, to build the loop with")

// Compile builds one of the programs, "store" or "spans", in a folder and returns its path. What is built there already
// is not built again.
func Compile(ctx context.Context, dir, name string) (string, error) {
	program := filepath.Join(dir, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCompiler, err)
	}
	files, err := fs.Glob(sources, "c/*")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := sources.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, path.Base(file)), text, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	// Under another name until it is whole.
	part := program + ".part"
	out, err := exec.CommandContext(ctx, compiler, "-O2", "-std=gnu11", "-pthread", "-o", part,
		filepath.Join(dir, name+".c")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cc %s.c: %w\n%s", name, err, out)
	}
	return program, os.Rename(part, program)
}

// NativeCommand returns the command that is a loop in C, built in the folder built.
func NativeCommand(ctx context.Context, address string, o Options, built string) ([]string, error) {
	ip, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name := "store"
	switch o.Kind {
	case StoreC, KeepC:
	case SpansC:
		name = "spans"
	default:
		return nil, fmt.Errorf("%w: got %q, expected one in C", ErrKind, o.Kind)
	}
	program, err := Compile(ctx, built, name)
	if err != nil {
		return nil, err
	}
	command := []string{program, ip, port}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	if o.Kind == SpansC {
		head, tail := o.Source.response()
		return append(command, o.Source.Path, hex.EncodeToString(head), hex.EncodeToString(tail),
			number(o.Source.BatchBytes), number(o.Source.BatchRecords), number(o.Source.SpanBytes)), nil
	}
	sum := "no-crc"
	if o.Kind == StoreC {
		sum = "crc"
	}
	return append(command, o.Dir, number(o.FileBytes), sum), nil
}
