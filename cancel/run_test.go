package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestRun(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C15/a scope is for one use", func(t *testing.T) {
		const want = "cancel: Scope.Run: the scope has been used; make a new one with cancel.New"
		run := func(s *cancel.Scope) { _ = s.Run(func(context.Context) error { return nil }) }
		s := cancel.New(t.Context())
		run(s)
		mustPanic(t, want, func() { run(s) })
		closed := cancel.New(t.Context())
		closed.Close()
		mustPanic(t, want, func() { run(closed) })
		_ = cancel.New(t.Context()).Run(func(ctx context.Context) error {
			mustPanic(t, want, func() { run(cancel.FromContext(ctx)) }) // from inside
			return nil
		})
		canceled := cancel.New(t.Context())
		canceled.Cancel(nil)
		run(canceled)
	})

	t.Run("C15/Run panics if the function is nil and leaves the scope usable", func(t *testing.T) {
		s := cancel.New(t.Context())
		mustPanic(t, "cancel: Scope.Run: nil function", func() { _ = s.Run(nil) })
		if err := s.Run(func(context.Context) error { return boom }); err != boom {
			t.Errorf("Run() = %v, want %v", err, boom)
		}
	})

	t.Run("C8/Run closes the scope even if the function panics or exits", func(t *testing.T) {
		for name, fn := range map[string]func(context.Context) error{
			"returns": func(context.Context) error { return nil },
			"fails":   func(context.Context) error { return boom },
			"panics":  func(context.Context) error { panic(boom) },
			"exits":   func(context.Context) error { runtime.Goexit(); return nil },
		} {
			s := cancel.New(t.Context())
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				_ = s.Run(fn)
			}()
			if got := <-done; (got == boom) != (name == "panics") {
				t.Errorf("%s: recover() = %v, want %v only after a panic", name, got, boom)
			}
			if got := context.Cause(s); !errors.Is(got, cancel.ErrClosed) {
				t.Errorf("%s: Cause() = %v, want %v", name, got, cancel.ErrClosed)
			}
		}
	})

	t.Run("C10/Run absorbs the echo of its own scope's cancellation", func(t *testing.T) {
		for name, fail := range map[string]func(context.Context) error{
			"Err":        func(ctx context.Context) error { return ctx.Err() },
			"cancel.Err": cancel.Err,
			"cause":      context.Cause,
			"wrapped":    func(ctx context.Context) error { return fmt.Errorf("fetch: %w", ctx.Err()) },
			"joined":     func(ctx context.Context) error { return errors.Join(ctx.Err(), cancel.Err(ctx), context.Cause(ctx)) },
		} {
			s := cancel.New(t.Context())
			s.Cancel(boom)
			if err := s.Run(fail); err != nil {
				t.Errorf("%s: Run() = %v, want nil", name, err)
			}
		}
	})

	t.Run("C10/Run passes on the cancellation errors of other contexts", func(t *testing.T) {
		other := cancel.New(t.Context())
		other.Cancel(nil)
		for _, want := range []error{context.Canceled, context.DeadlineExceeded, cancel.Err(other), boom} {
			if err := cancel.New(t.Context()).Run(func(context.Context) error { return want }); err != want {
				t.Errorf("Run() = %v, want %v", err, want)
			}
		}
		// Trio: a scope that is not canceled never absorbs, even if its shield has
		// been raised since.
		err := other.Run(func(ctx context.Context) error {
			inner := cancel.New(ctx)
			return inner.Run(func(ctx context.Context) error {
				err := cancel.Err(ctx)
				inner.SetShield(true)
				return err
			})
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})

	// Trio: test_cancel_scope_nesting.
	t.Run("C10/the outermost canceled scope absorbs the echo", func(t *testing.T) {
		var scopes []*cancel.Scope
		var passed []bool
		var nested func(ctx context.Context, depth int) error
		nested = func(ctx context.Context, depth int) error {
			if depth == 0 {
				for _, s := range scopes {
					s.Cancel(boom) // from the outside in
				}
				return cancel.Checkpoint(ctx)
			}
			s := cancel.New(ctx)
			scopes = append(scopes, s)
			err := s.Run(func(ctx context.Context) error { return nested(ctx, depth-1) })
			passed = append(passed, err != nil)
			return err
		}
		if err := nested(t.Context(), 3); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got, want := fmt.Sprint(passed), "[true true false]"; got != want {
			t.Errorf("echo passed on, innermost scope first = %v, want %v", got, want)
		}
		scopes, passed = nil, nil
	})

	t.Run("C10/Run passes the echo on to a canceled outer scope", func(t *testing.T) {
		outer := cancel.New(t.Context(), cancel.Name("outer"))
		inner := cancel.New(outer, cancel.Name("inner"))
		err := inner.Run(func(ctx context.Context) error {
			inner.Cancel(boom)
			outer.Cancel(io.EOF)
			return cancel.Err(ctx)
		})
		if err != cancel.Err(outer) {
			t.Errorf("Run() = %v, want %v", err, cancel.Err(outer))
		}
		if err := outer.Absorb(err); err != nil {
			t.Errorf("Absorb() = %v, want nil", err)
		}
		if errors.Is(err, io.EOF) {
			t.Error("Is(err, io.EOF) = true, want false")
		}
	})

	t.Run("C10/a shielded scope absorbs its echo even if the outer scope is canceled", func(t *testing.T) {
		outer := cancel.New(t.Context())
		inner := cancel.New(outer, cancel.Shielded())
		outer.Cancel(nil)
		err := inner.Run(func(ctx context.Context) error {
			inner.Cancel(boom)
			return cancel.Err(ctx)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})

	// Trio: a program may cancel a scope just to check for an outer cancellation.
	t.Run("C10/Checkpoint in a canceled scope reports the outer cancellation", func(t *testing.T) {
		look := func(ctx context.Context) error {
			s := cancel.New(ctx)
			s.Cancel(nil)
			return s.Run(cancel.Checkpoint)
		}
		outer := cancel.New(t.Context())
		if err := look(outer); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		outer.Cancel(boom)
		if err := look(outer); err != cancel.Err(outer) {
			t.Errorf("Run() = %v, want %v", err, cancel.Err(outer))
		}
	})

	t.Run("C9/Run does not drop a real error joined with echoes", func(t *testing.T) {
		s := cancel.New(t.Context())
		want := error(nil)
		err := s.Run(func(ctx context.Context) error {
			s.Cancel(boom)
			want = errors.Join(ctx.Err(), io.EOF)
			return want
		})
		if err != want {
			t.Errorf("Run() = %v, want %v", err, want)
		}
	})

	t.Run("C11/Run returns nil if the function does, even after Cancel", func(t *testing.T) {
		s := cancel.New(t.Context())
		err := s.Run(func(context.Context) error {
			s.Cancel(boom)
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestRunInner(t *testing.T) {
	bubble(t, "C10/the cancellation of an inner scope does not leak out", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		err := outer.Run(func(ctx context.Context) error {
			s := cancel.New(ctx)
			s.Cancel(nil)
			if err := s.Run(echo); err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			return cancel.Sleep(ctx, time.Second)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "C10/Run does not absorb the cancellation of a standard parent", func(t *testing.T, ctx context.Context) {
		std, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		s := cancel.New(std)
		if err := s.Run(echo); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run() = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// echo waits until ctx is done and returns Err of ctx, as functions should.
func echo(ctx context.Context) error {
	<-ctx.Done()
	return cancel.Err(ctx)
}
