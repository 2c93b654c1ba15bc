package outerctx

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context) error { return ctx.Err() }

func both(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx) }) // want `task uses ctx, which was given to errgroup.WithContext and is not canceled when another task fails; use gctx`
	g.TryGo(func() error {
		select {
		case <-ctx.Done(): // want `use gctx`
			return nil
		case <-time.After(time.Second):
			return fetch(gctx)
		}
	})
	return g.Wait()
}

func thrownAway(ctx context.Context) error {
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx) }) // want `use the context that it returned`
	return g.Wait()
}

func declared(ctx context.Context) error {
	var g, inner = errgroup.WithContext(ctx)
	g.Go(func() error {
		c, stop := context.WithCancel(ctx) // want `use inner`
		defer stop()
		return fetch(c)
	})
	_ = inner
	return g.Wait()
}

func nested(ctx context.Context) error {
	outer, octx := errgroup.WithContext(ctx)
	outer.Go(func() error {
		inner, ictx := errgroup.WithContext(octx)
		inner.Go(func() error { return fetch(octx) }) // want `use ictx`
		outer.Go(func() error { return fetch(octx) })
		inner.Go(func() error { return fetch(ictx) })
		return inner.Wait()
	})
	return outer.Wait()
}

// What follows is right.

func hides(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(ctx) })
	return g.Wait()
}

func after(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	return fetch(ctx)
}

func plain(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return fetch(ctx) })
	return g.Wait()
}

func becomes(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	ctx = gctx
	g.Go(func() error { return fetch(ctx) })
	return g.Wait()
}

func cleanUp(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer func() { _ = fetch(ctx) }()
		return fetch(gctx)
	})
	return g.Wait()
}

func asksBoth(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := gctx.Err(); err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	})
	return g.Wait()
}

func given(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return fetch(ctx) })
}
