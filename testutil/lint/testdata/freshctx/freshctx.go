package freshctx

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func fetch(ctx context.Context) error { return cancel.Err(ctx) }

func tasks(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return fetch(context.Background()) // want `context.Background in a task is not canceled with it; use the context of the task`
		})
		n.Go(func(context.Context) error {
			c, stop := context.WithTimeout(context.TODO(), time.Second) // want `context.TODO in a task`
			defer stop()
			return fetch(c)
		})
		if err := cancel.FailAfter(context.Background(), time.Second, fetch); err != nil { // want `context.Background in a task`
			return err
		}
		func() {
			_ = fetch(context.Background()) // want `context.Background in a task`
		}()
		return nursery.For(ctx, 3, func(context.Context, int) error {
			return fetch(context.Background()) // want `context.Background in a task`
		})
	})
}

// What follows is right.

func main() { _ = nursery.Run(context.Background(), body) }

func body(ctx context.Context, n *nursery.Nursery) error {
	n.Go(fetch, nursery.Values(context.Background()))
	n.Go(func(ctx context.Context) error {
		defer fetch(context.Background())
		defer func() {
			_ = fetch(context.Background())
		}()
		if err := fetch(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		return cancel.Shield(ctx, time.Second, fetch)
	})
	n.Go(func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(fetch, nursery.Values(context.Background()))
			return fetch(ctx)
		})
	})
	c, stop := context.WithCancel(context.Background())
	defer stop()
	return fetch(c)
}

var later = func(ctx context.Context) error { return fetch(context.Background()) }

func excused(n *nursery.Nursery) {
	n.Go(func(ctx context.Context) error {
		return fetch(context.Background()) //grove:ok the request is to be finished
	})
}
