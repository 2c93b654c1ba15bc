package fromerrgroup_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A listen is a server that tells where it listens, if it can.
type listen = func(ctx context.Context, started func(addr string)) error

func readyErrgroup(ctx context.Context, serve listen, talk func(ctx context.Context, addr string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	ready := make(chan string, 1)
	g.Go(func() error { return serve(ctx, func(addr string) { ready <- addr }) })
	select {
	case addr := <-ready:
		g.Go(func() error { return talk(ctx, addr) })
	case <-ctx.Done(): // serve has failed: the error is in Wait
	}
	return g.Wait()
}

func readyGrove(ctx context.Context, serve listen, talk func(ctx context.Context, addr string) error) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := nursery.Start(ctx, n, serve, nursery.Daemon())
		if err != nil {
			return err
		}
		return talk(ctx, addr)
	})
}

var (
	works    listen = func(ctx context.Context, started func(string)) error { started(":80"); return waits(ctx) }
	cannot   listen = func(context.Context, func(string)) error { return errFull }
	mayNot   listen = func(context.Context, func(string)) error { return nil }
	notAtAll        = func(context.Context, string) error { panic("it talks") }
)

func TestReady(t *testing.T) {
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		mustBe(t, readyErrgroup(ctx, cannot, notAtAll), errFull)
		// Wait waits for the server: what ends it is an error.
		mustBe(t, readyErrgroup(ctx, works, func(context.Context, string) error { return errGone }), errGone)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		mustBe(t, readyGrove(ctx, cannot, notAtAll), errFull)
		mustBe(t, readyGrove(ctx, mayNot, notAtAll), nursery.ErrNotStarted)
		if err := readyGrove(ctx, works, func(context.Context, string) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

// Without the other case of the select, the caller waits for a server that has failed. With
// it, the caller waits for a server that returns nil.
func TestNeverReady(t *testing.T) {
	t.Run("errgroup, without the other case", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			g, ctx := errgroup.WithContext(ctx)
			ready := make(chan string, 1)
			g.Go(func() error { return cannot(ctx, func(addr string) { ready <- addr }) })
			<-ready // does not return
		})
	})
	t.Run("errgroup, and nil", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			_ = readyErrgroup(ctx, mayNot, notAtAll) // does not return
		})
	})
}

// The server of an errgroup does not end when it has no tasks left to serve.
func TestServerIsWaitedFor(t *testing.T) {
	t.Run("errgroup", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			_ = readyErrgroup(ctx, works, func(context.Context, string) error { return nil }) // does not return
		})
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		if err := readyGrove(ctx, works, func(context.Context, string) error { return nil }); err != nil {
			t.Error(err)
		}
		mustTake(t, passed, 0)
	})
}
