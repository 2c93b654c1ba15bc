package spin

import (
	"context"
	"os"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func work() int { return 0 }

func tasks(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			for { // want `endless loop in a task, which no cancellation ends; call cancel.Checkpoint in it`
				work()
			}
		})
		n.Go(func(ctx context.Context) error {
			for i := 0; ; i++ { // want `endless loop`
				if work() == i {
					continue
				}
			}
		})
		nursery.Spawn(n, func(context.Context) (int, error) {
			for { // want `endless loop`
			}
		})
		_ = nursery.For(ctx, 3, func(ctx context.Context, i int) error {
			for { // want `endless loop`
				for range i {
					work()
				}
			}
		})
		for { // want `endless loop`
			switch work() {
			case 1:
				work()
			}
		}
	})
}

// What follows is right.

func fine(n *nursery.Nursery, ch chan int) {
	n.Go(func(ctx context.Context) error {
		for {
			if err := cancel.Checkpoint(ctx); err != nil {
				return err
			}
		}
	})
	n.Go(func(ctx context.Context) error {
		for work() > 0 {
		}
		for {
			if work() > 0 {
				return nil
			}
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			if work() > 0 {
				break
			}
		}
		return nil
	})
	n.Go(func(ctx context.Context) error {
		for {
			<-ch
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			ch <- 1
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			for range ch {
			}
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			select {
			case <-ch:
			default:
			}
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			if work() > 0 {
				panic("work")
			}
		}
	})
	n.Go(func(ctx context.Context) error {
		for {
			if work() > 0 {
				os.Exit(1)
			}
		}
	})
	n.Go(func(ctx context.Context) error {
	outer:
		for {
			for {
				if work() > 0 {
					break outer
				}
			}
		}
		return nil
	})
	n.Go(func(ctx context.Context) error {
		for { //grove:ok the program ends it
			work()
		}
	})
}

func notTask() {
	for {
		work()
	}
}
