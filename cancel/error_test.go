package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// here returns the file and line of its caller.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

func TestReason(t *testing.T) {
	boom := errors.New("boom")

	bubble(t, "C14/ReasonOf reports each source", func(t *testing.T, ctx context.Context) {
		std, stop := context.WithCancelCause(ctx)
		stop(boom)
		var at string
		for want, end := range map[cancel.Reason]func(s *cancel.Scope){
			{Source: cancel.SourceCancel, Scope: "s", Cause: boom}:                       func(s *cancel.Scope) { s.Cancel(boom); at = here() },
			{Source: cancel.SourceDeadline, Scope: "s", Cause: context.DeadlineExceeded}: func(s *cancel.Scope) { s.SetTimeout(0) },
			{Source: cancel.SourceTask, Scope: "s", Task: "index", Cause: boom}: func(s *cancel.Scope) {
				s.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceTask, Task: "index", Cause: boom}})
			},
			{Source: cancel.SourceClosed, Scope: "s", Cause: boom}: func(s *cancel.Scope) {
				s.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceClosed, Cause: boom}})
			},
			{Source: cancel.SourceStop, Scope: "s", Cause: cancel.ErrGraceExpired}: func(s *cancel.Scope) { s.Shutdown(0) },
			{Source: cancel.SourceContext, Cause: boom}:                            func(s *cancel.Scope) { s.Follow(std) },
		} {
			s := cancel.New(ctx, cancel.Name("s"))
			below := cancel.New(s, cancel.Name("below"))
			child, stop := context.WithCancel(below)
			if r, ok := cancel.ReasonOf(below); ok {
				t.Errorf("ReasonOf() = %v, true, want false", r)
			}
			end(s)
			s.Cancel(io.EOF) // the first reason wins
			below.Cancel(io.EOF)
			for _, c := range []context.Context{s, below, child, wrapper{child}, cancel.New(s)} {
				got, ok := cancel.ReasonOf(c)
				if want.Source == cancel.SourceCancel {
					if file := fmt.Sprintf("%s:%d", filepath.Base(got.File), got.Line); file != at {
						t.Errorf("ReasonOf(%v): called at %s, want %s", c, file, at)
					}
					got.File, got.Line = "", 0
				}
				if got != want || !ok {
					t.Errorf("ReasonOf(%v) = %+v, want %+v", c, got, want)
				}
			}
			stop()
			s.Close()
		}
	})

	t.Run("C14/ReasonOf reports the place of the Cancel call", func(t *testing.T) {
		var at string
		for name, call := range map[string]func(*cancel.Scope){
			"directly":       func(s *cancel.Scope) { s.Cancel(nil); at = here() },
			"a method value": func(s *cancel.Scope) { f := s.Cancel; f(nil); at = here() },
			"embedded":       func(s *cancel.Scope) { struct{ *cancel.Scope }{s}.Cancel(nil); at = here() },
		} {
			s := cancel.New(t.Context())
			call(s)
			r, _ := cancel.ReasonOf(s)
			if got := fmt.Sprintf("%s:%d", filepath.Base(r.File), r.Line); got != at {
				t.Errorf("%s: called at %s, want %s", name, got, at)
			}
		}
		s := cancel.New(t.Context())
		go s.Cancel(nil)
		<-s.Done()
		if r, _ := cancel.ReasonOf(s); r.Source != cancel.SourceCancel {
			t.Errorf("ReasonOf() = %v, want source %v", r, cancel.SourceCancel)
		}
	})

	t.Run("C14/String describes reasons and sources", func(t *testing.T) {
		for want, r := range map[string]cancel.Reason{
			"outer context":                     {Source: cancel.SourceContext},
			"canceled":                          {Source: cancel.SourceCancel},
			"canceled at crawl.go:42":           {Source: cancel.SourceCancel, File: "/src/crawl.go", Line: 42},
			`canceled scope "a" at crawl.go:42`: {Source: cancel.SourceCancel, Scope: "a", File: "/src/crawl.go", Line: 42},
			"deadline of a scope":               {Source: cancel.SourceDeadline},
			`deadline of scope "fetch"`:         {Source: cancel.SourceDeadline, Scope: "fetch"},
			"a task failed":                     {Source: cancel.SourceTask},
			`a task in scope "a" failed`:        {Source: cancel.SourceTask, Scope: "a"},
			`task "index" failed`:               {Source: cancel.SourceTask, Task: "index"},
			`task "index" in scope "a" failed`:  {Source: cancel.SourceTask, Task: "index", Scope: "a"},
			"graceful stop":                     {Source: cancel.SourceStop},
			`graceful stop of scope "a"`:        {Source: cancel.SourceStop, Scope: "a"},
			"end of a scope":                    {Source: cancel.SourceClosed},
			`end of scope "a"`:                  {Source: cancel.SourceClosed, Scope: "a"},
		} {
			if got := r.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		}
		for want, s := range map[string]cancel.Source{
			"outer context": cancel.SourceContext, "cancel": cancel.SourceCancel, "deadline": cancel.SourceDeadline,
			"task": cancel.SourceTask, "stop": cancel.SourceStop, "closed": cancel.SourceClosed, "Source(0)": 0, "Source(99)": 99,
		} {
			if got := s.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		}
	})
}

func TestError(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C14/Err names the reason and wraps only Canceled", func(t *testing.T) {
		s := cancel.New(t.Context(), cancel.Name("crawl"))
		if err := cancel.Err(s); err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		s.Cancel(io.EOF)
		at := here()
		err := cancel.Err(s)
		if want := fmt.Sprintf("context canceled: EOF (canceled scope %q at %.12s", "crawl", at); err.Error()[:len(want)] != want {
			t.Errorf("Err() = %v, want prefix %q", err, want)
		}
		if !errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.Unwrap(err) != context.Canceled {
			t.Errorf("%v does not wrap only %v", err, context.Canceled)
		}
		if again := cancel.Err(s); again != err {
			t.Errorf("second Err() = %p, want %p", again, err)
		}
		if got := cancel.Err(cancel.New(s)); got != err {
			t.Errorf("Err() below = %p, want %p", got, err)
		}
	})

	t.Run("C14/Err describes a context without scopes", func(t *testing.T) {
		std, stop := context.WithCancelCause(t.Context())
		if err := cancel.Err(std); err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		stop(boom)
		if got, want := cancel.Err(std).Error(), "context canceled: boom (outer context)"; got != want {
			t.Errorf("Err() = %q, want %q", got, want)
		}
	})

	t.Run("C14/an Error literal has a message and is not an echo", func(t *testing.T) {
		err := &cancel.Error{}
		if got, want := err.Error(), "context canceled (outer context)"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		s := cancel.New(t.Context())
		s.Cancel(nil)
		if s.IsEcho(err) || s.IsEcho(&cancel.Error{Err: context.Canceled}) || s.IsEcho(&cancel.TimeoutError{}) {
			t.Error("IsEcho() of an error literal = true, want false")
		}
	})

	bubble(t, "C10/a TimeoutError describes the timeout", func(t *testing.T, ctx context.Context) {
		err := cancel.New(ctx, cancel.Name("not this")).Run(func(ctx context.Context) error {
			return cancel.FailAfter(ctx, 1500*time.Millisecond, cancel.Forever)
		})
		if got, want := err.Error(), "timed out after 1.5s"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		te, ok := errors.AsType[*cancel.TimeoutError](err)
		if !ok || !te.Deadline.Equal(time.Now()) || te.After != 1500*time.Millisecond || !te.Timeout() {
			t.Errorf("TimeoutError = %+v, want deadline %v, after 1.5s", te, time.Now())
		}
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("%v does not wrap only %v", err, context.DeadlineExceeded)
		}
		if !os.IsTimeout(err) {
			t.Error("IsTimeout() = false, want true")
		}
		if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() || !te.Temporary() {
			t.Errorf("%v is not a net.Error like %v", err, context.DeadlineExceeded)
		}
		at := time.Now().Add(time.Second)
		for want, err := range map[string]error{
			`timed out after 2s (scope "fetch")`:                    cancel.FailAfter(ctx, 2*time.Second, cancel.Forever, cancel.Name("fetch")),
			`timed out after 1m0s (scope "clean-up")`:               cancel.Shield(ctx, time.Minute, cancel.Forever, cancel.Name("clean-up")),
			`timed out at 2000-01-01 00:00:02.5 UTC (scope "read")`: cancel.FailAt(ctx, at, cancel.Forever, cancel.Name("read")),
			"timed out after 0s":                                    cancel.FailAfter(ctx, -time.Second, cancel.Forever),
			"timed out after 3s": cancel.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
				cancel.FromContext(ctx).SetTimeout(3 * time.Second)
				return cancel.Forever(ctx)
			}),
		} {
			if err == nil || err.Error() != want {
				t.Errorf("Error() = %v, want %q", err, want)
			}
		}
	})

	bubble(t, "C10/a TimeoutError keeps the error of the function as its detail", func(t *testing.T, ctx context.Context) {
		for detail, fail := range map[string]func(ctx context.Context) error{
			"":  cancel.Forever,
			"-": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"query: context deadline exceeded (rollback: disk full)": func(ctx context.Context) error {
				<-ctx.Done()
				return fmt.Errorf("query: %w (rollback: disk full)", ctx.Err())
			},
		} {
			err := cancel.FailAfter(ctx, time.Second, fail)
			te, ok := errors.AsType[*cancel.TimeoutError](err)
			if !ok {
				t.Fatalf("FailAfter() = %v, want a TimeoutError", err)
			}
			want := "timed out after 1s"
			if len(detail) < 2 {
				if te.Detail != nil {
					t.Errorf("Detail = %v, want nil", te.Detail)
				}
			} else {
				want += "\n    " + detail
			}
			if got := fmt.Sprintf("%+v", err); got != want {
				t.Errorf("%%+v = %q, want %q", got, want)
			}
			want = `timed out after 1s|timed out after 1s|"timed out after 1s"|%!d(*cancel.TimeoutError=timed out after 1s)`
			if got := fmt.Sprintf("%v|%s|%q|%d", err, err, err, err); got != want {
				t.Errorf("Sprintf() = %s, want %s", got, want)
			}
		}
	})
}

// An opaque wraps an error and has an Echo method that says whether it may be an echo.
type opaque struct {
	error
	echo bool
}

func (o opaque) Echo() bool    { return o.echo }
func (o opaque) Unwrap() error { return o.error }

func TestEcho(t *testing.T) {
	boom := errors.New("boom")
	other := cancel.New(t.Context())
	other.Cancel(boom)
	std, stop := context.WithCancel(t.Context())
	stop()
	s := cancel.New(t.Context())
	dialed := &net.OpError{Op: "dial", Err: context.Canceled}
	errs := func(s *cancel.Scope) map[string]error {
		child, stop := context.WithCancel(cancel.New(s))
		defer stop()
		return map[string]error{
			"echo Err":            context.Canceled,
			"echo cause":          boom,
			"echo Error":          cancel.Err(s),
			"echo Error below":    cancel.Err(child),
			"echo wrapped":        fmt.Errorf("fetch: %w", cancel.Err(s)),
			"echo joined":         errors.Join(context.Canceled, cancel.Err(s)),
			"echo net":            dialed,
			"echo Echo method":    opaque{context.Canceled, true},
			"real nil":            nil,
			"real other sentinel": context.DeadlineExceeded,
			"real error":          io.EOF,
			"real message":        errors.New(context.Canceled.Error()),
			"real joined":         errors.Join(context.Canceled, io.EOF),
			"real wrapped":        fmt.Errorf("%w: %w", io.EOF, context.Canceled),
			"real empty join":     emptyJoin{},
			"real Error of other": cancel.Err(other),
			"real Error of std":   cancel.Err(std),
			"real Echo method":    opaque{context.Canceled, false},
			"real nil pointer":    (*cancel.Error)(nil),
			"real nil timeout":    (*cancel.TimeoutError)(nil),
			"real uncomparable":   uncomparable{"a"},
			"real joined opaque":  errors.Join(context.Canceled, opaque{boom, false}),
		}
	}
	t.Run("C9/no error is an echo of an open scope", func(t *testing.T) {
		for name, err := range errs(s) {
			if name != "echo Error" && s.IsEcho(err) {
				t.Errorf("IsEcho(%s) = true, want false", name)
			}
			if got := s.Absorb(err); err == nil && got != nil || err != nil && name != "real uncomparable" && got != err {
				t.Errorf("Absorb(%s) = %v, want %v", name, got, err)
			}
		}
	})
	s.Cancel(boom)
	t.Run("C9/an error is an echo if all of its leaves are", func(t *testing.T) {
		for name, err := range errs(s) {
			isEcho, want := name[:4] == "echo", err
			if isEcho {
				want = nil
			}
			if got := s.IsEcho(err); got != isEcho {
				t.Errorf("IsEcho(%s) = %v, want %v", name, got, isEcho)
			}
			if got := s.Absorb(err); (got == nil) != (want == nil) {
				t.Errorf("Absorb(%s) = %v, want %v", name, got, want)
			}
		}
	})
	t.Run("C9/a cause may be of a type that is not comparable", func(t *testing.T) {
		s := cancel.New(t.Context())
		cause := uncomparable{"a", "b"}
		s.Cancel(cause)
		child, stop := context.WithCancel(s)
		defer stop()
		for i, err := range []error{cause, cancel.Err(s), cancel.Err(child), cancel.Err(cancel.New(wrapper{s}))} {
			if !s.IsEcho(err) {
				t.Errorf("%d: IsEcho(%v) = false, want true", i, err)
			}
		}
		for _, err := range []error{uncomparable{"a", "c"}, uncomparable{"a", "b"}, uncomparable{"a"}} {
			if s.IsEcho(err) {
				t.Errorf("IsEcho(%v) of another slice = true, want false", err)
			}
		}
	})
	t.Run("C9/Absorb passes on the echo of a Close or of an outer end", func(t *testing.T) {
		closed := cancel.New(t.Context())
		closed.Close()
		for _, s := range []*cancel.Scope{closed, cancel.New(std), cancel.New(other)} {
			err := cancel.Err(s)
			if !s.IsEcho(err) {
				t.Errorf("IsEcho(%v) = false, want true", err)
			}
			if got := s.Absorb(err); got != err {
				t.Errorf("Absorb(%v) = %v, want %v", err, got, err)
			}
		}
	})
}

// An emptyJoin wraps no errors.
type emptyJoin struct{}

func (emptyJoin) Error() string   { return "empty" }
func (emptyJoin) Unwrap() []error { return []error{nil} }

// An uncomparable is an error that panics when it is compared with ==.
type uncomparable []string

func (u uncomparable) Error() string { return fmt.Sprint([]string(u)) }
