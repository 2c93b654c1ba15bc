package nilret

import (
	"context"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func tasks(ctx context.Context, ch chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil // want `task returns nil because it was canceled, which hides that work is undone; return cancel.Err\(ctx\)`
			case ch <- 1:
				return nil
			}
		})
		n.Go(func(c context.Context) error {
			for range 3 {
				if c.Err() != nil {
					return nil // want `return cancel.Err\(c\)`
				}
			}
			return nil
		})
		n.Go(func(context.Context) error {
			select {
			case <-ctx.Done():
				return (nil) // want `return cancel.Err\(ctx\)`
			case <-ch:
			}
			return nil
		})
		if err := nursery.For(ctx, 3, func(ctx context.Context, i int) error {
			if ctx.Err() != nil {
				return nil // want `return cancel.Err\(ctx\)`
			}
			return nil
		}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // want `return cancel.Err\(ctx\)`
		default:
			return nil
		}
	})
}

// What follows is right.

func fine(n *nursery.Nursery, ch chan int, done chan struct{}) {
	n.Go(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case v := <-ch:
			ch <- v
			return nil
		case <-done:
			return nil
		}
	})
	n.Go(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return cancel.Err(ctx)
		case <-cancel.UntilStop(ctx).Done():
			return nil
		}
	})
	n.Go(func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}, nursery.Daemon())
	n.Go(func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ch:
			}
		}
	}, nursery.Daemon())
	n.Go(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			close(ch)
			return nil
		case <-ch:
			return nil
		}
	})
	n.Go(func(ctx context.Context) error {
		if err := cancel.Checkpoint(ctx); err != nil {
			return err
		}
		if ctx.Err() == nil {
			return nil
		}
		find := func() error {
			if ctx.Err() != nil {
				return nil
			}
			return nil
		}
		return find()
	})
	n.Go(func(ctx context.Context) error {
		if ctx.Err() != nil {
			return nil //grove:ok what is left is begun again
		}
		return nil
	})
}

func notTask(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return nil
}
