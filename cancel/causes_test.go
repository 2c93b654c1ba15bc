package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// TestContextCause checks causes as TestCause of package context does, with scopes among
// the contexts.
func TestContextCause(t *testing.T) {
	var (
		outer   = errors.New("outer")
		inner   = errors.New("inner")
		tooSlow = errors.New("too slow")
	)
	bg := context.Background()
	timeoutCause := func(p context.Context, d time.Duration) context.Context {
		ctx, stop := context.WithTimeoutCause(p, d, tooSlow)
		t.Cleanup(stop)
		return ctx
	}
	for _, row := range []struct {
		name       string
		ctx        func() context.Context
		err, cause error
	}{
		{"open scope", func() context.Context { return cancel.New(bg) }, nil, nil},
		{"canceled scope", func() context.Context {
			s := cancel.New(bg)
			s.Cancel(outer)
			return s
		}, context.Canceled, outer},
		{"scope canceled without a cause", func() context.Context {
			s := cancel.New(bg)
			s.Cancel(nil)
			return s
		}, context.Canceled, context.Canceled},
		{"scope, parent's cause before child's", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(p)
			p.Cancel(outer)
			s.Cancel(inner)
			return s
		}, context.Canceled, outer},
		{"scope, parent's cause after child's", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(p)
			s.Cancel(inner)
			p.Cancel(outer)
			return s
		}, context.Canceled, inner},
		{"standard child, parent scope's cause first", func() context.Context {
			p := cancel.New(bg)
			ctx, stop := context.WithCancelCause(p)
			p.Cancel(outer)
			stop(inner)
			return ctx
		}, context.Canceled, outer},
		{"standard child, its own cause first", func() context.Context {
			p := cancel.New(bg)
			ctx, stop := context.WithCancelCause(p)
			stop(inner)
			p.Cancel(outer)
			return ctx
		}, context.Canceled, inner},
		{"standard child, canceled without a cause first", func() context.Context {
			p := cancel.New(bg)
			ctx, stop := context.WithCancel(p)
			stop()
			p.Cancel(outer)
			return ctx
		}, context.Canceled, context.Canceled},
		{"scope below a standard context, parent's cause before nil", func() context.Context {
			p, stop := context.WithCancelCause(bg)
			s := cancel.New(p)
			stop(outer)
			s.Cancel(nil)
			return s
		}, context.Canceled, outer},
		{"scope below a standard context, parent's cause after nil", func() context.Context {
			p, stop := context.WithCancelCause(bg)
			s := cancel.New(p)
			s.Cancel(nil)
			stop(outer)
			return s
		}, context.Canceled, context.Canceled},
		{"scope below a standard context, nil before child's cause", func() context.Context {
			p, stop := context.WithCancel(bg)
			s := cancel.New(p)
			stop()
			s.Cancel(inner)
			return s
		}, context.Canceled, context.Canceled},
		{"expired scope", func() context.Context {
			s := cancel.New(bg, cancel.Timeout(0))
			s.Cancel(outer)
			return s
		}, context.DeadlineExceeded, context.DeadlineExceeded},
		{"scope canceled before its deadline", func() context.Context {
			s := cancel.New(bg, cancel.Timeout(time.Hour))
			s.Cancel(nil)
			return s
		}, context.Canceled, context.Canceled},
		{"scope below WithTimeoutCause", func() context.Context {
			s := cancel.New(timeoutCause(bg, 0))
			s.Cancel(outer)
			return s
		}, context.DeadlineExceeded, tooSlow},
		{"WithTimeoutCause below a scope, timed out", func() context.Context {
			p := cancel.New(bg)
			ctx := timeoutCause(p, 0)
			p.Cancel(outer)
			return ctx
		}, context.DeadlineExceeded, tooSlow},
		{"WithTimeoutCause below a scope, canceled", func() context.Context {
			p := cancel.New(bg)
			ctx := timeoutCause(p, time.Hour)
			p.Cancel(outer)
			return ctx
		}, context.Canceled, outer},
		{"WithTimeoutCause below an expired scope", func() context.Context {
			return timeoutCause(cancel.New(bg, cancel.Timeout(0)), time.Hour)
		}, context.DeadlineExceeded, context.DeadlineExceeded},
		{"WithoutCancel below a canceled scope", func() context.Context {
			p := cancel.New(bg)
			ctx := context.WithoutCancel(p)
			p.Cancel(outer)
			return ctx
		}, nil, nil},
		{"scope below WithoutCancel below a canceled scope", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(context.WithoutCancel(p))
			s.Done()
			p.Cancel(outer)
			return s
		}, nil, nil},
		{"canceled scope below WithoutCancel below a canceled scope", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(context.WithoutCancel(p))
			p.Cancel(outer)
			s.Cancel(inner)
			return s
		}, context.Canceled, inner},
		{"WithoutCancel below an expired scope", func() context.Context {
			return context.WithoutCancel(cancel.New(bg, cancel.Timeout(0)))
		}, nil, nil},
		{"shielded scope below a canceled scope", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(p, cancel.Shielded())
			p.Cancel(outer)
			return s
		}, nil, nil},
		{"standard context below a shielded scope below a canceled scope", func() context.Context {
			p := cancel.New(bg)
			ctx, stop := context.WithCancelCause(cancel.New(p, cancel.Shielded()))
			p.Cancel(outer)
			stop(inner)
			return ctx
		}, context.Canceled, inner},
		{"scope below a canceled scope, shield lowered", func() context.Context {
			p := cancel.New(bg)
			s := cancel.New(p, cancel.Shielded())
			p.Cancel(outer)
			s.SetShield(false)
			return s
		}, context.Canceled, outer},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx := row.ctx()
			for _, c := range []context.Context{ctx, wrapper{ctx}, context.WithValue(ctx, key(1), 1), cancel.New(ctx), cancel.New(wrapper{ctx})} {
				if got := c.Err(); got != row.err {
					t.Errorf("Err() of %v = %v, want %v", c, got, row.err)
				}
				if got := context.Cause(c); got != row.cause {
					t.Errorf("Cause() of %v = %v, want %v", c, got, row.cause)
				}
			}
		})
	}
}
