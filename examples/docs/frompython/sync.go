package frompython

import (
	"context"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func event(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		fmt.Println("ready")
		return nil
	case <-ctx.Done():
		return cancel.Err(ctx)
	}
}

func setEvent(ctx context.Context) error {
	ready := make(chan struct{})
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return event(ctx, ready) })
		close(ready) // once; all waiters go on
		return nil
	})
}

func condition(ctx context.Context, level *channel.Watch[int]) error {
	for v, err := range level.Subscribe().All(ctx) {
		if err != nil {
			return err
		}
		if v >= 3 {
			fmt.Println("high enough")
			return nil
		}
	}
	return nil // it was closed before
}

// A counter is used by several goroutines.
type counter struct {
	mu sync.Mutex
	n  map[string]int // guarded by mu
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[name]++
}

func semaphore(ctx context.Context, connections *nursery.Limiter) error {
	if err := connections.Acquire(ctx); err != nil {
		return err
	}
	defer connections.Release()
	return save(ctx, "a")
}

func capacityLimiter(ctx context.Context, urls, more []string) error {
	connections := nursery.NewLimiter(40)
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			_, err := nursery.Map(ctx, urls, fetch, nursery.LimitBy(connections), nursery.Limit(20))
			return err
		})
		n.Go(func(ctx context.Context) error {
			_, err := nursery.Map(ctx, more, fetch, nursery.LimitBy(connections), nursery.Limit(30))
			return err
		})
		return nil
	})
}

func barrier(ctx context.Context, parts []string) error {
	if err := nursery.For(ctx, len(parts), func(ctx context.Context, i int) error {
		return save(ctx, parts[i])
	}); err != nil {
		return err
	}
	fmt.Println("all are loaded") // not before every call has returned
	return nursery.For(ctx, len(parts), func(ctx context.Context, i int) error {
		return save(ctx, parts[i]+"'")
	})
}

// A userKey is the key of the user in a context.
type userKey struct{}

func contextVars(ctx context.Context) error {
	ctx = context.WithValue(ctx, userKey{}, "ada")
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			user, _ := ctx.Value(userKey{}).(string)
			fmt.Println("for", user)
			return nil
		})
		return nil
	})
}
