package recipes_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// openOne opens a connection, which takes a second.
func (c *conns) openOne(ctx context.Context) (net.Conn, error) {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	return c.dial(), nil
}

// query uses a connection for ten seconds.
func query(ctx context.Context, _ net.Conn) error { return cancel.Sleep(ctx, 10*time.Second) }

func TestPool(t *testing.T) {
	queries := func(ctx context.Context, p *recipes.Pool, count int, fn func(context.Context, net.Conn) error) error {
		return nursery.For(ctx, count, func(ctx context.Context, _ int) error { return p.Do(ctx, fn) },
			nursery.Limit(count), nursery.KeepGoing())
	}
	t.Run("connections are used again", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var c conns
			p := recipes.NewPool(2, c.openOne)
			start := time.Now()
			if err := queries(ctx, p, 4, query); err != nil {
				t.Error(err)
			}
			mustTake(t, start, 21*time.Second)
			c.mustBeOpen(t, 2)
			if got := c.opened.Load(); got != 2 {
				t.Errorf("%d connections were opened, want 2", got)
			}
			p.Close()
			c.mustBeOpen(t, 0)
			mustBe(t, p.Do(ctx, query), net.ErrClosed)
		})
	})
	t.Run("a failed one is closed, and its slot stays", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var c conns
			p := recipes.NewPool(2, c.openOne)
			defer p.Close()
			mustBe(t, queries(ctx, p, 4, func(context.Context, net.Conn) error { return errFull }), errFull)
			c.mustBeOpen(t, 0)
			if err := queries(ctx, p, 4, query); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("one that cannot be opened leaves its slot", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			p := recipes.NewPool(1, func(context.Context) (net.Conn, error) { return nil, errFull })
			defer p.Close()
			mustBe(t, queries(ctx, p, 3, query), errFull)
		})
	})
	t.Run("Close during a query", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var c conns
			p := recipes.NewPool(1, c.openOne)
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return p.Do(ctx, query) })
				n.Go(func(ctx context.Context) error {
					if err := cancel.Sleep(ctx, time.Second); err != nil {
						return err
					}
					if err := p.Do(ctx, query); !errors.Is(err, net.ErrClosed) {
						t.Errorf("error %v of a call that waits, want that of a closed pool", err)
					}
					return nil
				})
				err := cancel.Sleep(ctx, 2*time.Second)
				p.Close()
				c.mustBeOpen(t, 1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			c.mustBeOpen(t, 0)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			var c conns
			p := recipes.NewPool(2, c.openOne)
			err := queries(ctx, p, 3, query)
			p.Close()
			c.mustBeOpen(t, 0)
			return err
		}, testutil.Points(100), testutil.Repeats(2))
	})
}
