package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestCancelAs(t *testing.T) {
	t.Run("C14/CancelAs sets the given reason", func(t *testing.T) {
		for _, r := range []cancel.Reason{
			{Source: cancel.SourceTask, Scope: "far", Task: "index", Cause: errBoom},
			{Source: cancel.SourceCancel, Scope: "far", Cause: errBoom, File: "/src/client.go", Line: 42},
			{Source: cancel.SourceDeadline, Scope: "far", Cause: context.DeadlineExceeded},
		} {
			for _, err := range []error{context.Canceled, context.DeadlineExceeded} {
				s := cancel.New(t.Context(), cancel.Name("near"))
				std, stop := context.WithCancel(s)
				given := &cancel.Error{Err: err, Reason: r}
				s.CancelAs(given)
				wantEnded(t, "scope", s, err, r.Cause)
				wantEnded(t, "standard", std, err, r.Cause)
				got, ok := errors.AsType[*cancel.Error](cancel.Err(std))
				if !ok || got.Err != err || got.Reason != r || got.Error() != given.Error() {
					t.Errorf("Err() = %+v, want %+v", got, given)
				}
				if err := s.Absorb(got); err != nil {
					t.Errorf("Absorb() = %v, want nil", err)
				}
				stop()
				s.Close()
			}
		}
	})
	t.Run("C14/CancelAs fills in the name of the scope and the cause", func(t *testing.T) {
		s := cancel.New(t.Context(), cancel.Name("near"))
		s.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceTask}})
		want := cancel.Reason{Source: cancel.SourceTask, Scope: "near", Cause: context.Canceled}
		if r, _ := cancel.ReasonOf(s); r != want {
			t.Errorf("ReasonOf() = %+v, want %+v", r, want)
		}
	})
	t.Run("C9/CancelAs makes the error of another scope an echo of both scopes", func(t *testing.T) {
		a, b := cancel.New(t.Context(), cancel.Name("a")), cancel.New(t.Context(), cancel.Name("b"))
		a.Cancel(errBoom)
		e, _ := errors.AsType[*cancel.Error](cancel.Err(a))
		b.CancelAs(e)
		if cancel.Err(b) != cancel.Err(a) || !b.IsEcho(e) || !b.IsEcho(cancel.Err(a)) {
			t.Errorf("Err() = %v, want %v, an echo of both scopes", cancel.Err(b), e)
		}
	})
	t.Run("C10/Absorb passes on an echo of a closed scope or of an outer context", func(t *testing.T) {
		for _, source := range []cancel.Source{cancel.SourceClosed, cancel.SourceContext} {
			s := cancel.New(t.Context())
			s.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: source}})
			if err := s.Absorb(cancel.Err(s)); err != cancel.Err(s) {
				t.Errorf("%v: Absorb() = %v, want %v", source, err, cancel.Err(s))
			}
		}
	})
	t.Run("C5/the first cancellation wins", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(io.EOF)
		s.CancelAs(&cancel.Error{Err: context.DeadlineExceeded, Reason: cancel.Reason{Source: cancel.SourceTask}})
		wantEnded(t, "scope", s, context.Canceled, io.EOF)
	})
}

func TestBecause(t *testing.T) {
	killed := errors.New("signal: killed")
	t.Run("C9/Because returns an echo with the error as its detail", func(t *testing.T) {
		std, stop := context.WithCancelCause(t.Context())
		stop(errBoom)
		s := cancel.New(t.Context(), cancel.Name("convert"))
		s.Cancel(errBoom)
		for _, ctx := range []context.Context{s, std, cancel.New(s)} {
			err := cancel.Because(ctx, killed)
			e, ok := errors.AsType[*cancel.Error](err)
			if !ok || e.Detail != killed || e.Reason.Cause != errBoom || !errors.Is(err, context.Canceled) || errors.Is(err, killed) {
				t.Errorf("Because() = %+v, want %v with detail %v", err, cancel.Err(ctx), killed)
			}
			if got, want := fmt.Sprintf("%v", err), cancel.Err(ctx).Error(); got != want {
				t.Errorf("%%v = %q, want %q", got, want)
			}
			if got, want := fmt.Sprintf("%+v", err), cancel.Err(ctx).Error()+"\n    signal: killed"; got != want {
				t.Errorf("%%+v = %q, want %q", got, want)
			}
		}
		err := cancel.Because(s, killed)
		if !s.IsEcho(err) || !s.IsEcho(fmt.Errorf("run: %w", err)) || s.Absorb(err) != nil {
			t.Errorf("IsEcho(%v) = false, want true", err)
		}
		if s.IsEcho(errors.Join(err, io.EOF)) {
			t.Error("IsEcho() of an error joined with a real error = true, want false")
		}
	})
	t.Run("C9/Because of an echo has no detail", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(errBoom)
		for _, err := range []error{context.Canceled, errBoom, cancel.Err(s), cancel.Because(s, errBoom)} {
			if got := cancel.Because(s, err); got != cancel.Err(s) {
				t.Errorf("Because(%v) = %+v, want %v", err, got, cancel.Err(s))
			}
		}
		twice := cancel.Because(s, cancel.Because(s, killed))
		if e, _ := errors.AsType[*cancel.Error](twice); e.Detail != killed {
			t.Errorf("detail of Because() twice = %v, want %v", e.Detail, killed)
		}
	})
	t.Run("C9/Because returns its error if the context is open, and nil for nil", func(t *testing.T) {
		s := cancel.New(t.Context())
		if got := cancel.Because(s, killed); got != killed {
			t.Errorf("Because() = %v, want %v", got, killed)
		}
		s.Cancel(nil)
		if got := cancel.Because(s, nil); got != nil {
			t.Errorf("Because(nil) = %v, want nil", got)
		}
	})
	bubble(t, "C9/Because counts a deadline that has passed before its timer fires", func(t *testing.T, ctx context.Context) {
		for range 50 {
			s := cancel.New(ctx, cancel.Timeout(time.Second), cancel.Name("read"))
			std, stop := context.WithTimeout(ctx, time.Second)
			time.Sleep(time.Second) // as long as a read with the same deadline
			for _, ctx := range []context.Context{s, std, cancel.New(s)} {
				err := cancel.Because(ctx, os.ErrDeadlineExceeded)
				if e, ok := errors.AsType[*cancel.Error](err); !ok || !e.Timeout() || e.Detail != os.ErrDeadlineExceeded {
					t.Errorf("Because() = %v, want the deadline with the detail", err)
				}
			}
			stop()
			s.Close()
		}
	})
	t.Run("C10/Run passes the detail on to the outer scope", func(t *testing.T) {
		outer, inner := cancel.New(t.Context()), (*cancel.Scope)(nil)
		inner = cancel.New(outer)
		err := inner.Run(func(ctx context.Context) error {
			inner.Cancel(nil)
			err := cancel.Because(ctx, killed)
			outer.Cancel(io.EOF)
			return err
		})
		if e, ok := errors.AsType[*cancel.Error](err); !ok || e.Detail != killed || e.Reason.Cause != io.EOF || !outer.IsEcho(err) {
			t.Errorf("Run() = %+v, want the Error of the outer scope with detail %v", err, killed)
		}
	})
}

func TestErrorTimeout(t *testing.T) {
	late := cancel.New(t.Context(), cancel.Timeout(0))
	canceled := cancel.New(t.Context())
	canceled.Cancel(context.DeadlineExceeded) // a cause does not make a timeout
	std, stop := context.WithTimeoutCause(t.Context(), 0, errBoom)
	defer stop()
	for _, tt := range []struct {
		ctx  context.Context
		want bool
	}{{late, true}, {cancel.New(late), true}, {std, true}, {canceled, false}} {
		err := cancel.Err(tt.ctx)
		if got := os.IsTimeout(err); got != tt.want {
			t.Errorf("IsTimeout(%v) = %v, want %v", err, got, tt.want)
		}
	}
}

func TestPath(t *testing.T) {
	root := cancel.New(t.Context())
	request := cancel.New(root, cancel.Name("req-17"))
	fetch := cancel.New(context.WithValue(cancel.New(request), key(1), 1), cancel.Name("fetch"), cancel.Shielded())
	for want, ctx := range map[string]context.Context{
		"":                  t.Context(),
		"req-17":            request,
		"req-17/fetch":      fetch,
		"req-17/fetch/head": cancel.New(cancel.UntilStop(context.WithoutCancel(fetch)), cancel.Name("head")),
	} {
		if got := cancel.Path(ctx); got != want {
			t.Errorf("Path() = %q, want %q", got, want)
		}
	}
	if got := cancel.Path(root); got != "" {
		t.Errorf("Path() of a scope without a name = %q, want %q", got, "")
	}
}

// Functions that make a scope accept the same options as New.
func TestOptions(t *testing.T) {
	bubble(t, "C6/a function that makes a scope accepts a name, a shield and a deadline", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		outer.Cancel(nil)
		look := func(ctx context.Context) error {
			s := cancel.FromContext(ctx)
			wantOpen(t, "shielded", s)
			wantDeadline(t, s, time.Hour)
			if s.Name() != "x" {
				t.Errorf("Name() = %q, want %q", s.Name(), "x")
			}
			return nil
		}
		opts := []cancel.Option{cancel.Name("x"), cancel.Shielded(), cancel.Timeout(time.Hour)} // the last deadline holds
		soon := time.Now().Add(time.Second)
		for name, call := range map[string]func() error{
			"FailAfter":   func() error { return cancel.FailAfter(outer, time.Second, look, opts...) },
			"FailAt":      func() error { return cancel.FailAt(outer, soon, look, opts...) },
			"MoveOnAfter": func() error { _, err := cancel.MoveOnAfter(outer, time.Second, look, opts...); return err },
			"MoveOnAt":    func() error { _, err := cancel.MoveOnAt(outer, soon, look, opts...); return err },
			"Shield":      func() error { return cancel.Shield(outer, time.Second, look, opts...) },
		} {
			if err := call(); err != nil {
				t.Errorf("%s() = %v, want nil", name, err)
			}
		}
	})
}

func TestReasonOfCanceledWithoutCause(t *testing.T) {
	s := cancel.New(t.Context())
	s.Cancel(nil)
	if r, ok := cancel.ReasonOf(s); !ok || r.Cause != context.Canceled {
		t.Errorf("ReasonOf() = %+v, %v, want cause %v, true", r, ok, context.Canceled)
	}
}

// A timedOut matches DeadlineExceeded. It has a method Unwrap that returns nil.
type timedOut int

func (timedOut) Error() string        { return "timed out" }
func (timedOut) Unwrap() error        { return nil }
func (timedOut) Is(target error) bool { return target == context.DeadlineExceeded }

func TestEchoThatUnwrapsToNil(t *testing.T) {
	late := cancel.New(t.Context(), cancel.Timeout(0))
	canceled := cancel.New(t.Context())
	canceled.Cancel(nil)
	if !late.IsEcho(timedOut(1)) {
		t.Error("IsEcho() = false, want true because the error matches DeadlineExceeded")
	}
	if canceled.IsEcho(timedOut(1)) {
		t.Error("IsEcho() of a scope canceled without a deadline = true, want false")
	}
}
