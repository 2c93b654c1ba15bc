package cancel_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestScope(t *testing.T) {
	t.Run("C1/misuse panics at the call", func(t *testing.T) {
		var none context.Context
		ctx := t.Context()
		fn := func(context.Context) error { return nil }
		for want, call := range map[string]func(){
			"cancel: New: nil context":           func() { cancel.New(none) },
			"cancel: New: nil option":            func() { cancel.New(ctx, nil) },
			"cancel: FromContext: nil context":   func() { cancel.FromContext(none) },
			"cancel: UntilStop: nil context":     func() { cancel.UntilStop(none) },
			"cancel: Sleep: nil context":         func() { _ = cancel.Sleep(none, 0) },
			"cancel: SleepUntil: nil context":    func() { _ = cancel.SleepUntil(none, time.Time{}) },
			"cancel: Forever: nil context":       func() { _ = cancel.Forever(none) },
			"cancel: Err: nil context":           func() { _ = cancel.Err(none) },
			"cancel: Checkpoint: nil context":    func() { _ = cancel.Checkpoint(none) },
			"cancel: ReasonOf: nil context":      func() { cancel.ReasonOf(none) },
			"cancel: MoveOnAfter: nil context":   func() { _, _ = cancel.MoveOnAfter(none, 0, fn) },
			"cancel: MoveOnAfter: nil function":  func() { _, _ = cancel.MoveOnAfter(ctx, 0, nil) },
			"cancel: MoveOnAt: nil context":      func() { _, _ = cancel.MoveOnAt(none, time.Time{}, fn) },
			"cancel: MoveOnAt: nil function":     func() { _, _ = cancel.MoveOnAt(ctx, time.Time{}, nil) },
			"cancel: FailAfter: nil context":     func() { _ = cancel.FailAfter(none, 0, fn) },
			"cancel: FailAfter: nil function":    func() { _ = cancel.FailAfter(ctx, 0, nil) },
			"cancel: FailAt: nil context":        func() { _ = cancel.FailAt(none, time.Time{}, fn) },
			"cancel: FailAt: nil function":       func() { _ = cancel.FailAt(ctx, time.Time{}, nil) },
			"cancel: Shield: nil context":        func() { _ = cancel.Shield(none, 0, fn) },
			"cancel: Shield: nil function":       func() { _ = cancel.Shield(ctx, 0, nil) },
			"cancel: Scope.Run: nil function":    func() { _ = cancel.New(ctx).Run(nil) },
			"cancel: Scope.OnDone: nil function": func() { cancel.New(ctx).OnDone(nil) },
			"cancel: Scope.Follow: nil context":  func() { cancel.New(ctx).Follow(none) },
			"cancel: Scope.CancelAs: nil error":  func() { cancel.New(ctx).CancelAs(nil) },
			"cancel: Scope.CancelAs: Err must be context.Canceled or context.DeadlineExceeded, got boom": func() {
				cancel.New(ctx).CancelAs(&cancel.Error{Err: errBoom, Reason: cancel.Reason{Source: cancel.SourceCancel}})
			},
			"cancel: Scope.CancelAs: Err must be context.Canceled or context.DeadlineExceeded, got <nil>": func() {
				cancel.New(ctx).CancelAs(&cancel.Error{Reason: cancel.Reason{Source: cancel.SourceCancel}})
			},
			"cancel: Scope.CancelAs: Reason.Source must be a source, got 0": func() {
				cancel.New(ctx).CancelAs(&cancel.Error{Err: context.Canceled})
			},
			"cancel: Scope.CancelAs: Reason.Source must be a source, got 7": func() {
				cancel.New(ctx).CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: 7}})
			},
			"cancel: EchoIf: nil function":    func() { cancel.EchoIf(nil) },
			"cancel: FailAfter: nil option":   func() { _ = cancel.FailAfter(ctx, 0, fn, nil) },
			"cancel: FailAt: nil option":      func() { _ = cancel.FailAt(ctx, time.Time{}, fn, nil) },
			"cancel: MoveOnAfter: nil option": func() { _, _ = cancel.MoveOnAfter(ctx, 0, fn, nil) },
			"cancel: MoveOnAt: nil option":    func() { _, _ = cancel.MoveOnAt(ctx, time.Time{}, fn, nil) },
			"cancel: Shield: nil option":      func() { _ = cancel.Shield(ctx, 0, fn, nil) },
			"cancel: Because: nil context":    func() { _ = cancel.Because(none, errBoom) },
			"cancel: Path: nil context":       func() { cancel.Path(none) },
		} {
			mustPanic(t, want, call)
		}
	})
	bubble(t, "C2/Err is Canceled or DeadlineExceeded in every derived context", func(t *testing.T, ctx context.Context) {
		for _, moved := range []bool{false, true} {
			s := cancel.New(ctx, cancel.Timeout(time.Second))
			std, stop := context.WithCancel(s)
			below := cancel.New(std)
			want := context.DeadlineExceeded
			if moved { // the deadline moves, and Cancel ends the scope
				s.SetTimeout(time.Hour)
			}
			time.Sleep(time.Minute)
			if moved {
				s.Cancel(errBoom)
				want = context.Canceled
			}
			for _, c := range []context.Context{s, std, below} {
				if got := c.Err(); got != want {
					t.Errorf("Err() = %v, want %v", got, want)
				}
			}
			stop()
			s.Close()
			below.Close()
		}
	})
	bubble(t, "C3/Cause returns the cause of the first Cancel", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx)
		std, stop := context.WithCancel(s)
		defer stop()
		s.Cancel(errBoom)
		s.Cancel(io.EOF)
		wantEnded(t, "s", s, context.Canceled, errBoom)
		wantEnded(t, "std", std, context.Canceled, errBoom)
		plain := cancel.New(ctx)
		plain.Cancel(nil)
		wantEnded(t, "plain", plain, context.Canceled, context.Canceled)
	})
	t.Run("C4/everything below is canceled when Cancel returns", func(t *testing.T) {
		root := cancel.New(context.Background())
		var all []context.Context
		ctx := context.Context(root)
		for i := range 40 {
			switch i % 4 {
			case 0:
				s := cancel.New(ctx)
				defer s.Close()
				ctx = s
			case 1:
				c, stop := context.WithCancel(ctx)
				defer stop()
				ctx = c
			case 2:
				ctx = context.WithValue(ctx, t, i)
			case 3:
				c, stop := context.WithTimeout(ctx, time.Hour)
				defer stop()
				ctx = c
			}
			all = append(all, ctx)
		}
		root.Cancel(errBoom)
		for i, c := range all {
			if c.Err() != context.Canceled || context.Cause(c) != errBoom {
				t.Errorf("context %d: Err(), Cause() = %v, %v, want %v, %v", i, c.Err(), context.Cause(c), context.Canceled, errBoom)
			}
		}
		wantEnded(t, "ctx", ctx, context.Canceled, errBoom)
	})
	t.Run("C4/the end of a standard parent shows at once", func(t *testing.T) {
		std, stop := context.WithCancelCause(t.Context())
		registered, unregistered := cancel.New(std), cancel.New(context.WithValue(std, t, 1))
		defer registered.Close()
		defer unregistered.Close()
		registered.Done()
		stop(errBoom)
		for _, s := range []*cancel.Scope{registered, unregistered} {
			if err := s.Err(); err != context.Canceled { // Err closes Done
				t.Errorf("Err() = %v, want %v", err, context.Canceled)
			}
			wantEnded(t, "s", s, context.Canceled, errBoom)
		}
	})
	bubble(t, "C5/the first cancellation wins", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		inner := cancel.New(outer)
		outer.Cancel(errBoom)
		inner.Cancel(io.EOF) // the first call of a method of inner
		wantEnded(t, "inner", inner, context.Canceled, errBoom)
		outer, inner = cancel.New(ctx), nil
		inner = cancel.New(outer)
		inner.Cancel(io.EOF)
		outer.Cancel(errBoom)
		wantEnded(t, "inner", inner, context.Canceled, io.EOF)
		wantEnded(t, "outer", outer, context.Canceled, errBoom)
	})
	t.Run("C16/String reads like the strings of package context", func(t *testing.T) {
		s := cancel.New(context.Background(), cancel.Name("crawl"))
		std, stop := context.WithCancel(cancel.New(s))
		defer stop()
		for want, c := range map[string]context.Context{
			"context.Background.WithScope(crawl)":                                s,
			"context.Background.WithScope(crawl).WithScope":                      cancel.New(s),
			"context.Background.WithScope(crawl).WithScope.WithCancel.WithScope": cancel.New(std),
			"context.TODO.WithScope":                                             cancel.New(context.TODO()),
			"cancel_test.plain.WithScope":                                        cancel.New(plain{s}),
		} {
			if got := fmt.Sprint(c); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		}
	})
	t.Run("C1/Value finds values, and FromContext the enclosing scope", func(t *testing.T) {
		type key struct{}
		s := cancel.New(context.WithValue(t.Context(), key{}, "v"), cancel.Name("s"), cancel.Shielded())
		std, stop := context.WithCancel(s)
		defer stop()
		inner := cancel.New(std)
		for range 2 {
			for _, c := range []context.Context{s, std, inner} {
				if got := c.Value(key{}); got != "v" {
					t.Errorf("Value() = %v, want v", got)
				}
			}
			inner.Cancel(nil)
			s.Close() // values stay readable
		}
		if got := cancel.FromContext(std); got != s || got.Name() != "s" {
			t.Errorf("FromContext() = %v, want %v", got, s)
		}
		if got := cancel.FromContext(context.Background()); got != nil {
			t.Errorf("FromContext() = %v, want nil", got)
		}
	})
}

// A plain is a context of another type. It has no String method.
type plain struct{ context.Context }
