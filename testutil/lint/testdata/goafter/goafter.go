package goafter

import (
	"context"

	"github.com/grove-go/grove/nursery"
)

func task(ctx context.Context) error { return nil }

func count(ctx context.Context) (int, error) { return 0, nil }

func ready(ctx context.Context, started func(int)) error { return nil }

func after(ctx context.Context) error {
	var saved *nursery.Nursery
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved.Go(task)                                                                          // want `nursery saved has ended, because its Run has returned: Nursery.Go panics`
	nursery.Spawn(saved, count)                                                             // want `nursery.Spawn panics`
	_, _ = nursery.Start(ctx, saved, ready)                                                 // want `nursery.Start panics`
	_ = nursery.NewShared(saved, func(context.Context, int) (int, error) { return 0, nil }) // want `nursery.NewShared panics`
	if err == nil {
		saved.Go(task) // want `Nursery.Go panics`
	}
	func() {
		saved.Go(task) // want `Nursery.Go panics`
	}()
	return err
}

func inReturn(ctx context.Context) error {
	var saved *nursery.Nursery
	if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	}); err != nil {
		return err
	}
	return func() error {
		saved.Go(task) // want `Nursery.Go panics`
		return nil
	}()
}

// What follows is right.

func probes(ctx context.Context) error {
	var saved *nursery.Nursery
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		saved.Go(task)
		return nil
	})
	_ = saved.TryGo(task)
	_ = saved.Stats()
	_ = saved.String()
	saved.Cancel(nil)
	_ = saved.Scope()
	later := func() { saved.Go(task) }
	_ = later
	return err
}

func elsewhere(ctx context.Context, other *nursery.Nursery) error {
	var saved *nursery.Nursery
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved = other
	saved.Go(task)
	return err
}

func atOnce(ctx context.Context) error {
	ch := make(chan error, 1)
	opened := make(chan struct{})
	var saved *nursery.Nursery
	go func() {
		ch <- nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			saved = n
			close(opened)
			return nil
		})
	}()
	<-opened
	saved.Go(task)
	return <-ch
}

func started(ctx context.Context) {
	var saved *nursery.Nursery
	go nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved.Go(task)
}

func deferred(ctx context.Context) {
	var saved *nursery.Nursery
	defer nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved.Go(task) // which panics, because the variable is nil
}

func around(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		err := nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
			inner.Go(task)
			n.Go(task)
			return nil
		})
		n.Go(task)
		return err
	})
}

func loop(ctx context.Context) error {
	var saved *nursery.Nursery
	for range 2 {
		if saved != nil {
			saved.Go(task) // it is, the second time, but that is not to be seen here
		}
		if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			saved = n
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func excused(ctx context.Context) error {
	var saved *nursery.Nursery
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved.Go(task) //grove:ok this shows the panic
	return err
}
