package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestMoveOn(t *testing.T) {
	boom := errors.New("boom")

	bubble(t, "C10/MoveOnAfter and MoveOnAt move on when the deadline passes", func(t *testing.T, ctx context.Context) {
		for name, f := range map[string]func(time.Duration) (bool, error){
			"MoveOnAfter": func(d time.Duration) (bool, error) { return cancel.MoveOnAfter(ctx, d, cancel.Forever) },
			"MoveOnAt":    func(d time.Duration) (bool, error) { return cancel.MoveOnAt(ctx, time.Now().Add(d), cancel.Forever) },
		} {
			for _, d := range []time.Duration{time.Second, 0, -time.Second} {
				start := time.Now()
				moved, err := f(d)
				if !moved || err != nil || time.Since(start) != max(d, 0) {
					t.Errorf("%s(%v) = %v, %v after %v, want true, nil after %v", name, d, moved, err, time.Since(start), max(d, 0))
				}
			}
		}
	})
	bubble(t, "C10/the zero time stands for no deadline", func(t *testing.T, ctx context.Context) {
		moved, err := cancel.MoveOnAt(ctx, time.Time{}, func(ctx context.Context) error {
			wantDeadline(t, ctx, 0)
			return cancel.Sleep(ctx, 1000*time.Hour)
		})
		if moved || err != nil {
			t.Errorf("MoveOnAt() = %v, %v, want false, nil", moved, err)
		}
		if err := cancel.FailAt(ctx, time.Time{}, func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) }); err != nil {
			t.Errorf("FailAt() = %v, want nil", err)
		}
	})
	bubble(t, "C11/nil or a real error counts even after the deadline", func(t *testing.T, ctx context.Context) {
		for _, want := range []error{nil, boom, errors.Join(context.DeadlineExceeded, boom)} {
			overrun := func(ctx context.Context) error {
				<-ctx.Done()
				return want
			}
			if moved, err := cancel.MoveOnAfter(ctx, time.Second, overrun); moved || err != want {
				t.Errorf("MoveOnAfter() = %v, %v, want false, %v", moved, err, want)
			}
			if err := cancel.FailAfter(ctx, time.Second, overrun); err != want {
				t.Errorf("FailAfter() = %v, want %v", err, want)
			}
		}
	})
	bubble(t, "C10/a Cancel of the scope is not a timeout", func(t *testing.T, ctx context.Context) {
		fn := func(ctx context.Context) error {
			cancel.FromContext(ctx).Cancel(boom)
			time.Sleep(time.Hour) // the deadline passes after Cancel
			return cancel.Err(ctx)
		}
		if moved, err := cancel.MoveOnAfter(ctx, time.Second, fn); moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want false, nil", moved, err)
		}
		if err := cancel.FailAfter(ctx, time.Second, fn); err != nil {
			t.Errorf("FailAfter() = %v, want nil", err)
		}
	})
	bubble(t, "C10/an outer cancellation is not a timeout", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		time.AfterFunc(time.Second, func() { outer.Cancel(boom) })
		if moved, err := cancel.MoveOnAfter(outer, time.Minute, cancel.Forever); moved || err != cancel.Err(outer) {
			t.Errorf("MoveOnAfter() = %v, %v, want false, %v", moved, err, cancel.Err(outer))
		}
		err := cancel.FailAfter(outer, time.Minute, cancel.Forever)
		if _, ok := errors.AsType[*cancel.TimeoutError](err); ok || err != cancel.Err(outer) {
			t.Errorf("FailAfter() = %v, want %v", err, cancel.Err(outer))
		}
	})
	bubble(t, "C6/the function can move its deadline", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			cancel.FromContext(ctx).SetTimeout(time.Minute)
			return cancel.Forever(ctx)
		})
		if !moved || err != nil || time.Since(start) != time.Minute {
			t.Errorf("MoveOnAfter() = %v, %v after %v, want true, nil after 1m", moved, err, time.Since(start))
		}
	})
}

func TestNestedTimeouts(t *testing.T) {
	type result struct{ outer, inner bool }
	for name, row := range map[string]struct {
		outer, inner time.Duration
		want         result
	}{
		"C10/the outer deadline comes first":            {time.Second, time.Minute, result{true, false}},
		"C10/the inner deadline comes first":            {time.Minute, time.Second, result{false, true}},
		"C10/the outer deadline wins a tie":             {time.Second, time.Second, result{true, false}},
		"C10/the outer deadline wins a tie in the past": {0, 0, result{true, false}},
	} {
		between := map[string]func(context.Context) (context.Context, func()){
			"nothing": func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
			"std": func(ctx context.Context) (context.Context, func()) {
				c, stop := context.WithCancel(ctx)
				return c, stop
			},
			"scopes":  func(ctx context.Context) (context.Context, func()) { s := nest(ctx, 3)[2]; s.Done(); return s, s.Close },
			"wrapper": func(ctx context.Context) (context.Context, func()) { return wrapper{ctx}, func() {} },
		}
		bubble(t, name, func(t *testing.T, ctx context.Context) {
			for what, derive := range between {
				for range 20 {
					var got result
					var err error
					got.outer, err = cancel.MoveOnAfter(ctx, row.outer, func(ctx context.Context) error {
						between, stop := derive(ctx)
						defer stop()
						var err error
						got.inner, err = cancel.MoveOnAfter(between, row.inner, cancel.Forever)
						return err
					})
					if got != row.want || err != nil {
						t.Errorf("with %s between: moved = %+v, %v, want %+v, nil", what, got, err, row.want)
					}
				}
			}
		})
	}
	bubble(t, "C10/an unhandled inner timeout passes through the outer scope", func(t *testing.T, ctx context.Context) {
		var inner error
		err := cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
			inner = cancel.FailAfter(ctx, time.Second, cancel.Forever)
			<-ctx.Done() // until the outer deadline passes too
			return inner
		})
		if te, ok := errors.AsType[*cancel.TimeoutError](err); !ok || error(te) != inner {
			t.Errorf("FailAfter() = %v, want %v", err, inner)
		}
	})
	bubble(t, "C10/a shielded inner scope reports its own deadline on a tie", func(t *testing.T, ctx context.Context) {
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			if err := cancel.Shield(ctx, time.Second, cancel.Forever); err == nil {
				t.Error("Shield() = nil, want a TimeoutError")
			}
			return cancel.Forever(ctx) // the outer timer fires at the same instant
		})
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
	})
	bubble(t, "C10/a timeout behind a shield works after an outer cancellation", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		outer.Cancel(nil)
		err := cancel.Shield(outer, time.Hour, func(ctx context.Context) error {
			moved, err := cancel.MoveOnAfter(ctx, time.Second, cancel.Forever)
			if !moved {
				t.Error("MoveOnAfter() = false, want true")
			}
			return err
		})
		if err != nil {
			t.Errorf("Shield() = %v, want nil", err)
		}
	})
}
