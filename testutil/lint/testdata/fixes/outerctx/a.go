package outerctx

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func fetch(ctx context.Context) error { return cancel.Err(ctx) }

func parameter(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		return fetch(outer) // want `outer was given to cancel.FailAfter`
	})
}

func innermost(outer context.Context) error {
	return nursery.Run(outer, func(c context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return fetch(outer) }) // want `outer was given to nursery.Run`
		return fetch(c)
	})
}

func hidden(outer context.Context) error {
	return cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		for _, ctx := range []string{"a", "b"} {
			if err := fetch(outer); err != nil { // want `outer was given to cancel.FailAfter`
				println(ctx)
				return err
			}
		}
		return nil
	})
}

func nameless(ctx context.Context) error {
	return nursery.For(ctx, 3, func(_ context.Context, _ int) error {
		return fetch(ctx) // want `ctx was given to nursery.For`
	})
}

func group(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx) }) // want `use gctx`
	_ = gctx
	return g.Wait()
}
