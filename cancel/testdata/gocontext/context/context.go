// Package context offers what the standard library's package context does, with
// scopes in place of the contexts that can be canceled. TestGoContext runs Go's own
// tests of package context on it.
//
// The environment variable GROVE_CONTEXT_FORM holds words, separated by commas,
// that say what the functions make:
//
//   - done: Done of each scope is called before the scope is returned.
//   - mixed: scopes and contexts of the standard library alternate.
//   - values: each scope or context has a value context of its own for a parent,
//     except below a foreign context that has an AfterFunc method.
//   - std: there are no scopes.
package context

import (
	"context"
	"fmt"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
)

type (
	Context         = context.Context
	CancelFunc      = context.CancelFunc
	CancelCauseFunc = context.CancelCauseFunc
)

var (
	Canceled         = context.Canceled
	DeadlineExceeded = context.DeadlineExceeded
)

func Background() Context                                { return context.Background() }
func TODO() Context                                      { return context.TODO() }
func WithValue(parent Context, key, val any) Context     { return context.WithValue(parent, key, val) }
func WithoutCancel(parent Context) Context               { return context.WithoutCancel(parent) }
func Cause(c Context) error                              { return context.Cause(c) }
func AfterFunc(ctx Context, f func()) (stop func() bool) { return context.AfterFunc(ctx, f) }

func WithCancel(parent Context) (Context, CancelFunc) {
	parent, std := place(parent)
	if std {
		return context.WithCancel(parent)
	}
	return scope(parent)
}

func WithCancelCause(parent Context) (Context, CancelCauseFunc) {
	parent, std := place(parent)
	if std {
		return context.WithCancelCause(parent)
	}
	s, _ := scope(parent)
	return s, func(cause error) {
		s.Cancel(cause)
		s.Close()
	}
}

func WithDeadline(parent Context, d time.Time) (Context, CancelFunc) {
	parent, std := place(parent)
	if std {
		return context.WithDeadline(parent, d)
	}
	return scope(parent, cancel.Deadline(d))
}

func WithTimeout(parent Context, timeout time.Duration) (Context, CancelFunc) {
	parent, std := place(parent)
	if std {
		return context.WithTimeout(parent, timeout)
	}
	return scope(parent, cancel.Timeout(timeout))
}

// WithDeadlineCause returns a scope below a context of the standard library. There is
// no option that sets the cause of a scope when its deadline passes.
func WithDeadlineCause(parent Context, d time.Time, cause error) (Context, CancelFunc) {
	parent, std := place(parent)
	ctx, stop := context.WithDeadlineCause(parent, d, cause)
	if std {
		return ctx, stop
	}
	s, end := scope(ctx)
	return s, func() {
		end()
		stop()
	}
}

func WithTimeoutCause(parent Context, timeout time.Duration, cause error) (Context, CancelFunc) {
	return WithDeadlineCause(parent, time.Now().Add(timeout), cause)
}

// StringOf returns the beginning of the String of a context made below Background. To
// its parent's String a standard context adds suffix, and a scope adds ".WithScope".
func StringOf(suffix string) string {
	parent, std := place(Background())
	if !std {
		suffix = ".WithScope"
	}
	return fmt.Sprint(parent) + suffix
}

// Wrong reports whether n differs from want, the number of registrations with a
// foreign parent, or goroutines for it, that package context makes. A scope makes
// none before Done is called, so n may be less than want unless the form is "done".
func Wrong[N int | int32](n, want N) bool {
	if done || std {
		return n != want
	}
	return n > want
}

// scope returns a new scope and a function that cancels and releases it.
func scope(parent Context, opts ...cancel.Option) (*cancel.Scope, CancelFunc) {
	s := cancel.New(parent, opts...)
	if done {
		s.Done()
	}
	return s, func() {
		s.Cancel(nil)
		s.Close()
	}
}

var form = strings.Split(os.Getenv("GROVE_CONTEXT_FORM"), ",")

var (
	done   = slices.Contains(form, "done")
	mixed  = slices.Contains(form, "mixed")
	values = slices.Contains(form, "values")
	std    = slices.Contains(form, "std")
)

// levelKey is the key of the values that the form "values" inserts. Its value is
// the number of scopes and contexts above.
type levelKey struct{}

// place returns the parent that a context made below parent gets, and whether it is
// one of the standard library's rather than a scope.
func place(parent Context) (Context, bool) {
	_, below := parent.(*cancel.Scope)
	// A value context would hide the AfterFunc method of a foreign parent.
	_, foreign := parent.(interface{ AfterFunc(func()) func() bool })
	if values && (below || !foreign) {
		level, _ := parent.Value(levelKey{}).(int)
		return context.WithValue(parent, levelKey{}, level+1), std || mixed && level%2 == 1
	}
	// Without levels, a standard context below the root and below a scope.
	return parent, std || mixed && (below || parent == Background())
}

// goroutines stands in for a counter of that name in package context, which counts
// the goroutines that package context starts to watch foreign contexts. This one
// counts all goroutines that the program starts.
var goroutines counter

type counter struct{}

func (counter) Load() int32 {
	s := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(s)
	return int32(s[0].Value.Uint64())
}
