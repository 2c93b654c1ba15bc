package cancel_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

// A resource counts its open uses. Closing one takes a second.
type resource struct{ open int }

func (r *resource) use(ctx context.Context) (err error) {
	r.open++
	defer func() {
		err = errors.Join(err, cancel.Shield(ctx, time.Minute, func(ctx context.Context) error {
			if err := cancel.Sleep(ctx, time.Second); err != nil {
				return err
			}
			r.open--
			return nil
		}))
	}()
	return cancel.Sleep(ctx, time.Second)
}

func TestEverywhere(t *testing.T) {
	for name, fn := range map[string]func(t *testing.T, ctx context.Context, r *resource) error{
		"C10/Run closes its resource": func(t *testing.T, ctx context.Context, r *resource) error {
			s := cancel.New(ctx, cancel.Timeout(time.Hour))
			return s.Run(r.use)
		},
		"C10/nested scopes close their resources": func(t *testing.T, ctx context.Context, r *resource) error {
			outer := cancel.New(ctx)
			return outer.Run(func(ctx context.Context) error {
				inner := cancel.New(ctx, cancel.Timeout(500*time.Millisecond))
				if err := inner.Run(r.use); err != nil {
					return err
				}
				return r.use(ctx)
			})
		},
		"C10/MoveOnAfter moves on or is canceled from outside": func(t *testing.T, ctx context.Context, r *resource) error {
			expired, err := cancel.MoveOnAfter(ctx, 500*time.Millisecond, r.use)
			if !expired && err == nil {
				t.Error("C10: MoveOnAfter() = false, nil, want true or the outer cancellation")
			}
			return err
		},
		"C10/FailAfter times out or is canceled from outside": func(t *testing.T, ctx context.Context, r *resource) error {
			err := cancel.FailAfter(ctx, 500*time.Millisecond, r.use)
			if timeout := new(cancel.TimeoutError); errors.As(err, &timeout) {
				return nil
			}
			if err == nil {
				t.Error("C10: FailAfter() = nil, want the timeout or the outer cancellation")
			}
			return err
		},
		"C6/a deadline moves": func(t *testing.T, ctx context.Context, r *resource) error {
			s := cancel.New(ctx, cancel.Timeout(1500*time.Millisecond))
			return s.Run(func(ctx context.Context) error {
				for range 3 {
					s.SetTimeout(1500 * time.Millisecond)
					if err := cancel.Sleep(ctx, time.Second); err != nil {
						return err
					}
				}
				return r.use(ctx)
			})
		},
		"C12/a stop ends the scope": func(t *testing.T, ctx context.Context, r *resource) error {
			s := cancel.New(ctx)
			return s.Run(func(ctx context.Context) error {
				var wg sync.WaitGroup
				defer wg.Wait()
				wg.Go(func() {
					if cancel.Sleep(ctx, time.Second) == nil {
						s.Shutdown(time.Minute)
					}
				})
				<-cancel.UntilStop(ctx).Done()
				return errors.Join(cancel.Err(ctx), r.use(ctx))
			})
		},
		"C4/a standard context stands between two scopes": func(t *testing.T, ctx context.Context, r *resource) error {
			s := cancel.New(ctx)
			defer s.Close()
			std, stop := context.WithTimeoutCause(s, time.Hour, io.EOF)
			defer stop()
			below := cancel.New(std)
			defer below.Close()
			err := r.use(below)
			if s.Err() != nil {
				time.Sleep(time.Nanosecond) // contexts below may end after a goroutine has run
				if std.Err() == nil || below.Err() == nil {
					t.Errorf("C4: Err() below a canceled scope = %v, %v, want errors", std.Err(), below.Err())
				}
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				r := new(resource)
				err := fn(t, ctx, r)
				if r.open != 0 {
					t.Errorf("C7: %d resources are open, want 0", r.open)
				}
				return err
			})
		})
	}
}
