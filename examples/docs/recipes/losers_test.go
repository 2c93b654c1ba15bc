package recipes_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// conns counts open connections.
type conns struct{ open, opened atomic.Int64 }

// A conn is a connection that is counted.
type conn struct {
	net.Conn
	conns *conns
}

func (c *conns) dial() net.Conn {
	c.open.Add(1)
	c.opened.Add(1)
	return conn{conns: c}
}

func (c conn) Close() error {
	c.conns.open.Add(-1)
	return nil
}

func (c *conns) mustBeOpen(t *testing.T, want int64) {
	t.Helper()
	if got := c.open.Load(); got != want {
		t.Errorf("%d connections are open, want %d", got, want)
	}
}

func TestDial(t *testing.T) {
	// dialer returns a dial for addresses that are durations. It does not look at ctx, as
	// if the cancellation came too late each time.
	dialer := func(c *conns) func(ctx context.Context, addr string) (net.Conn, error) {
		return func(_ context.Context, addr string) (net.Conn, error) {
			d, err := time.ParseDuration(addr)
			if err != nil {
				return nil, err
			}
			time.Sleep(d)
			return c.dial(), nil
		}
	}
	for name, row := range map[string]struct {
		addrs []string
		open  int64
		fails bool
	}{
		"one":            {[]string{"1s"}, 1, false},
		"losers":         {[]string{"2s", "1s", "?", "3s"}, 1, false},
		"all fail":       {[]string{"?", "?"}, 0, true},
		"without a task": {nil, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				var c conns
				if _, err := recipes.Dial(ctx, row.addrs, dialer(&c)); (err != nil) != row.fails {
					t.Errorf("error %v", err)
				}
				c.mustBeOpen(t, row.open)
			})
		})
	}
	t.Run("a panic", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var c conns
			defer func() {
				if _, ok := recover().(*nursery.PanicError); !ok {
					t.Error("no panic")
				}
				c.mustBeOpen(t, 0)
			}()
			_, err := recipes.Dial(ctx, []string{"1s", "panic"}, func(ctx context.Context, addr string) (net.Conn, error) {
				if addr == "panic" {
					panic(addr)
				}
				return dialer(&c)(ctx, addr)
			})
			t.Errorf("error %v", err)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			var c conns
			conn, err := recipes.Dial(ctx, []string{"a", "b"}, func(ctx context.Context, addr string) (net.Conn, error) {
				if addr == "a" {
					return c.dial(), nil
				}
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return nil, err
				}
				return c.dial(), nil
			})
			if err == nil {
				err = conn.Close()
			}
			c.mustBeOpen(t, 0)
			return err
		})
	})
}
