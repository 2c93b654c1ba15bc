package echoes_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"time"

	"github.com/grove-go/grove/cancel"
)

// standard are errors of the standard library, and such as programs make
// themselves.
var standard = []row{
	{"ctx.Err", context.Context.Err, true, isEcho},
	{"cancel.Err", cancel.Err, true, isEcho},
	{"context.Cause", context.Cause, true, isEcho},
	{"disk full", always(errDisk), false, isReal},
	{"another scope's Error", func(context.Context) error {
		other := cancel.New(context.Background())
		other.Close()
		return cancel.Err(other)
	}, false, isReal},

	{"fmt, the cause last", wrap(func(c error) error { return fmt.Errorf("fetch: %w", c) }), true, isEcho},
	{"fmt, the cause in parentheses", wrap(func(c error) error { return fmt.Errorf("fetch (%w)", c) }), true, isEcho},
	{"fmt, text behind the cause", wrap(func(c error) error { return fmt.Errorf("%w while fetching", c) }), true, isEcho},
	// Errors as text cannot be told from text. Users are told to wrap with text.
	{"fmt, an error as text behind the cause", wrap(func(c error) error { return fmt.Errorf("%w (rollback: %v)", c, errDisk) }), true, isReal},
	{"fmt, an error as text before the cause", wrap(func(c error) error { return fmt.Errorf("rollback: %v: %w", errDisk, c) }), true, isReal},
	{"fmt, twice the cancellation", wrap(func(c error) error { return fmt.Errorf("%w, %w", c, c) }), true, isEcho},
	{"fmt, one of two", wrap(func(c error) error { return fmt.Errorf("%w, %w", c, errDisk) }), false, isReal},
	{"Join", wrap(func(c error) error { return errors.Join(c, c) }), true, isEcho},
	{"Join, one real", wrap(func(c error) error { return errors.Join(c, errDisk) }), false, isReal},
	{"Join of Join, one real", wrap(func(c error) error { return errors.Join(errors.Join(c), errors.Join(c, errDisk)) }), false, isReal},
	{"Join of Join", wrap(func(c error) error { return errors.Join(errors.Join(c), errors.Join(c)) }), true, isEcho},

	{"net, dial canceled", func(ctx context.Context) error {
		_, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
		return err
	}, true, isEcho},
	{"net, lookup canceled", func(ctx context.Context) error {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, ctx.Err() }}
		_, err := r.LookupHost(ctx, "example.invalid")
		return err
	}, true, isEcho},
	{"net, closed", func(context.Context) error {
		return accept(func(l *net.TCPListener) { _ = l.Close() })
	}, false, unknown},
	{"net, i/o timeout", func(context.Context) error {
		return accept(func(l *net.TCPListener) { _ = l.SetDeadline(time.Unix(1, 0)) })
	}, false, unknown},
	{"net/http, canceled", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:1", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}, true, isEcho},
	{"os, PathError", wrap(func(c error) error { return &fs.PathError{Op: "read", Path: "x", Err: c} }), true, isEcho},
	{"os, PathError, disk full", always(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), false, isReal},
	{"os/exec, killed", func(context.Context) error {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = cmd.Process.Kill() // Wait tells
		return cmd.Wait()
	}, false, unknown},
	{"os/exec, never started", func(ctx context.Context) error { return exec.CommandContext(ctx, "sleep", "60").Run() }, true, isEcho},
	{"database/sql, ErrTxDone", always(sql.ErrTxDone), false, unknown},

	{"a kind and an error", wrap(func(c error) error { return &kinded{errDisk, c} }), false, unknown},
	{"a kind and an error, both canceled", wrap(func(c error) error { return &kinded{c, c} }), true, isEcho},
	{"a linked list", wrap(func(c error) error { return &linked{errDisk, &linked{c, nil}} }), false, isReal},
	{"Is for any of a list", wrap(func(c error) error { return &anyOf{[]error{errDisk, c}} }), false, isReal},
	{"Is for any, behind a pointer", wrap(func(c error) error { return hidden{&anyOf{[]error{errDisk, c}}} }), false, isReal},
	{"a leaf with Is", wrap(func(c error) error { return isLeaf(c == context.Canceled) }), true, isEcho},
}

// accept returns the error of Accept after do.
func accept(do func(*net.TCPListener)) error {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer l.Close()
	do(l)
	_, err = l.Accept()
	return err
}

type kinded struct{ Kind, Err error }

func (e *kinded) Error() string { return e.Kind.Error() + ": " + e.Err.Error() }
func (e *kinded) Unwrap() error { return e.Err }

// A linked error comes before another one.
type linked struct {
	err  error
	next *linked
}

func (e *linked) Error() string        { return e.err.Error() }
func (e *linked) Is(target error) bool { return errors.Is(e.err, target) }
func (e *linked) Unwrap() error {
	if e.next == nil {
		return nil
	}
	return e.next
}

type anyOf struct{ errs []error }

func (e *anyOf) Error() string        { return fmt.Sprint(e.errs) }
func (e *anyOf) Is(target error) bool { return errors.Is(errors.Join(e.errs...), target) }

type hidden struct{ in *anyOf }

func (e hidden) Error() string        { return e.in.Error() }
func (e hidden) Is(target error) bool { return e.in.Is(target) }

// An isLeaf says of itself that it is a cancellation, or a timeout.
type isLeaf bool

func (isLeaf) Error() string { return "gave up" }
func (e isLeaf) Is(target error) bool {
	if e {
		return target == context.Canceled
	}
	return target == context.DeadlineExceeded
}
